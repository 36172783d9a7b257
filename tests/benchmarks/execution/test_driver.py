"""Workers that die, exit and raise: real processes, whose runs do what the tests ask for."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.execution.driver import drive
from benchmarks.execution.slots import slots
from benchmarks.execution.workers import Worker
from benchmarks.execution.workload import Outcome
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.claims import driving
from benchmarks.records.home import Home
from benchmarks.records.store import Store

TABLES = {"description": "a test", "dataset": {"name": "learnable"}, "methods": {"texture": {}}}


class UntransportableError(Exception):
    """An exception that comes back from no other process: it cannot be made from its message alone."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def work(planned: PlannedRun, home: Home) -> None:
    """Does what the run's label says, and leaves a mark for each try."""
    kind, _, number = planned.label.partition(" ")
    tries = home.path / planned.label
    tries.write_text(tries.read_text() + "." if tries.exists() else ".")
    if kind == "dies" or (kind == "once" and tries.read_text() == "."):
        os.kill(os.getpid(), 9)
    if kind == "memory" or (kind == "tight" and tries.read_text() == "."):
        raise torch.OutOfMemoryError("tried to allocate 2 GiB")
    if kind == "exits":
        sys.exit(number)
    if kind == "raises":
        raise UntransportableError("paint", "brush\nsecond line")
    if kind == "full":
        raise OSError(28, "No space left on device", "somewhere")


@pytest.fixture
def runs(learnable: FaceDataset) -> list[PlannedRun]:
    suite = parse_suite(TABLES | {"protocol": {"folds": 4, "repeats": 2}}, name="s", text="", file="s.toml")
    return plan(suite, learnable, device="cpu")


class Listed:
    """What is to be done, by labels, and what became of it."""

    def __init__(self, labels: list[str], runs: list[PlannedRun]) -> None:
        self._waiting = iter([replace(run, label=label) for label, run in zip(labels, runs, strict=False)])
        self.ended: dict[str, Outcome] = {}

    waits = False

    def pull(self) -> PlannedRun | None:
        return next(self._waiting, None)

    def take(self, outcome: Outcome) -> None:
        assert outcome.planned.label not in self.ended, "each ends once, whatever its neighbours do"
        self.ended[outcome.planned.label] = outcome


def workers(count: int) -> list[Worker]:
    return list(map(Worker, slots("cpu", workers=count)))


class Stopped(Listed):
    """Ctrl-C, after the first has ended."""

    def take(self, outcome: Outcome) -> None:
        assert working()
        raise KeyboardInterrupt


def working() -> list[psutil.Process]:
    """The worker processes of this one, forked from a server or started afresh."""
    own = psutil.Process().children()
    servers = [p for p in own if "forkserver" in " ".join(p.cmdline())]
    afresh = [p for p in own if "spawn_main" in " ".join(p.cmdline())]
    return [*afresh, *(worker for server in servers for worker in server.children())]


def test_a_worker_that_dies_or_lacks_memory_costs_its_own_run_alone(runs: list[PlannedRun], tmp_path: Path) -> None:
    labels = ["fine 1", "dies 1", "tight 1", "once 1", "exits 3", "raises 1", "memory 1", "dies 2"]
    listed = Listed(labels, runs)
    with driving(Home(tmp_path)) as claims:
        drive(listed, Home(tmp_path), claims, workers=workers(2), work=work)
    ended = listed.ended
    assert sorted(ended) == sorted(labels)
    assert {label for label, one in ended.items() if one.reason is None} == {"fine 1", "tight 1", "once 1"}
    assert "the worker process died, also when it was retried alone" in (ended["dies 1"].reason or "")
    assert ended["exits 3"].reason == "SystemExit: 3"
    assert ended["raises 1"].reason == "UntransportableError: paint and brush"
    assert (ended["memory 1"].reason or "").startswith("OutOfMemoryError: tried to allocate 2 GiB")
    tries = {label: len((tmp_path / label).read_text()) for label in labels}
    again = {"dies 1", "once 1", "dies 2", "tight 1", "memory 1"}
    assert {label for label, n in tries.items() if n > 1} == again
    assert max(tries.values()) == 2
    store = Store(Home(tmp_path))
    assert store.failed() == {one.planned.run.key for one in ended.values() if one.reason is not None}
    text = store.failure_text(ended["raises 1"].planned.run.key).read_text()
    assert "in work" in text
    assert text.startswith("method:    raises 1 (texture, version 1)\nrun:       repeat 1, fold 1\n")
    assert f"torch {torch.__version__.partition('+')[0]}" in text
    assert "the worker process died" in store.failure_text(ended["dies 1"].planned.run.key).read_text()


def test_a_full_disk_ends_the_run_in_a_line_and_fails_nothing(runs: list[PlannedRun], tmp_path: Path) -> None:
    labels = ["fine 1", "full 1", "fine 2", "fine 3"]
    with (
        pytest.raises(UserError, match=r"^home '.*': the disk is full; finished runs are kept: free some space"),
        driving(Home(tmp_path)) as claims,
    ):
        drive(Listed(labels, runs), Home(tmp_path), claims, workers=workers(1), work=work)
    assert not Store(Home(tmp_path)).failed()
    assert not (tmp_path / "fine 2").exists(), "nothing more is trained whose result could not be kept"
    assert not working()


def test_whoever_is_stopped_leaves_no_process_behind(runs: list[PlannedRun], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), driving(Home(tmp_path)) as claims:
        drive(Stopped(["fine 1", "fine 2", "fine 3"], runs), Home(tmp_path), claims, workers=workers(2), work=work)
    assert not working()
