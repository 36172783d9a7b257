"""The order in which runs are run: every method is tried on a few faces before one is trained."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from afnetm.data.dataset import FaceDataset
from benchmarks.execution.rehearsing import Queue
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite

TABLES = {
    "description": "a test",
    "dataset": {"name": "learnable"},
    "protocol": {"folds": 3},
    "methods": {"texture": {}, "depth": {}, "concat": {}},
}


@pytest.fixture
def runs(learnable: FaceDataset) -> list[PlannedRun]:
    return plan(parse_suite(TABLES, name="s", text="", file="s.toml"), learnable, device="cpu")


def pulled(queue: Queue) -> Iterator[PlannedRun]:
    while (planned := queue.pull()) is not None:
        yield planned


def test_nothing_is_trained_before_every_method_was_tried(runs: list[PlannedRun]) -> None:
    queue = Queue(runs)
    tried = list(pulled(queue))
    assert [(one.label, one.rehearsal) for one in tried] == [(label, True) for label in ("texture", "depth", "concat")]
    assert queue.rehearsed("texture", failed=False) == []
    assert queue.rehearsed("depth", failed=True) == [one for one in runs if one.label == "depth"]
    assert list(pulled(queue)) == [], "one is still under way"
    assert queue.rehearsed("concat", failed=False) == []
    assert list(pulled(queue)) == [one for one in runs if one.label != "depth"]


def test_a_method_whose_runs_are_done_is_not_tried(runs: list[PlannedRun]) -> None:
    queue = Queue(runs[-1:])
    assert list(pulled(queue)) == [replace(runs[-1], rehearsal=True)]
    assert list(pulled(Queue([]))) == []
