"""Several drivers on one home by the command line, killed, stopped and woken, on machines whose clocks differ.

They take minutes: `nox -s faults`.
"""

import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from tests.benchmarks.conftest import command
from tests.benchmarks.found import assert_same, runs_done
from tests.benchmarks.search.test_search_faults import assert_same_search
from tests.waiting import until

pytestmark = pytest.mark.faults

Finished = tuple[Path, Path, subprocess.CompletedProcess[str]]

#: A machine of its own, as far as Python can tell: a name, a boot, a clock; and a line for each record that is written.
MACHINE = """
import os, socket, sys, time
host, off, log = os.environ["TEST_HOST"], float(os.environ["TEST_CLOCK"]), os.environ["TEST_LOG"]
readlink, now = os.readlink, time.time
socket.gethostname = lambda: host
os.readlink = lambda path, **more: host if path == "/proc/self/ns/pid" else readlink(path, **more)
time.time = lambda: now() + off
def hook(event, arguments):
    if event == "os.mkdir" and "/unfinished/" in (path := str(arguments[0])):
        with open(log, "a") as file:
            file.write(os.path.basename(path).partition(".")[0] + "\\n")
sys.addaudithook(hook)
"""


class Machine:
    """Begins drivers as if each were on a machine of its own.

    Attributes:
        log: keys of the records that were written, a line each time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.log = folder, folder / "log"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(MACHINE)

    def begin(self, home: Path, suite: Path, *, host: str, clock: float = 0.0) -> subprocess.Popen[str]:
        environment = {
            "PYTHONPATH": f"{self._folder}{os.pathsep}{Path.cwd()}",
            "TEST_HOST": host,
            "TEST_CLOCK": str(clock),
            "TEST_LOG": str(self.log),
            "AFNETM_CLAIM_LIMIT": "3",
        }
        words = command(home, "run", str(suite), "--workers", "1")
        return subprocess.Popen(
            words, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    @property
    def written(self) -> Counter[str]:
        return Counter(self.log.read_text().split() if self.log.exists() else ())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def until_done(home: Path, count: int, *processes: subprocess.Popen[str]) -> None:
    def done() -> bool:
        assert all(process.poll() is None for process in processes), "one ended before it could be stopped"
        return runs_done(home) >= count

    until(done, f"{count} runs")


def ended(process: subprocess.Popen[str]) -> str:
    out, words = process.communicate(timeout=300)
    assert process.returncode == 0, words
    assert "Traceback" not in words
    return out


def check_left_nothing(home: Path) -> None:
    assert not list((home / "unfinished").iterdir())
    assert not list((home / "claims").iterdir())


def keys(home: Path) -> set[str]:
    return {path.parent.name for path in (home / "runs").rglob("result.json")}


def copied(home: Path, suite: str) -> Counter[str]:
    """How many runs in MLflow have each record's key."""
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(suite)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    return Counter(key for run in runs if (key := run.data.tags.get("afnetm.key")))


def test_two_that_begin_at_once_train_and_copy_each_run_once(finished: Finished, home: Path, machine: Machine) -> None:
    """Their clocks are ten minutes apart."""
    both = [machine.begin(home, finished[1], host=f"host{clock}", clock=clock) for clock in (-300, 300)]
    outs = [ended(process) for process in both]
    assert machine.written == dict.fromkeys(keys(home), 1)
    assert copied(home, "small") == dict.fromkeys(keys(home), 1)
    assert sum("report:" in out for out in outs) >= 1
    assert sum("other drivers are still at work; the last of them writes the report" in out for out in outs) <= 1
    check_left_nothing(home)
    assert_same(finished[0], home)


def test_a_search_by_two_is_the_search_by_one(
    searched: Path, home: Path, searched_suite: Path, machine: Machine
) -> None:
    for process in [machine.begin(home, searched_suite, host=host) for host in ("a", "b")]:
        ended(process)
    assert machine.written == dict.fromkeys(keys(home), 1)
    check_left_nothing(home)
    assert_same_search(searched, home)


def test_what_a_killed_driver_had_in_hand_is_done_by_the_other(
    finished: Finished, home: Path, machine: Machine
) -> None:
    first = machine.begin(home, finished[1], host="a")
    until_done(home, 1, first)
    second = machine.begin(home, finished[1], host="a")
    until_done(home, 2, first, second)
    workers = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.communicate()
    psutil.wait_procs(workers, timeout=60)
    assert "report:" in ended(second)
    check_left_nothing(home)
    assert_same(finished[0], home)


def test_one_that_is_stopped_and_woken_changes_nothing(finished: Finished, home: Path, machine: Machine) -> None:
    first = machine.begin(home, finished[1], host="a")
    until_done(home, 1, first)
    everyone = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
    for process in everyone:
        process.suspend()
    try:
        ended(machine.begin(home, finished[1], host="b"))
        assert runs_done(home) == 6
        before = {path: path.stat().st_mtime_ns for path in (home / "runs").rglob("result.json")}
    finally:
        for process in reversed(everyone):
            process.resume()
    ended(first)
    assert {path: path.stat().st_mtime_ns for path in (home / "runs").rglob("result.json")} == before
    assert copied(home, "small") == dict.fromkeys(keys(home), 1)
    check_left_nothing(home)
    assert_same(finished[0], home)


def test_what_another_writes_is_left_alone_and_waited_for(finished: Finished, home: Path, machine: Machine) -> None:
    key = min(keys(finished[0]))
    others, dead = (home / "unfinished" / f"{name}.elsewhere-7-1a2b3c4d" for name in (key, "0" * 20))
    with driving(Home(home)) as claims:
        assert claims.take(f"run.{key}")
        for folder in (others, dead):
            folder.mkdir(parents=True)
            (folder / "result.json").write_text("{")
        process = machine.begin(home, finished[1], host="b")
        until_done(home, 5, process)
        time.sleep(2)
        assert process.poll() is None, "it waits"
        assert runs_done(home) == 5
        assert others.is_dir()
        assert not dead.exists()
    ended(process)
    check_left_nothing(home)
    assert_same(finished[0], home)
