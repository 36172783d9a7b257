"""Pairing of two methods: the folds that both have finished, and the subjects tested in these.

Methods of a suite share every fold's test scans (`reports.data.consistency`), so what makes a fold or a subject hard is
hard for both, and cancels in their difference.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from reports.statistics.bootstrap import Interval, difference
from reports.statistics.scores import mean

_NOWHERE = Interval(np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two methods over the folds that both have finished.

    Attributes:
        folds: ``(J,)`` differences of the folds' accuracies, first method minus second, shares of 1.
        n_train: scans trained on in a fold, the mean over these folds; NaN where there is none.
        n_test: scans tested in a fold, the mean over these folds; NaN where there is none.
        first: ``(S, 2)``: of each subject tested in these folds how many scans the first method has right, and all.
        second: the same by the second method, of the same subjects in the same order.
    """

    folds: NDArray[np.float64]
    n_train: float
    n_test: float
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @cached_property
    def subjects(self) -> NDArray[np.float64]:
        """``(S,)`` differences of the subjects' accuracies over their tested scans and repeats.

        Numerators and denominators are whole numbers, so that equal differences are equal to the last bit.
        """
        hits = self.first[:, 0] - self.second[:, 0]
        return np.asarray(hits / self.first[:, 1], dtype=np.float64)

    @property
    def accuracy(self) -> Interval:
        """Difference of the accuracies over all tested scans, with its interval over resampled subjects."""
        return difference(self.first, self.second, mean) if len(self.first) else _NOWHERE


class Pairing:
    """The methods of a suite and what each was tested on, laid out so that pairs of them are quickly compared.

    A *cell* is a subject in a repeat, who is tested there in one fold.
    """

    def __init__(self, folds: pd.DataFrame, predictions: pd.DataFrame):
        """Of the checked tables of `reports.data.results.Results`."""
        self._methods = pd.Index(folds["method"].unique())
        places, place = np.unique(_key(folds["repeat"], folds["fold"]), return_inverse=True)
        self._folds = np.full((3, len(self._methods), len(places)), np.nan)
        self._folds[:, self._method(folds), place] = folds[["accuracy", "n_train", "n_test"]].to_numpy().T

        # In the order of subjects, so that a subject's counts are the sums of neighbours.
        subject = pd.factorize(predictions["subject"], sort=True)[0]
        _, start, cell = np.unique(_key(subject, predictions["repeat"]), return_index=True, return_inverse=True)
        self._subject = subject[start]
        self._place = np.searchsorted(places, _key(predictions["repeat"], predictions["fold"])[start])
        shape = len(self._methods), len(start)
        flat = np.ravel_multi_index((self._method(predictions), cell), shape)
        right = (predictions["expression"] == predictions["predicted"]).to_numpy()
        counts = [np.bincount(of, minlength=int(np.prod(shape))).reshape(shape) for of in (flat[right], flat)]
        self._counts = np.stack(counts, axis=-1)

    def pair(self, first: str, second: str) -> Pair:
        """Two methods over the folds that both have: none where they are the same or one has no finished run."""
        one, other = self._methods.get_indexer([first, second])
        both = ~np.isnan(self._folds[0, one] + self._folds[0, other]) & (one != other) & (min(one, other) >= 0)
        accuracy, n_train, n_test = self._folds[:, [one, other]][..., both]
        cells = both[self._place]
        starts = np.flatnonzero(np.diff(self._subject[cells], prepend=-1))
        return Pair(
            folds=accuracy[0] - accuracy[1],
            n_train=float(n_train.mean()) if both.any() else np.nan,
            n_test=float(n_test.mean()) if both.any() else np.nan,
            first=np.add.reduceat(self._counts[one, cells], starts),
            second=np.add.reduceat(self._counts[other, cells], starts),
        )

    def _method(self, frame: pd.DataFrame) -> NDArray[np.intp]:
        return np.asarray(self._methods.get_indexer(pd.Index(frame["method"])))


def _key(outer: ArrayLike, inner: ArrayLike) -> NDArray[np.int64]:
    """One whole number for two, in their order."""
    first, second = np.asarray(outer, dtype=np.int64), np.asarray(inner, dtype=np.int64)
    return first * 2**32 + second
