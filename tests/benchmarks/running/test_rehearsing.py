"""The order in which units are run: every method is tried on a few faces before one is trained."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from afnetm.data.dataset import FaceDataset
from benchmarks.plans.suite import parse_suite
from benchmarks.plans.units import PlannedUnit, plan
from benchmarks.running.rehearsing import Queue

TABLES = {
    "description": "a test",
    "dataset": {"name": "learnable"},
    "protocol": {"folds": 3},
    "methods": {"texture": {}, "depth": {}, "concat": {}},
}


@pytest.fixture
def units(learnable: FaceDataset) -> list[PlannedUnit]:
    return plan(parse_suite(TABLES, name="s", text="", file="s.toml"), learnable, device="cpu")


def pulled(queue: Queue) -> Iterator[PlannedUnit]:
    while (planned := queue.pull()) is not None:
        yield planned


def test_nothing_is_trained_before_every_method_was_tried(units: list[PlannedUnit]) -> None:
    queue = Queue(units)
    tried = list(pulled(queue))
    assert [(one.label, one.rehearsal) for one in tried] == [(label, True) for label in ("texture", "depth", "concat")]
    assert queue.rehearsed("texture", failed=False) == []
    assert queue.rehearsed("depth", failed=True) == [one for one in units if one.label == "depth"]
    assert list(pulled(queue)) == [], "one is still under way"
    assert queue.rehearsed("concat", failed=False) == []
    assert list(pulled(queue)) == [one for one in units if one.label != "depth"]


def test_a_method_whose_units_are_done_is_not_tried(units: list[PlannedUnit]) -> None:
    queue = Queue(units[-1:])
    assert list(pulled(queue)) == [replace(units[-1], rehearsal=True)]
    assert list(pulled(Queue([]))) == []
