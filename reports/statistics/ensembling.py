"""Ensembles of methods that are trained already: averaged probabilities, and weights that other scans decided.

Weights are by greedy selection with replacement: from nothing, each step adds the method with which the mean of the
probabilities added so far has the lowest log loss, until so many are added; a method may be added again. Of all these
means the one of the lowest log loss is taken, the first of equals, and a method's weight is its share of it. The first
step adds the best single method, so no ensemble has a larger loss on these scans than that.

Source: R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, Ensemble selection from libraries of models, ICML 2004
(selection with replacement, and that it ends at the best of its steps). That it begins with nothing, and the number of
steps, are ours.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Steps of a selection: weights are shares of at most so many.
STEPS = 50
#: A probability below this counts as this, so that one scan of which a method was wrongly certain does not decide all.
_LEAST = 1e-7


def log_loss(shares: Floats) -> Floats:
    """Mean over scans of the negative logarithm of ``(..., N)`` probabilities of the true classes, in nats."""
    return np.asarray(-np.log(np.maximum(shares, _LEAST)).mean(axis=-1), dtype=np.float64)


def greedy(shares: Floats, *, steps: int = STEPS) -> Floats:
    """Weights ``(M,)`` of methods by greedy selection: at least 0, with a sum of 1.

    Args:
        shares: ``(M, N)``, the probability that each method gives the true class of each scan, which no network of
            theirs was trained on. Of methods that are equally good the first is added; the order of scans is nothing.
        steps: how many are added.
    """
    shares = np.ascontiguousarray(shares[:, np.lexsort(shares)])  # so that sums are the same to the last bit
    counts = np.zeros(len(shares))
    total = np.zeros(shares.shape[1])
    best, weights = np.inf, counts
    for step in range(1, steps + 1):
        losses = log_loss((total + shares) / step)
        added = int(losses.argmin())
        total, counts[added] = total + shares[added], counts[added] + 1.0
        if losses[added] < best:
            best, weights = losses[added], counts / step
    return weights


def averaged(probabilities: Floats, weights: Floats) -> Floats:
    """Mean over methods of probabilities ``(M, N, C)`` by weights ``(M,)``, or ``(M, N)`` for each scan its own."""
    spread = weights.reshape(*weights.shape, *(1,) * (3 - weights.ndim))
    mean = np.zeros(probabilities.shape[1:])
    for own, weight in zip(probabilities, np.broadcast_to(spread, (*probabilities.shape[:2], 1)), strict=True):
        mean += weight * own  # one after the other: libraries' products differ in their last bits
    return mean
