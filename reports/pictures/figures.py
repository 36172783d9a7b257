"""The pictures that set methods beside one another, each with its alternative text."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import formats
from reports.pictures.theme import ACCENT, COLUMN, INK, MUTED, PAPER, THEME, Picture, drawn, thinned_by
from reports.statistics.clustered import Interval

#: Of more methods, a picture of points names some only where there is room.
MANY = 10
#: Under a label, so that no line runs through it.
CLEAR = {"boxstyle": "square,pad=0.08", "facecolor": PAPER, "linewidth": 0.0, "alpha": 0.85}


@mpl.rc_context(THEME)
def scores(table: pd.DataFrame, folds: pd.DataFrame) -> Picture:
    """Accuracy by method: `thinned` dots of its folds, all scans' with its interval; `table` is the comparison."""
    import seaborn as sns

    figure, axes = _rows(table["method"].tolist())
    dots = thinned_by(folds, "method", "accuracy")
    rows = dots["method"].map({method: row for row, method in enumerate(table["method"])})
    # Below the interval, in the order of the folds: no chance, no overlap of equal scores.
    places = {"x": 100.0 * dots["accuracy"], "y": rows + 0.24 + 0.06 * (dots["number"] % 4)}
    look = {"color": MUTED, "alpha": 0.45, "size": 2.8, "jitter": False}
    sns.stripplot(**places, orient="h", native_scale=True, ax=axes, **look)
    shares = table[["method", "accuracy", "accuracy_low", "accuracy_high"]].to_numpy().tolist()
    found = [Interval(*score) for _, *score in shares]
    _intervals(axes, found, [formats.percent(score.value) for score in found], filled=[True] * len(found))
    axes.set(xlabel="Accuracy (%)", ylabel="Method")
    words = (f"{method} {formats.score(*score)}" for method, *score in shares)
    return drawn(figure, "Accuracy by method: " + "; ".join(words))


@mpl.rc_context(THEME)
def differences(table: pd.DataFrame, *, control: str) -> Picture:
    """Accuracy of each method minus the control's, with paired intervals; hollow where the interval holds zero."""
    others = table[table["method"] != control]
    figure, axes = _rows(others["method"].tolist())
    columns = ["difference", "difference_low", "difference_high"]
    found = [Interval(*row) for row in others[columns].itertuples(index=False)]
    axes.axvline(0.0, color=MUTED, linewidth=1.0)
    _intervals(axes, found, [formats.points(gap.value) for gap in found], filled=[gap.excludes_zero for gap in found])
    axes.set(xlabel=f"Accuracy minus that of\n{label(control)} (pp)", ylabel="Method")
    words = [
        f"{name} {formats.points(gap.value)} points ({formats.points(gap.low)} to {formats.points(gap.high)})"
        for name, gap in zip(others["method"], found, strict=True)
        if not np.isnan(gap.value)
    ]
    return drawn(figure, f"Difference to {control} in accuracy: " + "; ".join(words))


def _rows(methods: Sequence[str]) -> tuple[Figure, Axes]:
    """A picture with one row a method, the first at the top."""
    figure = Figure(figsize=(COLUMN, 0.55 + 0.24 * len(methods)), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(methods)), [label(method) for method in methods], color=INK)
    axes.set_ylim(len(methods) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return figure, axes


def _intervals(axes: Axes, found: Sequence[Interval], labels: Sequence[str], *, filled: Sequence[bool]) -> None:
    """In row i: the i-th interval as a line, its value as a dot, and its label at the right edge."""
    for row, score in enumerate(found):
        if np.isnan(score.value):
            continue
        axes.hlines(row, 100.0 * score.low, 100.0 * score.high, color=ACCENT, linewidth=1.8)
        face = ACCENT if filled[row] else PAPER
        axes.plot(100.0 * score.value, row, "o", color=ACCENT, markerfacecolor=face, markersize=5.0, zorder=4)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(labels)), labels, color=INK, fontsize=7.0)
    right.spines[:].set_visible(False)


def label(name: str) -> str:
    """A method's name, cut where a picture has no room for it."""
    return name if len(name) <= 24 else f"{name[:23]}…"
