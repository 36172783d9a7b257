"""Scores of one fold's predictions."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score


def scores(truth: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Accuracy and macro-averaged F1, each in 0..1.

    Args:
        truth: ``(N,)`` class indices.
        probabilities: ``(N, K)``; the prediction is the largest, the first of equal ones.

    A class that is neither present nor predicted does not enter the mean; one never predicted right has F1 0.
    """
    predicted = probabilities.argmax(1)
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0.0)),
    }
