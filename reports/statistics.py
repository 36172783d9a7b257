"""Scores with intervals: a cluster bootstrap that resamples subjects.

Scans of one subject are alike, and folds share training scans, so neither scans nor folds are independent; subjects
are. Each resample draws as many subjects as there are, with replacement, takes every tested scan of each (over all
repeats), and scores the pooled scans; where subjects are drawn anew in every repeat, who was drawn more often weighs
more, in the score as in its interval. An interval therefore speaks about other subjects tested by these trainings; it
does not hold what training anew on other subjects would change.

Sources: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3 (percentile intervals);
C. Field and A. Welsh, Bootstrapping clustered data, JRSS B 69, 2007 (resampling clusters whole); G. Forman and
M. Scholz, Apples-to-apples in cross-validation studies, SIGKDD Explorations 12, 2010 (F1 from pooled counts).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.schema import EXPRESSIONS

RESAMPLES = 10_000
SEED = 0
#: The two ends of a 95 % interval, as quantiles of the resampled scores.
ENDS = (0.025, 0.975)

Counts = NDArray[np.int64] | NDArray[np.float64]
#: Confusion counts ``(..., 6, 6)``, true expression by predicted one, to scores ``(...)`` in 0..1.
Score = Callable[[Counts], NDArray[np.float64]]


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


def accuracy(counts: Counts) -> NDArray[np.float64]:
    """The share of scans told right: the trace of the confusion counts over their sum."""
    right = np.trace(counts, axis1=-2, axis2=-1)
    return np.asarray(right / counts.sum(axis=(-2, -1)), dtype=np.float64)


def macro_f1(counts: Counts) -> NDArray[np.float64]:
    """The mean over classes of ``F1 = 2 TP / (2 TP + FP + FN)``.

    A class that is neither there nor predicted is left out of the mean, as in scikit-learn's ``f1_score``.
    """
    true_positives = np.diagonal(counts, axis1=-2, axis2=-1)
    members = counts.sum(axis=-1) + counts.sum(axis=-2)
    occurs = members > 0
    f1 = 2.0 * true_positives / np.where(occurs, members, 1)
    return np.asarray(f1.sum(axis=-1) / occurs.sum(axis=-1), dtype=np.float64)


def confusions(predictions: pd.DataFrame, subjects: Sequence[str]) -> NDArray[np.int64]:
    """Confusion counts ``(S, 6, 6)`` int64 of each of `subjects`: true expression by predicted one."""
    classes = len(EXPRESSIONS)
    subject = pd.Index(subjects).get_indexer(pd.Index(predictions["subject"]))
    true = pd.Index(EXPRESSIONS).get_indexer(pd.Index(predictions["expression"]))
    predicted = pd.Index(EXPRESSIONS).get_indexer(pd.Index(predictions["predicted"]))
    cell = (subject * classes + true) * classes + predicted
    return np.bincount(cell, minlength=len(subjects) * classes**2).reshape(-1, classes, classes).astype(np.int64)


@lru_cache(maxsize=8)
def draws(subjects: int, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """How often each resample holds each subject: ``(resamples, subjects)``, rows sum to `subjects`; read-only.

    They depend on the number of subjects alone, so every method of a suite meets the same resamples.
    """
    generator = np.random.default_rng(seed)
    times = generator.multinomial(subjects, np.full(subjects, 1.0 / subjects), size=resamples).astype(np.float64)
    times.flags.writeable = False
    return times


def interval(counts: Counts, score: Score) -> Interval:
    """`score` of the pooled `counts` ``(S, 6, 6)``, with its percentile interval over resampled subjects.

    Every subject needs at least one scan. One subject alone has no interval: its ends are NaN.
    """
    return _summary(float(score(counts.sum(axis=0))), _resampled(counts, score))


def difference(counts: Counts, reference: Counts, score: Score) -> Interval:
    """`score` of `counts` minus that of `reference`, both ``(S, 6, 6)`` over the same subjects in the same order.

    Both sides of a resample hold the same subjects, so what makes a subject hard for both methods cancels.
    """
    value = float(score(counts.sum(axis=0)) - score(reference.sum(axis=0)))
    return _summary(value, _resampled(counts, score) - _resampled(reference, score))


def paired(predictions: pd.DataFrame, method: str, reference: str, score: Score) -> Interval:
    """`difference` of two methods on the folds that both have finished; NaN where there is none."""
    both = predictions[predictions["method"].isin([method, reference])]
    common = both.groupby(["repeat", "fold"])["method"].transform("nunique") == 2
    both = both[common]
    if method == reference or both.empty:
        return Interval(np.nan, np.nan, np.nan)
    subjects = sorted(both["subject"].unique())
    first, second = (confusions(both[both["method"] == name], subjects) for name in (method, reference))
    return difference(first, second, score)


def scored(predictions: pd.DataFrame, score: Score) -> Interval:
    """`interval` of the predictions of one method, pooled over folds and repeats."""
    return interval(confusions(predictions, sorted(predictions["subject"].unique())), score)


def _resampled(counts: Counts, score: Score) -> NDArray[np.float64]:
    if len(counts) < 2:
        return np.array([np.nan])
    times = draws(len(counts))
    pooled = times @ counts.reshape(len(counts), -1).astype(np.float64)
    return score(pooled.reshape(-1, *counts.shape[1:]))


def _summary(value: float, resampled: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(resampled, ENDS)
    return Interval(value, float(low), float(high))
