"""Sign flips and signed ranks against Fisher, scipy and enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from reports.statistics.subject_tests import EXACT, FLIPS, flips, sign_flip, signed_rank

# Darwin's maize, crossed minus self-fertilised, eighths of an inch: Fisher, The design of experiments, section 17.
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8.0

SHARES = st.integers(-12, 12).map(lambda n: n / 12)
FEW = hnp.arrays(np.float64, st.integers(1, 9), elements=SHARES)
MANY = hnp.arrays(np.float64, st.integers(EXACT + 1, 60), elements=SHARES)


def test_fisher_s_own_example():
    """Section 21: of the 32,768 sums 1,726 are as far from zero as 314 eighths or farther, 5.267 %."""
    assert float(sign_flip(DARWIN)) == 1726 / 32768


def test_signed_ranks_of_the_same():
    """scipy's documentation of `wilcoxon` has these differences: 0.041."""
    assert float(signed_rank(DARWIN)) == pytest.approx(0.041259765625)


@given(FEW)
def test_few_subjects_are_enumerated(differences):
    sums = [abs(np.dot(signs, differences)) for signs in product([-1.0, 1.0], repeat=len(differences))]
    share = np.mean([each >= abs(differences.sum()) - 1e-9 for each in sums])
    assert float(sign_flip(differences)) == pytest.approx(share)


@pytest.mark.parametrize("subjects", [6, 30])
def test_it_is_scipy_s_permutation_test(subjects):
    generator = np.random.default_rng(subjects)
    differences = generator.normal(0.25, 1.0, subjects)
    found = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=50_000, rng=1)
    noise = 0.0 if subjects <= EXACT else 0.02
    assert float(sign_flip(differences)) == pytest.approx(found.pvalue, abs=noise + 1e-12)


@given(st.one_of(FEW, MANY), st.randoms(use_true_random=False))
def test_they_turn_round_with_their_methods_and_do_not_care_for_order(differences, random):
    shuffled = np.array(random.sample(list(differences), len(differences)))
    p = float(sign_flip(differences))
    assert 0.0 < p <= 1.0
    assert float(sign_flip(-differences)) == p
    assert float(sign_flip(shuffled)) == pytest.approx(p, abs=1e-12)
    ranked = float(signed_rank(differences))
    assert ranked == pytest.approx(float(signed_rank(-shuffled)), nan_ok=True)
    assert np.isnan(ranked) == (not differences.any())


def test_drawn_flips_never_give_zero():
    assert float(sign_flip(np.ones(60))) == 1 / (FLIPS + 1)


def test_equal_sums_count_though_rounded():
    """0.1 + 0.2 is not 0.3 to a processor."""
    assert float(sign_flip(np.array([0.1, 0.2, -0.3]))) == 1.0


def test_methods_that_are_equal_on_every_subject_are_not_told_apart():
    assert float(sign_flip(np.zeros(30))) == 1.0
    assert np.isnan(signed_rank(np.zeros(30)))


@settings(max_examples=20)
@given(hnp.arrays(np.float64, st.integers(2, 6), elements=SHARES).filter(np.any))
def test_few_signed_ranks_are_scipy_s_with_ties_and_zeros(differences):
    assert float(signed_rank(differences)) == pytest.approx(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def test_zeros_make_signed_ranks_more_careful():
    differences = np.concatenate([np.linspace(0.1, 2.0, 20), np.zeros(20)])
    assert signed_rank(differences) > stats.wilcoxon(differences[:20]).pvalue
    assert signed_rank(differences) == pytest.approx(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def test_many_at_once_are_each_as_alone():
    differences = np.random.default_rng(0).normal(0.2, 1.0, (5, 30))
    np.testing.assert_array_equal(sign_flip(differences), [float(sign_flip(each)) for each in differences])
    np.testing.assert_array_equal(signed_rank(differences), [float(signed_rank(each)) for each in differences])


def test_drawn_flips_are_the_same_every_time():
    before = flips(40).copy()
    flips.cache_clear()
    np.testing.assert_array_equal(before, flips(40))
