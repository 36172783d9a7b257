"""The Bayesian correlated t-test: how probable it is that one method is better, or that both are practically the same.

With an uninformative prior, and every two folds' differences correlated by n_test / (n_test + n_train), the mean
difference has a posterior that is Student's t with J - 1 degrees of freedom around the folds' mean, as wide as the
corrected standard error (`reports.statistics.fold_tests`). It answers in probabilities, given that model; a region of
practical equivalence (rope) around zero holds the differences that nobody would act on.

Source: A. Benavoli, G. Corani, J. Demšar and M. Zaffalon, Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis, JMLR 18, 2017, section 3.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reports.statistics.fold_tests import corrected_t


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
    """Where the mean difference of two methods lies.

    Args:
        differences: ``(..., J)``, finite, between the methods' scores on the same J folds, first minus second.
        n_train: scans trained on in a fold.
        n_test: scans tested in a fold.
        rope: differences up to this, either way, count as none; in the unit of `differences`.
    """
    found = corrected_t(differences, n_train=n_train, n_test=n_test)
    left, right = (stats.t.sf((rope + sign * found.mean) / found.error, differences.shape[-1] - 1) for sign in (1, -1))
    return Rope(left, np.maximum(1.0 - left - right, 0.0), right)
