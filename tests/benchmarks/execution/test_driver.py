"""Workers that die, exit and raise: real processes, whose runs do what the tests ask for."""

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from benchmarks.execution.driver import drive
from benchmarks.execution.slots import slots
from benchmarks.execution.workers import Worker, failure
from benchmarks.execution.workload import Outcome
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Store

TABLES = {"description": "a test", "dataset": {"name": "learnable"}, "methods": {"texture": {}}}


class UntransportableError(Exception):
    """An exception that comes back from no other process: it cannot be made from its message alone."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def work(planned: PlannedRun, home: Home) -> None:
    """Does what the run's label says, and leaves a line for each try: its label, which process, and why it is alone."""
    kind, _, number = planned.label.partition(" ")
    first = planned.label not in {label for label, *_ in tries(home.path)}
    with (home.path / "tries").open("a") as file:
        file.write(f"{planned.label}\t{os.getpid()}\t{planned.alone}\n")
    if kind == "dies" or (kind == "once" and first):
        os.kill(os.getpid(), 9)
    if kind == "leaves":
        os._exit(0)
    if kind == "memory" or (kind == "tight" and first):
        raise torch.OutOfMemoryError("tried to allocate 2 GiB")
    if kind == "broken" or (kind == "sticky" and first):
        _use_a_broken_gpu()
    if kind == "exits":
        sys.exit(number)
    if kind == "raises":
        raise UntransportableError("paint", "brush\nsecond line")
    if kind == "full":
        raise OSError(28, "No space left on device", "somewhere")


def tries(home: Path) -> list[list[str]]:
    """Lines of `work`, in their order."""
    file = home / "tries"
    return [line.split("\t") for line in file.read_text().splitlines()] if file.exists() else []


def _use_a_broken_gpu() -> None:
    """Raises what torch raises of a GPU that a process can no longer use, wrapped as a method may wrap it."""
    try:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    except RuntimeError as error:
        raise ValueError("the loss cannot be computed") from error


@pytest.fixture
def runs(learnable: FaceDataset) -> list[PlannedRun]:
    suite = parse_suite(TABLES | {"protocol": {"folds": 4, "repeats": 3}}, name="s", text="", file="s.toml")
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


@pytest.mark.faults
def test_a_worker_that_dies_or_lacks_memory_or_its_gpu_costs_its_own_run_alone(
    runs: list[PlannedRun], tmp_path: Path
) -> None:
    well = ["fine 1", "fine 2", "once 1", "tight 1", "sticky 1"]
    again = {"dies 1", "once 1", "tight 1", "memory 1", "sticky 1", "broken 1", "leaves 1"}
    labels = ["fine 1", "dies 1", "tight 1", "sticky 1", "once 1", "exits 3", "raises 1", "memory 1", "broken 1"]
    labels += ["leaves 1", "fine 2"]
    listed = Listed(labels, runs)
    with driving(Home(tmp_path)) as claims:
        drive(listed, Home(tmp_path), claims, workers=workers(2), work=work)
    ended = listed.ended
    assert sorted(ended) == sorted(labels)
    assert sorted(label for label, one in ended.items() if one.reason is None) == sorted(well)
    for label in ("dies 1", "leaves 1"):
        assert "the worker process died, also when it was retried alone" in (ended[label].reason or "")
    assert ended["exits 3"].reason == "SystemExit: 3"
    assert ended["raises 1"].reason == "UntransportableError: paint and brush"
    assert (ended["memory 1"].reason or "").startswith("OutOfMemoryError: tried to allocate 2 GiB")
    assert ended["broken 1"].reason == "ValueError: the loss cannot be computed"
    found = tries(tmp_path)
    assert Counter(label for label, *_ in found) == {label: 1 + (label in again) for label in labels}
    alone = {label: why for label, _, why in found if why}
    assert set(alone) == again
    assert alone["tight 1"].startswith("OutOfMemoryError: tried to allocate 2 GiB")
    assert alone["once 1"] == alone["leaves 1"] == "the worker process died"
    for number, (label, process, why) in enumerate(found):
        if label in again and not (why and label in well):
            assert process not in {other for _, other, _ in found[number + 1 :]}, f"{label}: its process goes on"
    assert len({process for _, process, _ in found}) < len(found), "a process that is well is kept"
    store = Store(Home(tmp_path))
    assert store.failed() == {one.planned.run.key for one in ended.values() if one.reason is not None}
    text = store.failure_text(ended["raises 1"].planned.run.key).read_text()
    assert "in work" in text
    assert text.startswith("method:    raises 1 (texture, version 1)\nrun:       repeat ")
    assert "\ndevice:    cpu, core " in text
    assert f"torch {torch.__version__.partition('+')[0]}" in text
    assert "the worker process died" in store.failure_text(ended["dies 1"].planned.run.key).read_text()


@pytest.mark.parametrize(
    ("error", "another_may_do_better"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (torch.AcceleratorError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling cublasSgemm"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("no CUDA error"), False),
    ],
)
def test_a_run_is_tried_again_where_its_process_or_its_neighbours_may_be_the_cause(
    error: Exception, another_may_do_better: bool, runs: list[PlannedRun]
) -> None:
    assert failure(error, runs[0]).worth_retrying is another_may_do_better
    wrapped = KeyError("of a method")
    wrapped.__context__ = error
    error.__context__ = wrapped  # which Python allows
    assert failure(wrapped, runs[0]).worth_retrying is another_may_do_better


def test_a_full_disk_ends_the_run_in_a_line_and_fails_nothing(runs: list[PlannedRun], tmp_path: Path) -> None:
    labels = ["fine 1", "full 1", "fine 2", "fine 3"]
    with (
        pytest.raises(UserError, match=r"^home '.*': the disk is full; finished runs are kept: free some space"),
        driving(Home(tmp_path)) as claims,
    ):
        drive(Listed(labels, runs), Home(tmp_path), claims, workers=workers(1), work=work)
    assert not Store(Home(tmp_path)).failed()
    assert "fine 2" not in {label for label, *_ in tries(tmp_path)}, "its result could not be kept"
    assert not working()


def test_whoever_is_stopped_leaves_no_process_behind(runs: list[PlannedRun], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), driving(Home(tmp_path)) as claims:
        drive(Stopped(["fine 1", "fine 2", "fine 3"], runs), Home(tmp_path), claims, workers=workers(2), work=work)
    assert not working()
