"""Pairing of two methods: the folds that both have finished, and the subjects tested in these.

Methods of a suite share every fold's test scans (`reports.data.consistency`), so what makes a fold or a subject hard is
hard for both, and cancels in their difference.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from reports.statistics.clustered import Estimate, clustered


@dataclass(frozen=True, eq=False)
class Pair:
    """Two methods over the folds that both have finished.

    Attributes:
        folds: ``(J,)`` differences of the folds' accuracies, first method minus second, shares of 1.
        n_train: scans trained on in a fold, the mean over these folds; NaN where there is none.
        n_test: scans tested in a fold, the mean over these folds; NaN where there is none.
        gaps: ``(C,)``: of each cell, a subject in one of these folds, how many more scans the first method has right.
        scans: ``(C,)`` that were tested there.
        subject: ``(C,)``, whose it is; those of one subject stand together.
        training: ``(C,)``, which fold of which repeat.
        single: whether the protocol has no more than one.
    """

    folds: NDArray[np.float64]
    n_train: float
    n_test: float
    gaps: NDArray[np.int64]
    scans: NDArray[np.int64]
    subject: NDArray[np.intp]
    training: NDArray[np.intp]
    single: bool = False

    @cached_property
    def subjects(self) -> NDArray[np.float64]:
        """``(S,)`` differences of the subjects' accuracies over their tested scans and repeats.

        Numerators and denominators are whole numbers, so that equal differences are equal to the last bit.
        """
        starts = np.flatnonzero(np.diff(self.subject, prepend=-1))
        gaps, scans = (np.add.reduceat(each, starts) for each in (self.gaps, self.scans))
        return np.asarray(gaps / scans, dtype=np.float64)

    @cached_property
    def accuracy(self) -> Estimate:
        """Difference of the accuracies over all tested scans: the primary test's."""
        if not len(self.scans):
            return Estimate(np.nan, np.nan, np.nan, "no fold is finished by both")
        value, scans = self.gaps.sum() / self.scans.sum(), self.scans.sum()
        influences = (self.gaps - value * self.scans) / scans
        return clustered(float(value), influences, self.subject, self.training, single=self.single)


class Pairing:
    """The methods of a suite and what each was tested on, laid out so that pairs of them are quickly compared.

    A *cell* is a subject in a repeat, who is tested there in one fold.
    """

    def __init__(self, folds: pd.DataFrame, predictions: pd.DataFrame, *, single: bool = False):
        """Of the checked tables of `reports.data.results.Results`, whose protocol may have a `single` training run."""
        self._single = single
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
        return Pair(
            folds=accuracy[0] - accuracy[1],
            n_train=float(n_train.mean()) if both.any() else np.nan,
            n_test=float(n_test.mean()) if both.any() else np.nan,
            gaps=self._counts[one, cells, 0] - self._counts[other, cells, 0],
            scans=self._counts[one, cells, 1],
            subject=self._subject[cells],
            training=self._place[cells],
            single=self._single,
        )

    def _method(self, frame: pd.DataFrame) -> NDArray[np.intp]:
        return np.asarray(self._methods.get_indexer(pd.Index(frame["method"])))


def _key(outer: ArrayLike, inner: ArrayLike) -> NDArray[np.int64]:
    """One whole number for two, in their order."""
    first, second = np.asarray(outer, dtype=np.int64), np.asarray(inner, dtype=np.int64)
    return first * 2**32 + second
