"""Whole runs: what one takes beside its steps, loops with loaders beside ours, and a worker that is killed."""

import os
import signal
import tempfile
import time
from collections import deque
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import Any

from afnetm.data.dataset import open_dataset
from afnetm.model.encoder import EncoderSpec
from afnetm.training.config import TrainingConfig
from benchmarks.execution.driver import drive, execute
from benchmarks.execution.slots import slots
from benchmarks.execution.workers import Worker
from benchmarks.execution.workload import Outcome
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import Suite
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Record, Store
from scripts.speed.gpu.cells import WrongError
from scripts.speed.gpu.learning import scratch, short_suite
from scripts.speed.gpu.scale import Scale
from scripts.speed.gpu.scans import QUICK, scans, write

#: Epochs of runs that are for their time, or for what becomes of them.
_EPOCHS = 2
_RUNS = 3
#: After so many seconds a worker is killed: it has read what it trains on.
_DIES = 0.3


def time_line(scale: Scale, *, graph: bool) -> dict[str, Any]:
    """Seconds of runs of `concat` one after the other in a worker's way, the first with all that is done once."""
    from benchmarks.execution import executing

    suite = _replayed(short_suite(scale, "bfloat16", epochs=_EPOCHS), graph)
    suite = suite.model_copy(update={"encoder": EncoderSpec(width=scale.width)})
    subjects, size = scale.timed
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.datasets.mkdir(parents=True)
        write(scans(scale.home, size=size, subjects=max(subjects, suite.protocol.folds or 0)), home.datasets / QUICK)
        runs = plan(suite.only(["concat"]), open_dataset(home.datasets / QUICK), device=scale.device)[:_RUNS]
        seconds = [executing.execute(run, home) for run in runs]
        results = [Store(home).result(run.run.key) for run in runs]
    own = [all_ - result["seconds"] for all_, result in zip(seconds, results, strict=True)]
    return {
        "first_seconds": seconds[0],
        "next_seconds": min(seconds[1:]),
        "first_own_seconds": own[0],
        "own_seconds": min(own[1:]),
        "test_seconds": min(result["test_seconds"] for result in results),
        "peak_memory": results[-1]["peak_memory"],
    }


def loops(scale: Scale) -> dict[str, Any]:
    """Scans a second of our loop and of Lightning's with processes that load."""
    if find_spec("lightning") is None:
        return {"left_out": "Lightning is not installed"}
    from scripts.speed.lightning_loops import with_loaders

    count, epochs, workers = scale.loaded
    subjects, size = scale.timed
    dataset = scans(scale.home, size=size, subjects=subjects)
    config = TrainingConfig(epochs=epochs, batch_size=scale.batches[0], precision="bfloat16")
    with tempfile.TemporaryDirectory() as folder:
        rates = with_loaders(
            dataset,
            Path(folder) / "png",
            config,
            device=scale.device,
            width=scale.width,
            scans=min(count, len(dataset.table)),
            workers=workers,
        )
    theirs = {name: rate for name, rate in rates.items() if name.startswith("Lightning")}
    best = max(rates["ours"], rates["ours, graph"])
    return {**rates, **{f"ours / {name}": best / rate for name, rate in theirs.items()}}


def survives(scale: Scale, *, graph: bool) -> dict[str, Any]:
    """Runs by several workers, of which one is killed, have the predictions of those by one; and how many an hour."""
    suite = _replayed(short_suite(scale, "bfloat16", epochs=scale.epochs or _EPOCHS), graph)
    found: dict[str, Any] = {}
    predicted = []
    for count, kills in ((1, False), (2, True)):
        with scratch(scale) as home:
            dataset = open_dataset(home.datasets / QUICK)
            planned = plan(suite.only(list(scale.methods)), dataset, device=scale.device)
            runs = [run for run in planned if run.run.fold < max(2, scale.folds)]
            workers = [Worker(slot) for slot in slots(scale.device, workers=count, per_gpu=count)]
            begun, done = time.perf_counter(), _Runs(runs)
            with driving(home) as claims:
                drive(done, home, claims, workers=workers, work=_killed_once if kills else execute)
            found[f"{count} workers, runs/h"] = len(runs) / (time.perf_counter() - begun) * 3600
            failed = [outcome.reason for outcome in done.ended if outcome.reason is not None]
            if failed or len(done.ended) != len(runs):
                raise WrongError(f"{len(done.ended)} of {len(runs)} runs ended; failed: {'; '.join(failed)}", found)
            store = Store(home)
            predicted.append([(store.folder(run.run.key) / "predictions.parquet").read_bytes() for run in runs])
    differing = sum(one != other for one, other in zip(*predicted, strict=True))
    if differing:
        raise WrongError(f"predictions of {differing} of {len(runs)} runs differ after a worker was killed", found)
    return found


def _replayed(suite: Suite, graph: bool) -> Suite:
    return suite.model_copy(update={"training": replace(suite.training, graph=graph)})


class _Runs:
    """A workload of runs in their order."""

    waits = False

    def __init__(self, runs: list[PlannedRun]) -> None:
        self._left = deque(runs)
        self.ended: list[Outcome] = []

    def pull(self) -> PlannedRun | None:
        return self._left.popleft() if self._left else None

    def take(self, outcome: Outcome) -> None:
        self.ended.append(outcome)


def _killed_once(planned: PlannedRun, home: Home) -> Record | None:
    """Executes a run; the process of the first one dies in the middle of it."""
    try:
        (home.path / "killed").touch(exist_ok=False)
    except FileExistsError:
        return execute(planned, home)
    Timer(_DIES, os.kill, (os.getpid(), signal.SIGKILL)).start()
    execute(planned, home)
    raise RuntimeError(f"a run that should have been killed after {_DIES} s was done by then")
