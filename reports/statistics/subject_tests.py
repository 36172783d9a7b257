"""Tests over subjects: were methods equal, would subjects differ as much as they do?

Were two methods equal, a subject's difference would be as likely to have the other sign. These tests take trainings as
fixed: they speak about other subjects tested by these very networks, not about training anew.

Sources: R. Fisher, The design of experiments, 1935, section 21 (signs flipped); B. Phipson and G. Smyth, Permutation
P-values should never be zero, SAGMB 9, 2010 (the observed one counted among those drawn); F. Wilcoxon, Individual
comparisons by ranking methods, Biometrics Bulletin 1, 1945; J. Pratt, Remarks on zeros and ties in the Wilcoxon signed
rank procedures, JASA 54, 1959; R. Agarwal et al., Deep Reinforcement Learning at the Edge of the
Statistical Precipice, NeurIPS 2021 (probability of improvement).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: Up to so many subjects every flip of signs is looked at; with more as many as FLIPS are drawn.
EXACT = 16
FLIPS = 9_999
SEED = 0
#: Sums closer than this, relative to the largest, are equal: what differs is rounding.
_ROUNDING = 1e-9


def sign_flip(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p ``(...)``: the share of flips of signs whose mean is at least as far from zero as the one observed.

    `scipy.stats.permutation_test` does the same for one pair of methods; this is many times faster for many.

    Args:
        differences: ``(..., S)``, finite, between two methods' scores of S subjects; S is at least 1.
    """
    # The distribution is that of the sizes alone; sorted, it does not depend on what subjects are called.
    sizes = np.sort(np.abs(differences), axis=-1)
    largest = sizes.sum(axis=-1, keepdims=True)
    observed = np.abs(differences.sum(axis=-1, keepdims=True)) - _ROUNDING * largest
    as_far = (np.abs(sizes @ flips(sizes.shape[-1]).T) >= observed).sum(axis=-1)
    exact = sizes.shape[-1] <= EXACT
    return np.asarray(as_far / 2 ** (sizes.shape[-1] - 1) if exact else (as_far + 1) / (FLIPS + 1))


@lru_cache(maxsize=8)
def flips(subjects: int) -> NDArray[np.float64]:
    """Signs ``(flips, subjects)``: all, up to what turns every sign round, or `FLIPS` drawn ones; read-only."""
    if subjects <= EXACT:
        bits = np.arange(2 ** (subjects - 1))[:, None] >> np.arange(subjects) & 1
    else:
        bits = np.random.default_rng(SEED).integers(0, 2, (FLIPS, subjects))
    signs = np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
    signs.flags.writeable = False
    return signs


def signed_rank(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilcoxon's two-sided p ``(...)``; NaN where no subject differs.

    Subjects without a difference are ranked and then left out (Pratt). Up to `EXACT` subjects it is exact, by flipping
    the signs of the ranks; with more it is scipy's, exact to 50 where all differ, else by the normal approximation.

    Args:
        differences: ``(..., S)``, finite, between two methods' scores of S subjects; S is at least 1.
    """
    if differences.shape[-1] <= EXACT:
        found = sign_flip(np.sign(differences) * stats.rankdata(np.abs(differences), axis=-1))
    else:
        found = np.empty(differences.shape[:-1])
        some_equal = np.asarray((differences == 0.0).any(axis=-1))
        for rows in (some_equal, ~some_equal):  # scipy chooses one procedure for all that it is given
            if rows.any():
                with np.errstate(invalid="ignore"):  # where no subject differs
                    found[rows] = stats.wilcoxon(differences[rows], zero_method="pratt", axis=-1).pvalue
    return np.where(differences.any(axis=-1), found, np.nan)


def improvement(differences: NDArray[np.float64]) -> float:
    """The share of subjects that the first method classifies better than the second; ties count half.

    Agarwal et al.'s probability of improvement with subjects for tasks, of which each has one score a method.

    Args:
        differences: ``(S,)``, of the subject's scores, first method minus second.
    """
    return float(np.mean((np.sign(differences) + 1.0) / 2.0))
