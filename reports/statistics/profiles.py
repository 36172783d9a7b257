"""Performance profiles over subjects: for each accuracy, the fraction of subjects on whom a method reaches it.

With a_s a method's accuracy on all tested scans of subject s, and S subjects,

    F(x) = (number of subjects with a_s >= x) / S,

a step function that falls from F(0) = 1; the area below it is the mean of a_s over subjects. Where one method's curve
lies above another's everywhere, it is at least as accurate at every quantile of subjects. A curve depends on its own
method alone, so that it stays as it is whatever else it is compared with. The ratio to the best method of each case
(E. Dolan and J. Moré, Benchmarking optimization software with performance profiles, Mathematical Programming 91, 2002)
does not have that property.

Bands are pointwise 95 % intervals of the fraction, over subjects, given these training runs: Wilson's, as each subject
either reaches x or does not.

Sources: R. Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice, NeurIPS 2021
(performance profiles of scores; theirs are over runs and tasks, with a bootstrap's bands); E. B. Wilson, Probable
inference, the law of succession, and statistical inference, Journal of the American Statistical Association 22, 1927.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from reports.statistics.multiple_testing import LEVEL
from reports.statistics.scores import hits, mean

#: Of a normal distribution, as far from 0 as intervals reach.
_Z = float(stats.norm.ppf(1.0 - LEVEL / 2.0))


@dataclass(frozen=True, eq=False)
class Profile:
    """A performance profile: F is ``fraction[k]`` from above ``accuracy[k - 1]`` up to ``accuracy[k]``, 0 beyond all.

    Attributes:
        accuracy: ``(K,)``, the different accuracies of subjects, rising, 0..1.
        fraction: ``(K,)``, of subjects with at least that accuracy, falling from 1.
        low, high: ``(K,)``, the ends of the fraction's 95 % interval, 0..1.
        subjects: how many there are.
    """

    accuracy: NDArray[np.float64]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    subjects: int

    def at(self, accuracy: float) -> float:
        """F: the fraction of subjects with at least this accuracy."""
        place = int(np.searchsorted(self.accuracy, accuracy, side="left"))
        return float(self.fraction[place]) if place < len(self.fraction) else 0.0

    def reached_by(self, fraction: float) -> float:
        """The highest accuracy that at least this fraction of subjects, above 0, reaches."""
        return float(self.accuracy[self.fraction >= fraction].max())


def profile(accuracies: NDArray[np.float64]) -> Profile:
    """Performance profile of the accuracies ``(S,)`` of at least one subject, 0..1."""
    levels, counts = np.unique(accuracies, return_counts=True)
    reaching = counts[::-1].cumsum()[::-1]
    low, high = wilson(reaching, len(accuracies))
    return Profile(levels, reaching / len(accuracies), low, high, len(accuracies))


def profile_of(predictions: pd.DataFrame) -> Profile:
    """Performance profile of a method's predictions, a row a tested scan of any repeat."""
    sums = hits(predictions, predictions["subject"].unique().tolist())
    return profile(mean(sums))


def wilson(successes: NDArray[np.int64], trials: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ends of Wilson's 95 % interval of a proportion, for each number of successes in so many trials."""
    z, share = _Z, successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.clip(middle - reach, 0.0, 1.0), np.clip(middle + reach, 0.0, 1.0)
