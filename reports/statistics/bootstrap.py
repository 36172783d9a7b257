"""Scores with intervals: a cluster bootstrap that resamples subjects.

Scans of one subject are alike, and folds share training scans, so neither scans nor folds are independent; subjects
are. Each resample draws as many subjects as there are, with replacement, takes every tested scan of each (over all
repeats), and scores the pooled scans; where subjects are drawn anew in every repeat, who was drawn more often weighs
more, in the score as in its interval. An interval therefore speaks about other subjects tested by these trainings; it
does not hold what training anew on other subjects would change.

Sources: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3 (percentile intervals);
C. Field and A. Welsh, Bootstrapping clustered data, JRSS B 69, 2007 (resampling clusters whole); R. Agarwal et al.,
Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021 (probability of improvement).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.statistics.scores import Score, Sums, hits, mean

RESAMPLES = 10_000
SEED = 0
#: The two ends of a 95 % interval, as quantiles of the resampled scores.
ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class Interval:
    """A score or a difference of scores, and the ends of its 95 % interval: shares of 1; NaN where undefined."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0.0 or self.high < 0.0


@lru_cache(maxsize=8)
def draws(subjects: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """Counts of each subject in each resample: ``(resamples, subjects)``, rows sum to `subjects`; read-only.

    They depend on the number of subjects alone, so every method of a suite meets the same resamples.
    """
    generator = np.random.default_rng(seed)
    times = generator.multinomial(subjects, np.full(subjects, 1.0 / subjects), size=resamples).astype(np.float64)
    times.flags.writeable = False
    return times


def interval(sums: Sums, score: Score) -> Interval:
    """`score` of the pooled `sums` ``(S, ...)``, one row a subject, with its percentile interval.

    Every subject needs at least one scan. One subject alone has no interval: its ends are NaN.
    """
    return _summary(float(score(sums.sum(axis=0))), _resampled(sums, score))


def difference(sums: Sums, reference: Sums, score: Score) -> Interval:
    """`score` of `sums` minus that of `reference`, both ``(S, ...)`` over the same subjects in the same order.

    Both sides of a resample hold the same subjects, so what makes a subject hard for both methods cancels.
    """
    value = float(score(sums.sum(axis=0)) - score(reference.sum(axis=0)))
    return _summary(value, _resampled(sums, score) - _resampled(reference, score))


def improvement(differences: NDArray[np.float64]) -> Interval:
    """Probability that a subject is classified better by the first method than by the second; ties count half.

    Agarwal et al.'s probability of improvement with subjects for tasks, of which each has one score a method.

    Args:
        differences: ``(S,)``, of the subject's scores, first method minus second.
    """
    wins = (np.sign(differences) + 1.0) / 2.0
    return interval(np.stack([wins, np.ones_like(wins)], axis=-1), mean)


def accuracy_of(predictions: pd.DataFrame) -> Interval:
    """The accuracy of one method's predictions, pooled over folds and repeats, with its `interval`."""
    return interval(hits(predictions, sorted(predictions["subject"].unique())), mean)


def _resampled(sums: Sums, score: Score) -> NDArray[np.float64]:
    if len(sums) < 2:
        return np.array([np.nan])
    pooled = draws(len(sums)) @ sums.reshape(len(sums), -1).astype(np.float64)
    return score(pooled.reshape(-1, *sums.shape[1:]))


def _summary(value: float, resampled: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(resampled, ENDS)
    return Interval(value, float(low), float(high))
