"""Accuracy over the error of annotated landmarks, for one method a source of masks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.pictures.landmark_error import ERROR, GROUPS, by_landmark_error, landmark_error, representatives
from reports.tables.comparison import comparison

#: `late` reads annotated masks, `afnetm` the mean ones, texture and depth none.
SOURCES = {"late": "annotated", "afnetm": "mean"}


@pytest.fixture(scope="module")
def disturbed(make):
    """Scans with a landmark error between 1 and 6 mm; no two the same."""
    skills = {"texture": 0.5, "depth": 0.8, "late": 1.2, "afnetm": 1.5}
    made = make(skills=skills, subjects=8, folds=2, epochs=3)
    read = {name: ("texture", "depth", "masks") if name in SOURCES else ("texture", "depth") for name in skills}
    scans = np.sort(made.predictions["scan"].unique())
    errors = np.random.default_rng(1).permutation(np.linspace(1.0, 6.0, len(scans)))
    methods = {
        name: {**about, "inputs": read[name], "masks": SOURCES.get(name, "mean")}
        for name, about in made.provenance.methods.items()
    }
    factors = pd.DataFrame({"scan": scans, ERROR: errors})
    return replace(made, provenance=replace(made.provenance, methods=methods), nuisance_factors=factors)


def test_groups_hold_equally_many_scans_of_ever_larger_error(disturbed):
    found = by_landmark_error(disturbed, ["late", "afnetm"])
    ordered = disturbed.nuisance_factors.sort_values(ERROR)["scan"].tolist()
    for method in ("late", "afnetm"):
        own = found[found["method"] == method]
        assert own["group"].tolist() == list(range(GROUPS))
        assert own["error"].is_monotonic_increasing
        predictions = disturbed.predictions[disturbed.predictions["method"] == method].set_index("scan")
        right = (predictions["expression"] == predictions["predicted"]).loc[ordered]
        parts = np.array_split(right.to_numpy(), GROUPS)
        np.testing.assert_allclose(own["accuracy"], [part.mean() for part in parts])
        assert (own["low"] <= own["accuracy"]).all()
        assert (own["accuracy"] <= own["high"]).all()


def test_the_best_of_each_source_is_shown(disturbed):
    table = comparison(disturbed)
    best = table.set_index("method")["accuracy"]
    without = best.drop(list(SOURCES)).idxmax()
    assert representatives(disturbed, table) == {"annotated": "late", "mean": "afnetm", "": without}
    alt = landmark_error(disturbed, table)[""].alt
    for source, method in {"annotated": "late", "mean": "afnetm", "no masks": without}.items():
        first = by_landmark_error(disturbed, [method])["accuracy"].iloc[0]
        assert f"{method} ({source}) {100 * first:.1f}" in alt


def test_nothing_is_shown_without_errors_or_with_one_source_for_all(small, disturbed):
    assert landmark_error(small, comparison(small)) == {}
    table = comparison(disturbed)
    assert landmark_error(replace(disturbed, nuisance_factors=pd.DataFrame()), table) == {}
    alike = replace(
        disturbed.provenance,
        methods={name: about | {"inputs": ("texture",)} for name, about in disturbed.provenance.methods.items()},
    )
    exact = disturbed.nuisance_factors.assign(**{ERROR: 0.0})
    assert landmark_error(replace(disturbed, nuisance_factors=exact), table) == {}
    assert landmark_error(replace(disturbed, provenance=alike), table) == {}
