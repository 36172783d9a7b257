"""Performance profiles over subjects, against counting, and by what every such curve has."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from reports.statistics.profiles import profile, profile_of, wilson

ACCURACIES = st.lists(st.integers(0, 12).map(lambda right: right / 12), min_size=1, max_size=40)


@given(ACCURACIES, st.floats(0.0, 1.0))
def test_it_is_the_share_of_subjects_that_reach_an_accuracy(accuracies, x):
    found = profile(np.array(accuracies))
    assert found.at(x) == pytest.approx(sum(one >= x for one in accuracies) / len(accuracies))
    assert found.at(0.0) == 1.0
    assert found.at(1.1) == 0.0


@given(ACCURACIES)
def test_it_falls_from_one_within_its_band_and_has_the_mean_below_it(accuracies):
    found = profile(np.array(accuracies))
    assert found.fraction[0] == 1.0
    assert (np.diff(found.accuracy) > 0).all()
    assert (np.diff(found.fraction) < 0).all()
    assert (found.fraction > 0).all()
    for end in (found.low, found.high):
        assert ((end >= 0) & (end <= 1)).all()
        assert (np.diff(end) <= 0).all()
    assert (found.low <= found.fraction).all()
    assert (found.fraction <= found.high + 1e-12).all()
    area = float((np.diff(found.accuracy, prepend=0.0) * found.fraction).sum())
    assert area == pytest.approx(np.mean(accuracies))


@given(ACCURACIES, st.floats(0.01, 1.0))
def test_a_fraction_of_subjects_reaches_an_accuracy_and_no_higher_one(accuracies, fraction):
    found = profile(np.array(accuracies))
    reached = found.reached_by(fraction)
    assert sum(one >= reached for one in accuracies) >= fraction * len(accuracies) - 1e-9
    assert all(
        sum(one >= more for one in accuracies) < fraction * len(accuracies) for more in accuracies if more > reached
    )


def test_a_subject_counts_once_however_many_scans_it_has():
    scans = [("a", 1), ("a", 1), ("a", 0), ("a", 0), ("b", 1)]
    rows = [{"subject": who, "expression": "joy", "predicted": "joy" if right else "fear"} for who, right in scans]
    found = profile_of(pd.DataFrame(rows))
    assert found.accuracy.tolist() == [0.5, 1.0]
    assert found.fraction.tolist() == [1.0, 0.5]
    assert found.subjects == 2


@pytest.mark.parametrize("trials", [1, 7, 100])
def test_bands_are_wilson_s(trials):
    counts = np.arange(trials + 1)
    expected = [binomtest(int(count), trials).proportion_ci(method="wilson") for count in counts]
    np.testing.assert_allclose(np.transpose(wilson(counts, trials)), expected, atol=1e-12)
