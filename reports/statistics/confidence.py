"""How far a method's probabilities can be believed, as sums over scans (`scores`); NaN where there are none.

Sources: G. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1950;
C. Guo et al., On calibration of modern neural networks, ICML 2017 (expected calibration error, equal bins).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.schema import EXPRESSIONS, PROBABILITIES
from reports.statistics.scores import Sums

#: Bins of confidence, equally wide: Guo et al.'s number.
BINS = 15


def brier_sums(predictions: pd.DataFrame, subjects: Sequence[str], *, by: str = "subject") -> NDArray[np.float64]:
    """``(S, 2)``: what scans' Brier scores add up to, and scans. Scored by `scores.mean`: 0, best, to 2.

    A scan's is the sum over classes of ``(p - y)^2``, where y is 1 for its expression and 0 for the others.
    """
    shares = _shares(predictions)
    shares[np.arange(len(shares)), _classes(predictions, "expression")] -= 1.0
    sums = np.zeros((len(subjects), 2))
    np.add.at(
        sums,
        _classes(predictions, by, subjects),
        np.stack([(shares**2).sum(axis=1), np.ones(len(shares))], axis=1),
    )
    return sums


def ece_sums(predictions: pd.DataFrame, subjects: Sequence[str], *, by: str = "subject") -> NDArray[np.float64]:
    """``(S, BINS, 3)``: what scans' confidences add up to, how many are right, and scans. Scored by `ece`.

    A scan's confidence is the probability of the expression that was predicted.
    """
    message = _classes(predictions, "predicted")
    confidence = _shares(predictions)[np.arange(len(message)), message]
    # Certainty belongs to the last bin; a confidence that is not known spoils the first, and so the score.
    place = np.minimum((np.nan_to_num(confidence) * BINS).astype(np.int64), BINS - 1)
    right = _classes(predictions, "expression") == message
    sums = np.zeros((len(subjects), BINS, 3))
    added = np.stack([confidence, right, np.ones(len(message))], axis=1)
    np.add.at(sums, (_classes(predictions, by, subjects), place), added)
    return sums


def ece(sums: Sums) -> NDArray[np.float64]:
    """The expected calibration error: over bins, the mean of ``|confidence - accuracy|``, weighted by scans; 0 best."""
    gaps = np.abs(sums[..., 0] - sums[..., 1])
    return np.asarray(gaps.sum(axis=-1) / sums[..., 2].sum(axis=-1), dtype=np.float64)


def _shares(predictions: pd.DataFrame) -> NDArray[np.float64]:
    return predictions[list(PROBABILITIES)].to_numpy(dtype=np.float64, copy=True)


def _classes(predictions: pd.DataFrame, column: str, names: Sequence[str] = EXPRESSIONS) -> NDArray[np.intp]:
    return pd.Index(names).get_indexer(pd.Index(predictions[column]))
