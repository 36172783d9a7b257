"""A comparison's runs in their order, every method tried on a few faces before one is trained, and how long is left."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from afnetm.data.dataset import FaceDataset
from benchmarks.execution.comparison import Comparison, Remaining
from benchmarks.execution.workload import Outcome
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal

TABLES = {
    "description": "a test",
    "dataset": {"name": "learnable"},
    "protocol": {"folds": 3},
    "methods": {"texture": {}, "depth": {}, "concat": {}},
}


@pytest.fixture
def runs(learnable: FaceDataset) -> list[PlannedRun]:
    return plan(parse_suite(TABLES, name="s", text="", file="s.toml"), learnable, device="cpu")


def comparison(runs: list[PlannedRun], home: Path, done: set[str] | None = None) -> Comparison:
    return Comparison(runs, done or set(), Store(Home(home)), workers=1, console=Terminal(quiet=True))


def pulled(of: Comparison) -> Iterator[PlannedRun]:
    while (planned := of.pull()) is not None:
        yield planned


def test_nothing_is_trained_before_every_method_was_tried(runs: list[PlannedRun], tmp_path: Path) -> None:
    of, store = comparison(runs, tmp_path), Store(Home(tmp_path))
    texture, depth, concat = tried = list(pulled(of))
    assert [(one.label, one.rehearsal) for one in tried] == [(label, True) for label in ("texture", "depth", "concat")]
    of.take(Outcome(texture, 0.1))
    store.write_failure(depth.run.key, "RuntimeError: no", "all of it")
    of.take(Outcome(depth, reason="RuntimeError: no"))
    refused = [one for one in runs if one.label == "depth"]
    assert [outcome.planned for outcome in of.tally.failed] == refused
    assert {store.reason(one.run.key) for one in refused} == {"RuntimeError: no"}
    assert {store.failure_text(one.run.key).read_text() for one in refused} == {"all of it"}
    assert list(pulled(of)) == [], "one is still under way"
    of.take(Outcome(concat, 0.1))
    assert list(pulled(of)) == [one for one in runs if one.label != "depth"]


def test_a_method_whose_runs_are_done_is_not_tried(runs: list[PlannedRun], tmp_path: Path) -> None:
    of = comparison(runs, tmp_path, {one.run.key for one in runs[:-1]})
    assert list(pulled(of)) == [replace(runs[-1], rehearsal=True)]
    assert comparison(runs, tmp_path, {one.run.key for one in runs}).ended


def test_the_rest_takes_as_long_as_runs_of_its_method_did() -> None:
    left = Remaining({"quick": 2, "slow": 3}, workers=1)
    assert math.isnan(left.seconds)
    left.take("quick", 10.0)
    assert left.seconds == 10.0 * 4
    left.take("slow", 100.0)
    assert left.seconds == 10.0 + 2 * 100.0
    left.take("slow", None)
    assert left.seconds == 10.0 + 100.0
    side_by_side = Remaining({"late": 2, "odd": 2}, workers=3)
    side_by_side.take("late", 30.0)
    assert side_by_side.seconds == 30.0
    for label in ("late", "odd", "odd"):
        side_by_side.take(label, 30.0)
    assert side_by_side.seconds == 0.0
