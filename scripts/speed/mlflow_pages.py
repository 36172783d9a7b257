"""Cost of MLflow's pages where a suite has 10,000 runs: what the page asks the server for, and how long that takes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.execution.interfaces import HERE
from benchmarks.execution.mlflow_page import answers
from scripts.speed.counting import cost

_PORT = 5017
#: Rows of a page, and how often each is asked for.
_ROWS, _TIMES = 100, 5
_SUITE = "many"


def pages(folder: Path) -> dict[str, float]:
    """Seconds of copying the runs of `scripts.speed.reporting` to a new database, and of what pages then ask for."""
    copied = cost(folder, "track", _SUITE)
    command = [sys.executable, "-m", "benchmarks.cli", "--home", str(folder), "ui", _SUITE, "--no-browser"]
    process = subprocess.Popen([*command, "--port", str(_PORT)], stdout=subprocess.DEVNULL)
    try:
        while not answers(_PORT):
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}")
            time.sleep(0.2)
        return {"copying, CPU s": copied["seconds"], "copying, s": copied["elapsed"], **_asked()}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _asked() -> dict[str, float]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    client = MlflowClient(f"http://{HERE}:{_PORT}")
    (experiment,) = [one.experiment_id for one in client.search_experiments() if one.name == _SUITE]
    newest = client.search_runs([experiment], max_results=_ROWS)
    one = next(run for run in newest if "mlflow.parentRunId" in run.data.tags)
    parent = one.data.tags["mlflow.parentRunId"]
    asked: dict[str, Callable[[], object]] = {
        "the newest 100 runs, s": lambda: client.search_runs([experiment], max_results=_ROWS),
        "the 100 of highest accuracy, s": lambda: client.search_runs(
            [experiment], max_results=_ROWS, order_by=["metrics.accuracy DESC"]
        ),
        "100 of one method's runs, s": lambda: client.search_runs(
            [experiment], f"tags.`mlflow.parentRunId` = '{parent}'", max_results=_ROWS
        ),
        "a run, s": lambda: client.get_run(one.info.run_id),
        "its accuracy by epoch, s": lambda: client.get_metric_history(one.info.run_id, "train_accuracy"),
    }
    return {name: median(_seconds(ask) for _ in range(_TIMES)) for name, ask in asked.items()}


def _seconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started
