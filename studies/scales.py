"""Positions of a parameter's values on an axis from 0 to 1, over all that was searched, and labels beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

_MOST_TICKS = 4
_LONGEST = 12


@dataclass(frozen=True)
class Scale:
    """One parameter's axis.

    Attributes:
        distribution: what was searched.
        ticks: places between 0 and 1, with their labels.
    """

    distribution: BaseDistribution
    ticks: Sequence[tuple[float, str]]

    def places(self, values: Sequence[Any]) -> NDArray[np.float64]:
        """``(len(values),)``, in 0 to 1."""
        return np.array([_place(self.distribution, value) for value in values], dtype=np.float64)


def scale(distribution: BaseDistribution) -> Scale:
    """The axis of a parameter that was searched by `distribution`."""
    if isinstance(distribution, CategoricalDistribution):
        labels = [str(choice) for choice in distribution.choices]
        texts = [label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…" for label in labels]
        places = [_place(distribution, choice) for choice in distribution.choices]
        return Scale(distribution, list(zip(places, texts, strict=True)))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    values = [value for value in _round_values(distribution) if distribution.low <= value <= distribution.high]
    if len(values) < 2:
        values = sorted({distribution.low, distribution.high})
    return Scale(distribution, [(_place(distribution, value), f"{value:g}") for value in values])


def _round_values(distribution: FloatDistribution | IntDistribution) -> Sequence[float]:
    """Values that are easily read, as many as there is room for."""
    low, high = distribution.low, distribution.high
    if low == high:
        return []
    if not distribution.log:
        whole = isinstance(distribution, IntDistribution)
        return list(MaxNLocator(_MOST_TICKS + 1, steps=[1, 2, 5, 10], integer=whole).tick_values(low, high))
    found: Sequence[float] = []
    for digits in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [v for v in LogLocator(subs=digits, numticks=100).tick_values(low, high) if low <= v <= high]
        if len(ticks) <= _MOST_TICKS:
            found = ticks
    return found


def _place(distribution: BaseDistribution, value: Any) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return float(distribution.choices.index(value) + 0.5) / len(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = float(distribution.low), float(distribution.high)
    if low == high:
        return 0.5
    if distribution.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (float(value) - low) / (high - low)
