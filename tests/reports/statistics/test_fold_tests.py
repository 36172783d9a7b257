"""The corrected t-test and its Bayesian reading against published examples and others' implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from reports.statistics.fold_tests import corrected_t, posterior

# scikit-learn 1.9, example "Statistical comparison of models using grid search": 100 folds (10 x 10) of 90 and 10
# points, areas under the curve of an SVM with an RBF kernel minus one with a linear kernel. Its folds differ by
# multiples of 0.02: how often by each.
_TIMES = {-0.12: 1, -0.08: 2, -0.04: 10, 0.0: 53, 0.04: 29, 0.08: 4, 0.2: 1}
SVM = np.repeat(list(_TIMES), list(_TIMES.values()))


def test_the_published_example_of_the_corrected_test():
    found = corrected_t(SVM, n_train=90, n_test=10)
    assert float(found.mean / found.error) == pytest.approx(0.750, abs=5e-4)
    assert float(found.p) / 2 == pytest.approx(0.227, abs=5e-4)  # one-sided there
    assert [float(found.low), float(found.high)] == pytest.approx([-0.016445, 0.036445], abs=5e-7)


def test_the_published_example_of_the_posterior():
    found = posterior(SVM, n_train=90, n_test=10, rope=0.01)
    assert float(found.inside) == pytest.approx(0.432, abs=5e-4)
    # baycomp 1.0.3, two_on_single(rbf, linear, rope=0.01, runs=10), its "left" being our right
    assert tuple(map(float, found)) == pytest.approx((0.06831754175730043, 0.4316824582427, 0.4999999999999996))
    better = posterior(SVM, n_train=90, n_test=10, rope=0.0)
    assert float(better.right) == pytest.approx(0.773, abs=5e-4)


def test_the_variance_is_baycomp_s():
    """Its own tests: differences 1, 5, -3 of one run of 3 folds have (16 + 16) / 2 * (1/3 + 1/2)."""
    found = corrected_t(np.array([1.0, 5.0, -3.0]), n_train=2, n_test=1)
    assert float(found.error**2) == pytest.approx((4**2 + 4**2) / 2 * (1 / 3 + 1 / 2))


FOLDS = hnp.arrays(np.float64, st.integers(2, 40), elements=st.integers(-50, 50).map(lambda n: n / 50))


@given(FOLDS)
def test_without_test_scans_it_is_the_paired_t_test(differences):
    found = corrected_t(differences, n_train=1e12, n_test=1)
    if np.ptp(differences) > 0:
        plain = stats.ttest_1samp(differences, 0.0)
        assert float(found.p) == pytest.approx(plain.pvalue, abs=1e-6)
        low, high = plain.confidence_interval()
        assert [float(found.low), float(found.high)] == pytest.approx([low, high], abs=1e-6)


@given(FOLDS, st.integers(1, 20), st.floats(0.0, 0.5), st.randoms(use_true_random=False))
def test_they_turn_round_with_their_methods_and_do_not_care_for_order(differences, n_test, rope, random):
    sizes = {"n_train": 20, "n_test": n_test}
    shuffled = np.array(random.sample(list(differences), len(differences)))
    one, other = corrected_t(differences, **sizes), corrected_t(-shuffled, **sizes)
    np.testing.assert_allclose([one.p, one.low, one.high], [other.p, -other.high, -other.low], atol=1e-9)
    here, there = posterior(differences, **sizes, rope=rope), posterior(-shuffled, **sizes, rope=rope)
    np.testing.assert_allclose(here, there[::-1], atol=1e-9)
    if np.ptp(differences) > 0:
        assert 0.0 <= float(one.p) <= 1.0
        assert min(here) >= 0.0
        assert sum(here) == pytest.approx(1.0)
        assert (float(one.p) < 0.05) == (float(one.low) > 0.0 or float(one.high) < 0.0)


@pytest.mark.parametrize("differences", [[0.1, 0.1, 0.1], [0.3 - 0.2, 0.1, 0.4 - 0.3], [0.0, 0.0], [0.25], []])
def test_folds_without_a_spread_say_nothing(differences):
    found = corrected_t(np.array(differences), n_train=9, n_test=1)
    assert np.isnan([found.error, found.p, found.low, found.high]).all()
    assert np.isnan(posterior(np.array(differences), n_train=9, n_test=1, rope=0.01)).all()
    assert float(found.mean) == pytest.approx(np.mean(differences) if differences else np.nan, nan_ok=True)


def test_many_at_once_are_each_as_alone():
    differences = np.random.default_rng(0).normal(0.01, 0.05, (7, 25))
    at_once = posterior(differences, n_train=40, n_test=10, rope=0.01)
    for row, each in enumerate(differences):
        alone = posterior(each, n_train=40, n_test=10, rope=0.01)
        np.testing.assert_allclose([part[row] for part in at_once], alone)
