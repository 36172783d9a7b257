"""Scores of sums: what scans add up to, a score is computed from.

Sums can be taken over folds, subjects and repeats alike, and scored afterwards. They are confusion counts
``(..., C, C)``, true class by predicted one; ``(..., 2)``, what scans got together, and how many they are; or for
`ece` ``(..., BINS, 3)``. NaN stands where probabilities are not known.

Sources: G. Forman and M. Scholz, Apples-to-apples in cross-validation studies, SIGKDD Explorations 12, 2010 (F1 from
pooled counts); G. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1950;
C. Guo et al., On calibration of modern neural networks, ICML 2017 (expected calibration error, equal bins).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Sums = NDArray[np.int64] | NDArray[np.float64]
#: Sums with leading axes ``(...)`` to scores ``(...)``.
Score = Callable[[Sums], NDArray[np.float64]]
#: Bins of confidence, equally wide: Guo et al.'s number.
BINS = 15


@dataclass(frozen=True, eq=False)
class Grouped:
    """Predictions in groups, whose sums are ``(S, ...)``.

    Attributes:
        predictions: a row a tested scan.
        groups: names of the S groups.
        classes: names of the C classes, as of the columns ``p_CLASS``.
        by: the column that says in which group a scan is.
    """

    predictions: pd.DataFrame
    groups: Sequence[str] | range
    classes: Sequence[str]
    by: str = "subject"

    @cached_property
    def confusions(self) -> NDArray[np.int64]:
        """``(S, C, C)``: scans by true class and predicted one."""
        shape = len(self.groups), len(self.classes), len(self.classes)
        flat = np.ravel_multi_index((self._group, self._class("expression"), self._class("predicted")), shape)
        return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.int64)

    def of_class(self, name: str) -> Sums:
        """``(S, 2)``: of the scans of one class, how many are right, and all."""
        place = list(self.classes).index(name)
        return np.stack([self.confusions[:, place, place], self.confusions[:, place].sum(axis=-1)], axis=-1)

    @property
    def hits(self) -> Sums:
        """``(S, 2)``: how many scans are right, and all; their `mean` is the accuracy."""
        return hits(self.predictions, self.groups, by=self.by)

    @property
    def brier(self) -> NDArray[np.float64]:
        """``(S, 2)``: what scans' Brier scores add up to, and scans; their `mean` is 0, best, to 2.

        A scan's is the sum over classes of ``(p - y)^2``, where y is 1 for its class and 0 for the others.
        """
        shares = self._shares
        shares[np.arange(len(shares)), self._class("expression")] -= 1.0
        sums = np.zeros((len(self.groups), 2))
        np.add.at(sums, self._group, np.stack([(shares**2).sum(axis=1), np.ones(len(shares))], axis=1))
        return sums

    @property
    def confidences(self) -> NDArray[np.float64]:
        """``(S, BINS, 3)``: what scans' confidences add up to, how many are right, and scans. Scored by `ece`.

        A scan's confidence is the probability of the class that was predicted.
        """
        predicted = self._class("predicted")
        confidence = self._shares[np.arange(len(predicted)), predicted]
        place = bins(confidence)
        right = self._class("expression") == predicted
        sums = np.zeros((len(self.groups), BINS, 3))
        np.add.at(sums, (self._group, place), np.stack([confidence, right, np.ones(len(predicted))], axis=1))
        return sums

    @property
    def _group(self) -> NDArray[np.intp]:
        return pd.Index(self.groups).get_indexer(pd.Index(self.predictions[self.by]))

    @property
    def _shares(self) -> NDArray[np.float64]:
        return self.predictions[[f"p_{name}" for name in self.classes]].to_numpy(dtype=np.float64, copy=True)

    def _class(self, column: str) -> NDArray[np.intp]:
        return pd.Index(self.classes).get_indexer(pd.Index(self.predictions[column]))


def hits(predictions: pd.DataFrame, groups: Sequence[str] | range, *, by: str = "subject") -> NDArray[np.int64]:
    """``(S, 2)``: how many scans of each group are right, and all, whatever the classes."""
    group = pd.Index(groups).get_indexer(pd.Index(predictions[by]))
    right = (predictions["expression"] == predictions["predicted"]).to_numpy()
    return np.stack([np.bincount(of, minlength=len(groups)) for of in (group[right], group)], axis=-1).astype(np.int64)


def bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each confidence, 0 to `BINS` - 1; one that is not known is in the first, and spoils `ece`."""
    # Certainty belongs to the last.
    return np.minimum((np.nan_to_num(confidence) * BINS).astype(np.int64), BINS - 1)


def mean(sums: Sums) -> NDArray[np.float64]:
    """Mean of sums over scans, given with their numbers, ``(..., 2)``; NaN where there are none."""
    got, scans = sums[..., 0], sums[..., 1]
    return np.divide(got, scans, out=np.full(np.shape(scans), np.nan), where=scans > 0)


def macro_f1(counts: Sums) -> NDArray[np.float64]:
    """The mean over classes of ``F1 = 2 TP / (2 TP + FP + FN)``, of confusion counts.

    A class that is neither there nor predicted is left out of the mean, as in scikit-learn's ``f1_score``.
    """
    true_positives = np.diagonal(counts, axis1=-2, axis2=-1)
    members = counts.sum(axis=-1) + counts.sum(axis=-2)
    occurs = members > 0
    f1 = 2.0 * true_positives / np.where(occurs, members, 1)
    return np.asarray(f1.sum(axis=-1) / occurs.sum(axis=-1), dtype=np.float64)


def recalls(counts: Sums) -> NDArray[np.float64]:
    """The share of each class' scans that are right, ``(..., C)``, of confusion counts; NaN for one that has none."""
    scans = counts.sum(axis=-1)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.where(scans > 0, right / np.maximum(scans, 1), np.nan)


def balanced_accuracy(counts: Sums) -> NDArray[np.float64]:
    """The mean of `recalls` over the classes that have scans."""
    return np.asarray(np.nanmean(recalls(counts), axis=-1), dtype=np.float64)


def ece(sums: Sums) -> NDArray[np.float64]:
    """The expected calibration error: over bins, the mean of ``|confidence - accuracy|``, weighted by scans; 0 best."""
    gaps = np.abs(sums[..., 0] - sums[..., 1])
    return np.asarray(gaps.sum(axis=-1) / sums[..., 2].sum(axis=-1), dtype=np.float64)
