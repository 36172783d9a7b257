"""Axes of the leaderboard's drawings and marks on them, which are SVG of the page's own, as marks are links.

A drawing is `WIDTH` by `HEIGHT`, in the page's pixels at full size; a mark is a method, and leads to its row.
"""

from dataclasses import dataclass, field

import numpy as np
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 42
#: Axes that span more than this are logarithmic.
_SPAN = 8.0


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis of a drawing.

    Attributes:
        title: of it.
        low, high: its ends.
        ticks: numbers on it, as they are printed.
        upright: whether it runs upward, not to the right.
        logarithmic: whether it is.
    """

    title: str
    low: float
    high: float
    ticks: dict[float, str] = field(default_factory=dict)
    upright: bool = False
    logarithmic: bool = False

    def places(self, values: NDArray[np.float64]) -> list[float]:
        """Places of values, in pixels, to a tenth."""
        low, high, at = (np.log(one) if self.logarithmic else one for one in (self.low, self.high, values))
        shares = (at - low) / (high - low)
        if self.upright:
            shares = 1.0 - shares
        first, length = (TOP, HEIGHT - BOTTOM - TOP) if self.upright else (LEFT, WIDTH - LEFT - RIGHT)
        return list(np.round(first + shares * length, 1).tolist())

    @property
    def marked(self) -> list[tuple[float, str]]:
        """Places of the ticks, with what is printed there."""
        return list(zip(self.places(np.array(list(self.ticks))), self.ticks.values(), strict=True))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A method in a drawing.

    Attributes:
        row: the id of its row in the table.
        words: its name and numbers.
        strong: whether it stands out: it is the most accurate of its suite, or on the front.
        control: whether it is the suite's control.
    """

    row: str
    words: str
    strong: bool = False
    control: bool = False


def shares(title: str, low: float, high: float, *, upright: bool = True) -> Axis:
    """An axis of fractions, as percentages, that has room for both ends."""
    margin = max(0.05 * (high - low), 0.01)
    low, high = max(0.0, low - margin), min(1.0, high + margin)
    steps = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low, high)
    ticks = {value: f"{100.0 * value:.3g}" for value in map(float, steps) if low <= value <= high}
    return Axis(title=title, low=low, high=high, ticks=ticks, upright=upright)


def cost(title: str, low: float, high: float) -> Axis:
    """An axis of numbers above 0, logarithmic if they span much."""
    written = EngFormatter(sep="\N{NO-BREAK SPACE}")
    if high > _SPAN * low > 0.0:
        low, high = low / 1.5, high * 1.5
        steps = [float(value) for value in LogLocator(subs=(1.0,)).tick_values(low, high) if low <= value <= high]
        if len(steps) < 3:
            finer = LogLocator(subs=(1.0, 2.0, 5.0)).tick_values(low, high)
            steps = [float(value) for value in finer if low <= value <= high]
        logarithmic = True
    else:
        low, high, logarithmic = 0.0, 1.15 * max(high, 1.0), False
        steps = [float(value) for value in MaxNLocator(nbins=6).tick_values(low, high) if low <= value <= high]
    ticks = {value: written(value) for value in steps}
    return Axis(title=title, low=low, high=high, ticks=ticks, logarithmic=logarithmic)
