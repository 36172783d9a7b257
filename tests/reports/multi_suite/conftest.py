"""Suites on datasets of their own, small and quickly compared."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from reports.data.results import Results
from reports.multi_suite.suites import MultiSuite
from reports.tables.compared import Compared
from tests.reports.conftest import fabricate

SKILLS = {"depth": 0.3, "late": 0.9, "afnetm": 1.0}


def suite(
    name: str,
    *,
    dataset: str | None = None,
    called: str | None = None,
    source: Mapping[str, object] = {},
    seed: int = 0,
    skills: Mapping[str, float] = SKILLS,
    subjects: int = 10,
    **changed: object,
) -> Compared:
    """A suite on a dataset with the fingerprint `dataset`, by default its own, which is `called` so."""
    found = fabricate(skills=skills, subjects=subjects, folds=5, epochs=1, seed=seed)
    mark = dataset or name
    about = {**found.provenance.dataset, "fingerprint": mark, "name": called or mark, "source": source}
    plan = replace(found.provenance, suite=name, dataset=about, **changed)
    return Compared(replace(found, folds=found.folds.assign(suite=name), provenance=plan))


def with_info(results: Results, method: str, **changed: object) -> Compared:
    """The results with something else about a method."""
    methods = {**results.provenance.methods, method: {**results.provenance.methods[method], **changed}}
    return Compared(replace(results, provenance=replace(results.provenance, methods=methods)))


@pytest.fixture(scope="session")
def named() -> Callable[..., Compared]:
    return suite


@pytest.fixture(scope="session")
def five() -> MultiSuite:
    """Three methods on five datasets."""
    return MultiSuite([suite(name, seed=seed) for seed, name in enumerate(("one", "two", "three", "four", "five"))])
