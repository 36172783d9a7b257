"""Two suites for a leaderboard: whose methods say what they read, where their runs are, and which were tuned."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from reports.data.results import Results
from reports.leaderboard.entry import Entry, entry
from reports.tables.compared import Compared
from tests.reports.conftest import fabricate, tune

INPUTS = {"texture": ["texture"], "depth": ["depth"], "afnetm": ["texture", "depth", "masks"]}
TITLES = {"texture": "Texture", "depth": "Depth", "concat": "Concatenation", "late": "Late fusion", "afnetm": "AFNet-M"}


def described(results: Results, suite: str, dataset: str, *, page: str = "http://127.0.0.1:5000/#/{}") -> Results:
    """The results as of a suite that knows its methods, with times of training."""
    plan = results.provenance
    methods: dict[str, Mapping[str, object]] = {}
    for name, about in plan.methods.items():
        inputs = INPUTS.get(name, ["texture", "depth"])
        methods[name] = {
            **about,
            "title": TITLES.get(name, ""),
            "inputs": inputs,
            "masks": "mean" if "masks" in inputs else "",
            "module": f"baselines.{name}",
            "reading": name == "concat",
            "page": page.format(name),
        }
    dataset_info = {**plan.dataset, "name": dataset, "fingerprint": dataset}
    folds = results.folds.assign(suite=suite, train_seconds=9.0 * results.folds["seconds"], test_seconds=1.0)
    return replace(results, folds=folds, provenance=replace(plan, suite=suite, methods=methods, dataset=dataset_info))


@pytest.fixture(scope="session")
def fusion() -> Compared:
    """Five methods, untuned, AFNet-M the control."""
    return Compared(described(fabricate(epochs=2), "fusion", "default"))


@pytest.fixture(scope="session")
def tuned_suite() -> Compared:
    """Three methods, tuned, on other subjects."""
    skills = {"depth": 0.3, "late": 1.6, "afnetm": 1.2}
    return Compared(described(tune(fabricate(skills=skills, subjects=15, epochs=2, seed=3)), "clean", "other"))


def entries(suites: Sequence[Compared], reports: Mapping[str, str] = {}) -> list[Entry]:
    """The suites' parts of a leaderboard, with the pages of their reports by suite."""
    return [entry(one, report=reports.get(one.results.provenance.suite, "")) for one in suites]
