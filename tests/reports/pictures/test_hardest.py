"""Subjects and scans that are hard: counted by hand, and named only where they may be."""

from dataclasses import replace

import numpy as np
import pytest

from reports.data.results import Results
from reports.pictures.hardest import by_subject, hardest, hardest_table, subjects


def private(results: Results, **changed) -> Results:
    plan = results.provenance
    return replace(results, provenance=replace(plan, dataset={**plan.dataset, "shareable": False}, **changed))


def test_subjects_are_in_the_order_of_their_mean_over_methods(results):
    shares = by_subject(results)
    assert shares.mean(axis=1).is_monotonic_increasing
    rows = results.predictions.query("method == 'late' and subject == 's003'")
    assert shares.loc["s003", "late"] == pytest.approx((rows["expression"] == rows["predicted"]).mean())


def test_the_drawing_has_every_subject(results):
    picture = subjects(results, "afnetm")
    hard = by_subject(results).mean(axis=1)
    assert f"the hardest {hard.index[0]} {100 * hard.iloc[0]:.0f} %" in picture.alt
    assert picture.svg.count("<use ") >= 2 * len(hard)


def test_the_hardest_scans_are_those_that_most_methods_miss(results):
    found = hardest(results, most=5)
    table = results.predictions
    wrong = (table["expression"] != table["predicted"]).groupby(table["scan"]).mean()
    assert found["wrong"].tolist() == sorted(wrong, reverse=True)[:5]
    for row in found.to_dict("records"):
        own = table[(table["scan"] == row["scan"]) & (table["expression"] != table["predicted"])]
        assert row["missed"] == len(own)  # each method tested it once
        assert row["of"] == 5
        assert own["predicted"].value_counts().max() == (own["predicted"] == row["taken"]).sum()
        assert row["share"] == pytest.approx((own["predicted"] == row["taken"]).mean())


def test_methods_count_alike_however_often_they_tested_a_scan(make, drop):
    results = make(skills={"a": 0.3, "b": 0.6}, subjects=6, folds=2, repeats=3, epochs=1)
    part = drop(results, method="a", fold=0, repeat=0)
    table = part.predictions.assign(wrong=part.predictions["expression"] != part.predictions["predicted"])
    by_hand = table.groupby(["scan", "method"])["wrong"].mean().groupby("scan").mean()
    found = hardest(part)
    assert np.allclose(found["wrong"], by_hand[found["scan"]])


def test_names_are_shown_only_where_they_may_be(small):
    names = set(small.predictions["scan"]) | set(small.predictions["subject"])
    assert set(hardest_table(small).text["Scan"]) <= names
    hidden = private(small, secret="one secret")
    assert hardest_table(hidden).rows
    assert not set(hardest_table(hidden).text.to_numpy().ravel()) & names
    words = subjects(hidden, "afnetm").alt
    assert not any(name in words for name in names)
    assert hardest_table(hidden).rows == hardest_table(private(small, secret="one secret")).rows


def test_without_a_secret_nobody_is_told_apart(small):
    hidden = private(small)
    assert hardest_table(hidden).rows == []
    mean = 100 * by_subject(small).mean(axis=1).iloc[0]
    assert f"the hardest {mean:.0f} %" in subjects(hidden, "afnetm").alt
