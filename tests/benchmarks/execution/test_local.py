"""Workers that die, exit and raise: real processes, whose runs do what the tests ask for."""

import os
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.execution.local import Outcome, run_local
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home
from benchmarks.records.store import Store

TABLES = {"description": "a test", "dataset": {"name": "learnable"}, "methods": {"texture": {}}}


class UntransportableError(Exception):
    """An exception that comes back from no other process: it cannot be made from its message alone."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def work(planned: PlannedRun, home: Home) -> float:
    """Does what the run's label says, and leaves a mark for each try."""
    kind, _, number = planned.label.partition(" ")
    tries = home.path / planned.label
    tries.write_text(tries.read_text() + "." if tries.exists() else ".")
    if kind == "dies" or (kind == "once" and tries.read_text() == "."):
        os.kill(os.getpid(), 9)
    if kind == "exits":
        sys.exit(number)
    if kind == "raises":
        raise UntransportableError("paint", "brush\nsecond line")
    if kind == "full":
        raise OSError(28, "No space left on device", "somewhere")
    return 1.0


@pytest.fixture
def runs(learnable: FaceDataset) -> list[PlannedRun]:
    suite = parse_suite(TABLES | {"protocol": {"folds": 4, "repeats": 2}}, name="s", text="", file="s.toml")
    return plan(suite, learnable, device="cpu")


def outcomes(labels: list[str], runs: list[PlannedRun], home: Path, *, workers: int = 2) -> Generator[Outcome]:
    waiting = iter([replace(run, label=label) for label, run in zip(labels, runs, strict=False)])
    return run_local(lambda: next(waiting, None), Home(home), workers=workers, work=work)


def working() -> list[psutil.Process]:
    """The worker processes of this one, forked from a server or started afresh."""
    own = psutil.Process().children()
    servers = [p for p in own if "forkserver" in " ".join(p.cmdline())]
    afresh = [p for p in own if "spawn_main" in " ".join(p.cmdline())]
    return [*afresh, *(worker for server in servers for worker in server.children())]


def test_a_worker_that_dies_costs_its_own_run_alone(runs: list[PlannedRun], tmp_path: Path) -> None:
    labels = ["fine 1", "dies 1", "fine 2", "once 1", "exits 3", "raises 1", "fine 3", "dies 2"]
    ended = {one.planned.label: one for one in outcomes(labels, runs, tmp_path)}
    assert sorted(ended) == sorted(labels), "each ends once, whatever its neighbours do"
    assert {label for label, one in ended.items() if one.reason is None} == {"fine 1", "fine 2", "fine 3", "once 1"}
    assert "the worker process died, also when tried again" in (ended["dies 1"].reason or "")
    assert ended["exits 3"].reason == "SystemExit: 3"
    assert ended["raises 1"].reason == "UntransportableError: paint and brush"
    tries = {label: len((tmp_path / label).read_text()) for label in labels}
    assert {label: n for label, n in tries.items() if n > 1} == {"dies 1": 2, "once 1": 2, "dies 2": 2}
    store = Store(Home(tmp_path))
    assert store.failed() == {one.planned.run.key for one in ended.values() if one.reason is not None}
    text = store.failure_text(ended["raises 1"].planned.run.key).read_text()
    assert "in work" in text
    assert text.startswith("method:    raises 1 (texture, version 1)\nrun:       repeat 1, fold 1\n")
    assert f"torch {torch.__version__.partition('+')[0]}" in text
    assert "the worker process died" in store.failure_text(ended["dies 1"].planned.run.key).read_text()


def test_a_full_disk_ends_the_run_in_a_line_and_fails_nothing(runs: list[PlannedRun], tmp_path: Path) -> None:
    labels = ["fine 1", "full 1", "fine 2", "fine 3"]
    with pytest.raises(UserError, match=r"^home '.*': the disk is full; all that is finished is kept: free some space"):
        list(outcomes(labels, runs, tmp_path, workers=1))
    assert not Store(Home(tmp_path)).failed()
    assert not (tmp_path / "fine 2").exists(), "nothing more is trained whose result could not be kept"
    assert not working()


def test_whoever_stops_listening_leaves_no_process_behind(runs: list[PlannedRun], tmp_path: Path) -> None:
    running = outcomes(["fine 1", "fine 2", "fine 3"], runs, tmp_path)
    next(running)
    assert working()
    running.close()
    assert not working()
