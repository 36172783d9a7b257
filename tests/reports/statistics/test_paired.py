"""Pairs of methods against plain recomputations from the tables."""

import numpy as np
import pytest


def test_a_pair_is_what_the_tables_say(make):
    results = make(subjects=14, drawn=8, repeats=3, folds=4, epochs=1)
    pair = results.pairing.pair("late", "depth")
    scores = results.folds.pivot(index=["repeat", "fold"], columns="method", values="accuracy")
    np.testing.assert_allclose(pair.folds, scores["late"] - scores["depth"], atol=1e-12)
    assert pair.n_train == pytest.approx(results.folds.query("method == 'late'")["n_train"].mean())
    assert pair.n_test == pytest.approx(results.folds.query("method == 'late'")["n_test"].mean())
    right = results.predictions.assign(right=results.predictions["expression"] == results.predictions["predicted"])
    means = right.groupby(["subject", "method"])["right"].mean().unstack("method")
    np.testing.assert_allclose(pair.subjects, means["late"] - means["depth"], atol=1e-12)


def test_a_difference_turns_round_with_its_methods(results):
    one, other = (results.pairing.pair(*pair).accuracy for pair in (("afnetm", "texture"), ("texture", "afnetm")))
    ends = [-other.value, -other.interval.high, -other.interval.low]
    np.testing.assert_allclose([one.value, one.interval.low, one.interval.high], ends, atol=1e-12)
    assert one.p == pytest.approx(other.p)
    accuracies = results.predictions.query("expression == predicted").groupby("method").size() / 288
    assert one.value == pytest.approx(accuracies["afnetm"] - accuracies["texture"])


def test_only_common_folds_are_compared(results, drop):
    part = drop(results, method="texture", fold=2)
    both = drop(part, method="afnetm", fold=2)
    one, other = (each.pairing.pair("afnetm", "texture") for each in (part, both))
    assert len(one.folds) == 4
    assert one.accuracy == other.accuracy
    np.testing.assert_array_equal(one.subjects, other.subjects)
    assert len(results.pairing.pair("afnetm", "texture").subjects) > len(one.subjects)


@pytest.mark.parametrize("other", ["late", "who has no run"])
def test_who_shares_no_fold_has_no_difference(results, other):
    pair = results.pairing.pair("late", other)
    assert (len(pair.folds), len(pair.subjects)) == (0, 0)
    found = pair.accuracy
    assert np.isnan([found.value, found.interval.low, found.interval.high, found.p]).all()
    assert found.why == "no fold is finished by both"


def test_equal_differences_are_equal_to_the_last_bit(make):
    """Or zeros and ties would be none to tests on ranks: 1 of 3 scans is 4 of 12."""
    results = make(skills={"a": 0.5, "b": 0.6}, subjects=40, folds=4, repeats=2, epochs=1)
    found = results.pairing.pair("a", "b").subjects
    scans = np.round(found * 24)
    np.testing.assert_allclose(found, scans / 24, atol=1e-12)
    assert len(np.unique(found)) == len(np.unique(scans))
