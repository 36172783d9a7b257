"""The pictures that set methods beside one another, each with its alternative text."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import formats
from reports.pictures.theme import ACCENT, INK, MUTED, PAPER, THEME, Picture, drawn, thinned
from reports.statistics.bootstrap import Interval

#: Inches: half a laptop's page.
WIDTH = 3.9
#: Of more methods, a picture of points names some only where there is room.
MANY = 10
_AXIS = "accuracy, %"
#: Under a label, so that no line runs through it.
CLEAR = {"boxstyle": "square,pad=0.08", "facecolor": PAPER, "linewidth": 0.0, "alpha": 0.85}


@mpl.rc_context(THEME)
def scores(table: pd.DataFrame, folds: pd.DataFrame) -> Picture:
    """Accuracy by method: `thinned` dots of its folds, all scans' with its interval; `table` is the comparison."""
    figure, axes = _rows(table["method"].tolist())
    for row, method in enumerate(table["method"]):
        values = thinned(100.0 * folds.loc[folds["method"] == method, "accuracy"].to_numpy())
        # Spread evenly below the interval, in the order of the folds: no chance, no overlap of equal scores.
        offsets = row + 0.2 + 0.16 * (np.arange(len(values)) % 4) / 3
        axes.plot(values, offsets, "o", color=MUTED, alpha=0.45, markersize=3.0, markeredgewidth=0.0)
    shares = table[["method", "accuracy", "accuracy_low", "accuracy_high"]].to_numpy().tolist()
    found = [Interval(*score) for _, *score in shares]
    _intervals(axes, found, [formats.percent(score.value) for score in found], filled=[True] * len(found))
    axes.set_xlabel(_AXIS)
    words = (f"{method} {formats.score(*score)}" for method, *score in shares)
    return drawn(figure, "Accuracy by method: " + "; ".join(words))


@mpl.rc_context(THEME)
def differences(table: pd.DataFrame, *, control: str) -> Picture:
    """Accuracy of each method minus the control's, with paired intervals; hollow where the interval holds zero."""
    figure, axes = _rows(table["method"].tolist())
    columns = ["difference", "difference_low", "difference_high"]
    found = [Interval(*row) for row in table[columns].itertuples(index=False)]
    axes.axvline(0.0, color=MUTED, linewidth=1.0)
    _intervals(axes, found, [formats.points(gap.value) for gap in found], filled=[gap.excludes_zero for gap in found])
    for row, method in enumerate(table["method"]):
        if method == control:
            axes.annotate("control", (0.0, row), xytext=(5, 0), textcoords="offset points", va="center", color=MUTED)
    axes.set_xlabel(f"accuracy minus that of {label(control)}, points")
    words = [
        f"{name} {formats.points(gap.value)} points ({formats.points(gap.low)} to {formats.points(gap.high)})"
        for name, gap in zip(table["method"], found, strict=True)
        if not np.isnan(gap.value)
    ]
    return drawn(figure, f"Difference to {control} in accuracy: " + "; ".join(words))


def _rows(methods: Sequence[str]) -> tuple[Figure, Axes]:
    """A picture with one row a method, the first at the top."""
    figure = Figure(figsize=(WIDTH, 0.6 + 0.36 * len(methods)), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(methods)), [label(method) for method in methods], color=INK)
    axes.set_ylim(len(methods) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return figure, axes


def _intervals(axes: Axes, found: Sequence[Interval], labels: Sequence[str], *, filled: Sequence[bool]) -> None:
    """In row i: the i-th interval as a line, its value as a dot with a label above it."""
    for row, (score, label) in enumerate(zip(found, labels, strict=True)):
        if np.isnan(score.value):
            continue
        axes.hlines(row, 100.0 * score.low, 100.0 * score.high, color=ACCENT, linewidth=2.0)
        face = ACCENT if filled[row] else PAPER
        axes.plot(100.0 * score.value, row, "o", color=ACCENT, markerfacecolor=face, markersize=6.0, zorder=4)
        at = (100.0 * score.value, row)
        axes.annotate(label, at, xytext=(0, 5), textcoords="offset points", ha="center", fontsize=7.0, bbox=CLEAR)


def label(name: str) -> str:
    """A method's name, cut where a picture has no room for it."""
    return name if len(name) <= 24 else f"{name[:23]}…"
