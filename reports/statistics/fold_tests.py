"""Tests over folds: the corrected repeated k-fold t-test, and what it says of probabilities (Bayes).

Folds share training scans, and repeats share all of them, so the variance of the mean over J = k r folds is far more
than a J-th of the variance between folds. Nadeau and Bengio put

    Var(mean) = (1 / J + n_test / n_train) s^2

in its place, s^2 the folds' variance, and refer mean / sqrt(Var) to Student's t with J - 1 degrees of freedom. It is
right where every two folds' differences correlate by n_test / (n_test + n_train), which is a guess, and wants scores
that are roughly normal.

The Bayesian correlated t-test asks how probable it is that one method is better, or that both are practically the same.
With an uninformative prior the mean difference has a posterior that is Student's t with J - 1 degrees of freedom around
the folds' mean, as wide as the corrected standard error; a region of practical equivalence (rope) around zero holds the
differences that nobody would act on.

Sources: C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning 52, 2003; R. Bouckaert and
E. Frank, Evaluating the replicability of significance tests for comparing learning algorithms, PAKDD 2004 (with
repeated k-fold cross-validation); A. Benavoli, G. Corani, J. Demšar and M. Zaffalon, Time for a change: a tutorial for
comparing multiple classifiers through Bayesian analysis, JMLR 18, 2017, section 3.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: Folds that differ by less from one another do not differ: what is left is rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class FoldTest:
    """Tests of a difference over folds, ``(...)`` each; all but `mean` NaN for fewer than two folds or equal ones.

    Attributes:
        mean: over folds, a share of 1.
        error: the corrected standard error of the mean.
        p: two-sided.
        low: end of the 95 % interval.
        high: end of the 95 % interval.
    """

    mean: NDArray[np.float64]
    error: NDArray[np.float64]
    p: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def corrected_t(differences: NDArray[np.float64], *, n_train: float, n_test: float) -> FoldTest:
    """The test of ``(..., J)`` differences between two methods' scores on the same J folds.

    Args:
        differences: finite, first method minus second.
        n_train: scans trained on in a fold.
        n_test: scans tested in a fold.
    """
    folds = differences.shape[-1]
    if folds < 2:
        nothing = np.full(differences.shape[:-1], np.nan)
        return FoldTest(nothing if folds == 0 else differences[..., 0], nothing, nothing, nothing, nothing)
    mean = differences.mean(axis=-1)
    variance = np.where(np.ptp(differences, axis=-1) > _ROUNDING, differences.var(axis=-1, ddof=1), np.nan)
    error = np.sqrt((1.0 / folds + n_test / n_train) * variance)
    reach = stats.t.ppf(0.975, folds - 1) * error
    p = 2.0 * stats.t.sf(np.abs(mean) / error, folds - 1)
    return FoldTest(mean, error, p, mean - reach, mean + reach)


class Rope(NamedTuple):
    """Probabilities ``(...)``, of sum 1; all NaN where the folds have no spread to tell them from.

    Attributes:
        left: that the difference is below the region: the second method is better.
        inside: that it is within: both are practically the same.
        right: that it is above: the first method is better.
    """

    left: NDArray[np.float64]
    inside: NDArray[np.float64]
    right: NDArray[np.float64]


def posterior(differences: NDArray[np.float64], *, n_train: float, n_test: float, rope: float) -> Rope:
    """Posterior probabilities of where the mean difference of two methods lies.

    Args:
        differences: ``(..., J)``, finite, between the methods' scores on the same J folds, first minus second.
        n_train: scans trained on in a fold.
        n_test: scans tested in a fold.
        rope: differences up to this, either way, count as none; in the unit of `differences`.
    """
    found = corrected_t(differences, n_train=n_train, n_test=n_test)
    left, right = (stats.t.sf((rope + sign * found.mean) / found.error, differences.shape[-1] - 1) for sign in (1, -1))
    return Rope(left, np.maximum(1.0 - left - right, 0.0), right)
