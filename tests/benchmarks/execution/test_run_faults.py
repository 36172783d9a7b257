"""Runs by the command line, killed, stopped, failing: real trainings, real workers, real MLflow.

They take minutes: `nox -s faults`.
"""

import json
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.conftest import Afnetm, command
from tests.benchmarks.found import assert_same, runs_done
from tests.benchmarks.moody import moody

pytestmark = pytest.mark.faults


def test_workers_and_order_decide_nothing(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], home: Path, afnetm: Afnetm
) -> None:
    """One worker, the methods one after the other and last first, gives what two workers gave."""
    for method in ("concat", "texture"):
        afnetm(home, "run", "--no-report", str(finished[1]), "--methods", method, "--workers", "1")
    assert_same(finished[0], home)


def test_killed_twice_and_resumed_equals_uninterrupted(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], home: Path, afnetm: Afnetm
) -> None:
    for done_when_killed in (0, 4):
        kill(finished[1], home, done_when_killed)
    afnetm(home, "run", "--no-report", str(finished[1]))
    assert_same(finished[0], home)


def kill(suite: Path, home: Path, done_when_killed: int) -> None:
    """Begins a run of a suite and kills its driver once so many runs are done; its workers end by themselves."""
    process = subprocess.Popen(
        command(home, "run", "--no-report", str(suite)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    workers: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while len(workers) < 2 or runs_done(home) < done_when_killed:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        workers = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    survived = runs_done(home)
    assert survived >= done_when_killed
    _, alive = psutil.wait_procs(workers, timeout=60)  # one that is still starting has its imports before it
    assert not alive, "workers outlive their driver"


def test_a_run_that_raises_is_recorded_the_others_go_on_and_it_is_tried_again(
    home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path
) -> None:
    path = moody(tmp_path, "raise RuntimeError('out of paint\\nsecond line')")
    suite.write_text(suite.read_text() + "[methods.moody]\n")
    done = afnetm(home, "run", "--no-report", str(suite), code=1, PYTHONPATH=path, MOOD="bad")
    said = "RuntimeError: out of paint (moody.py:7)"
    message = [line for line in done.stderr.splitlines() if said in line]
    assert f": moody: 3 runs failed before training: {said}" in message[0]
    assert "accuracy" not in done.stderr[: done.stderr.index(said)], "before anything is trained"
    text = Path(message[1].rpartition("traceback: ")[2])
    assert message[1].startswith(f"failed: moody 0-0 and 2 more: {said}; traceback: {home / 'failures'}/")
    assert len(message) == 2
    assert "second line" not in done.stderr
    assert runs_done(home) == 6
    status = afnetm(home, "status", str(suite))
    assert "6 done, 3 failed, 0 left" in status.stdout
    assert f"moody 0-0: {said}" in status.stdout
    assert text.read_text().startswith("method:    moody (moody, version 1)\nrun:       repeat 0, fold 0\n")
    assert "in build" in text.read_text()

    afnetm(home, "run", "--no-report", str(suite), PYTHONPATH=path)
    assert runs_done(home) == 9
    assert not list((home / "failures").glob("*"))


def test_a_worker_that_is_killed_costs_its_own_run_alone(
    home: Path, suite: Path, afnetm: Afnetm, tmp_path: Path
) -> None:
    path = moody(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    suite.write_text(suite.read_text() + "[methods.moody]\n")
    done = afnetm(home, "run", "--no-report", str(suite), code=1, PYTHONPATH=path, MOOD="bad")
    assert "the worker process died" in done.stderr
    counts = json.loads(afnetm(home, "status", str(suite), "--json").stdout)["runs"]
    assert counts == {"done": 6, "failed": 3, "left": 0}
    afnetm(home, "run", "--no-report", str(suite), PYTHONPATH=path)
    assert runs_done(home) == 9


def test_a_server_that_is_away_loses_nothing(home: Path, suite: Path, afnetm: Afnetm, here: Afnetm) -> None:
    done = afnetm(home, "--tracking-uri", "http://127.0.0.1:9", "run", str(suite), drawn=False)
    assert "MLflow server http://127.0.0.1:9 cannot be reached (Connection refused)" in done.stderr
    assert "(Connection refused); not copied: up to 6 runs\n" in done.stderr
    again = f"afnetm --home {home} --tracking-uri http://127.0.0.1:9 track small"
    assert f"this command copies the rest: {again}\n" in done.stderr
    assert runs_done(home) == 6
    still = here(home, "--tracking-uri", "http://127.0.0.1:9", "track", code=1)
    assert "not copied: up to 6 runs\n" in still.stderr
    assert here(home, "track", "small").stdout == "small: MLflow has 6 finished runs, 6 copied now\n"
    assert here(home, "track").stdout == "small: MLflow has 6 finished runs, 0 copied now\n"
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home.resolve() / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    assert len(runs) == 6 + 2 + 1
