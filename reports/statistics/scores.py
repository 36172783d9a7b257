"""Scores of sums: what scans add up to, a score is computed from.

Sums can be taken over folds, repeats and resampled subjects alike, and scored afterwards. They are confusion counts
``(..., 6, 6)``, true expression by predicted one, or ``(..., 2)``: what scans got together, and how many they are.

Source: G. Forman and M. Scholz, Apples-to-apples in cross-validation studies, SIGKDD Explorations 12, 2010 (F1 from
pooled counts).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.schema import EXPRESSIONS

Sums = NDArray[np.int64] | NDArray[np.float64]
#: Sums with leading axes ``(...)`` to scores ``(...)``.
Score = Callable[[Sums], NDArray[np.float64]]


def accuracy(counts: Sums) -> NDArray[np.float64]:
    """The share of scans told right: the trace of the confusion counts over their sum."""
    right = np.trace(counts, axis1=-2, axis2=-1)
    return np.asarray(right / counts.sum(axis=(-2, -1)), dtype=np.float64)


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
    """The share of each class' scans told right, ``(..., 6)``, of confusion counts; NaN for a class that has none."""
    scans = counts.sum(axis=-1)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.where(scans > 0, right / np.maximum(scans, 1), np.nan)


def balanced_accuracy(counts: Sums) -> NDArray[np.float64]:
    """The mean of `recalls` over the classes that have scans."""
    return np.asarray(np.nanmean(recalls(counts), axis=-1), dtype=np.float64)


def mean(sums: Sums) -> NDArray[np.float64]:
    """What scans got together over how many they are, ``(..., 2)``; NaN where there are none."""
    got, scans = sums[..., 0], sums[..., 1]
    return np.divide(got, scans, out=np.full(np.shape(scans), np.nan), where=scans > 0)


def confusions(predictions: pd.DataFrame, subjects: Sequence[str], *, by: str = "subject") -> NDArray[np.int64]:
    """Confusion counts ``(S, 6, 6)`` of each of `subjects`, or of what another column of names groups scans by."""
    classes = len(EXPRESSIONS)
    subject = pd.Index(subjects).get_indexer(pd.Index(predictions[by]))
    true = pd.Index(EXPRESSIONS).get_indexer(pd.Index(predictions["expression"]))
    predicted = pd.Index(EXPRESSIONS).get_indexer(pd.Index(predictions["predicted"]))
    cell = (subject * classes + true) * classes + predicted
    return np.bincount(cell, minlength=len(subjects) * classes**2).reshape(-1, classes, classes).astype(np.int64)


def of_class(counts: Sums, index: int) -> Sums:
    """Of the scans of one class, by its place in `EXPRESSIONS`, how many are right, and all: ``(..., 2)``."""
    return np.stack([counts[..., index, index], counts[..., index, :].sum(axis=-1)], axis=-1)


def right_and_all(counts: Sums) -> Sums:
    """Confusion counts as ``(..., 2)``, whose `mean` is their `accuracy`: a good deal faster to resample."""
    return np.stack([np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1))], axis=-1)
