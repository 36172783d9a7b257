"""The pictures of a report, each with its alternative text.

Per-method pictures share their axes and are drawn one a method, so that a page can lay them side by side or below one
another; the other methods stand behind in grey for comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator

from reports import formats
from reports.schema import EXPRESSIONS
from reports.statistics import Interval, confusions
from reports.theme import ACCENT, CONTEXT, INK, MUTED, PAPER, THEME, svg

#: Inches: a picture that takes half a laptop's page, and one of a grid's three or more.
WIDE, NARROW = 3.9, 2.7
#: As in the file names of BU-3DFE; narrow enough to head a column.
SHORT = ("AN", "DI", "FE", "HA", "SA", "SU")
_AXIS = "accuracy, %"
#: Under a label, so that no line runs through it.
_CLEAR = {"boxstyle": "square,pad=0.08", "facecolor": PAPER, "linewidth": 0.0, "alpha": 0.85}


@dataclass(frozen=True)
class Picture:
    """A drawing as an SVG document, and what it shows in words."""

    svg: str
    alt: str


@mpl.rc_context(THEME)
def scores(table: pd.DataFrame, folds: pd.DataFrame) -> Picture:
    """Accuracy by method: a dot a fold, all scans' with its interval; `table` is `reports.tables.comparison`."""
    figure, axes = _rows(table["method"].tolist())
    for row, method in enumerate(table["method"]):
        values = 100.0 * folds.loc[folds["method"] == method, "accuracy"].to_numpy()
        # Spread evenly below the interval, in the order of the folds: no chance, no overlap of equal scores.
        offsets = row + 0.2 + 0.16 * (np.arange(len(values)) % 4) / 3
        axes.plot(values, offsets, "o", color=MUTED, alpha=0.45, markersize=3.0, markeredgewidth=0.0)
    found = [Interval(*row) for row in table[["accuracy", "accuracy_low", "accuracy_high"]].itertuples(index=False)]
    _intervals(axes, found, [formats.percent(score.value) for score in found], filled=[True] * len(found))
    axes.set_xlabel(_AXIS)
    pairs = zip(table["method"], found, strict=True)
    return Picture(svg(figure), "Accuracy by method: " + "; ".join(f"{name} {_words(of)}" for name, of in pairs))


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
    axes.set_xlabel(f"accuracy minus that of {_label(control)}, points")
    words = [
        f"{name} {formats.points(gap.value)} points ({formats.points(gap.low)} to {formats.points(gap.high)})"
        for name, gap in zip(table["method"], found, strict=True)
        if not np.isnan(gap.value)
    ]
    return Picture(svg(figure), f"Difference to {control} in accuracy: " + "; ".join(words))


@mpl.rc_context(THEME)
def cost(table: pd.DataFrame, column: str, *, title: str) -> Picture:
    """Accuracy with its interval against a cost (`column` of the comparison; a logarithmic axis if it spans much)."""
    figure = Figure(figsize=(WIDE, 2.7), layout="constrained")
    axes = figure.subplots()
    values = table[["accuracy", "accuracy_low", "accuracy_high"]].to_numpy() * 100.0
    axes.vlines(table[column], values[:, 1], values[:, 2], color=CONTEXT, linewidth=1.4)
    axes.plot(table[column], values[:, 0], "o", color=ACCENT, markersize=5.0, zorder=4)
    low, high = table[column].min(), table[column].max()
    if high > 8.0 * low > 0.0:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.5, high * (high / low) ** 0.3)
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0.0, 1.3 * high)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" ") if low >= 1000.0 else "{x:g}")
    axes.set_xlabel(title)
    axes.set_ylabel(_AXIS)
    figure.draw_without_rendering()
    _name_points(axes, table["method"].tolist(), table[column].to_numpy(dtype=float), values[:, 0])
    words = (
        f"{row['method']} {formats.number(row[column])}, {formats.percent(row['accuracy'])} %"
        for row in table.to_dict("records")
    )
    return Picture(svg(figure), f"Accuracy against {title}: " + "; ".join(words))


@mpl.rc_context(THEME)
def confusion(predictions: pd.DataFrame) -> Picture:
    """Confusion of one method: of the scans of each expression (rows), the percentage told as each (columns)."""
    counts = confusions(predictions, sorted(predictions["subject"].unique())).sum(axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(NARROW, 2.35), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=False)
    for (row, column), share in np.ndenumerate(shares):
        # At most 55 % of the hue, so that ink is legible on it in light and dark alike.
        axes.add_patch(
            Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=ACCENT, alpha=0.04 + 0.51 * share, linewidth=0)
        )
        weight = "bold" if row == column else "normal"
        text = formats.percent(share, 0)
        axes.text(column, row, text, ha="center", va="center", fontsize=7.5, fontweight=weight)
    axes.set(xlim=(-0.5, 5.5), ylim=(5.5, -0.5), aspect="equal")
    axes.set_xticks(range(6), SHORT)
    axes.set_yticks(range(6), EXPRESSIONS)
    axes.xaxis.tick_top()
    axes.spines[:].set_visible(False)
    words = []
    for row, expression in enumerate(EXPRESSIONS):
        wrong = shares[row].copy()
        wrong[row] = -1.0
        taken = int(wrong.argmax())
        text = f"{expression} {formats.percent(shares[row, row], 0)} % right"
        if wrong[taken] > 0.0:
            text += f", most often taken for {EXPRESSIONS[taken]} ({formats.percent(wrong[taken], 0)} %)"
        words.append(text)
    return Picture(svg(figure), "Confusion matrix: " + "; ".join(words))


@mpl.rc_context(THEME)
def intensity(table: pd.DataFrame, method: str) -> Picture:
    """Accuracy of one method by intensity with intervals; `table` is `reports.tables.by_intensity`, all methods."""
    figure = Figure(figsize=(NARROW, 1.9), layout="constrained")
    axes = figure.subplots()
    for other, rows in table.groupby("method"):
        if other != method:
            axes.plot(rows["intensity"], 100.0 * rows["accuracy"], color=CONTEXT, linewidth=1.0, marker=".")
    own = table[table["method"] == method]
    axes.vlines(own["intensity"], 100.0 * own["low"], 100.0 * own["high"], color=ACCENT, linewidth=1.6)
    axes.plot(own["intensity"], 100.0 * own["accuracy"], "o-", color=ACCENT, markersize=5.0)
    levels = sorted(table["intensity"].unique())
    axes.set_xticks(levels)
    axes.set_xlim(levels[0] - 0.4, levels[-1] + 0.4)
    axes.set_ylim(_limits(table[["low", "high"]].to_numpy() * 100.0))
    axes.set_xlabel("intensity")
    axes.set_ylabel(_AXIS)
    words = (
        f"{row['intensity']}: {_words(Interval(row['accuracy'], row['low'], row['high']))}"
        for row in own.to_dict("records")
    )
    return Picture(svg(figure), f"Accuracy of {method} by intensity: " + "; ".join(words))


@mpl.rc_context(THEME)
def learning(curves: pd.DataFrame, method: str, *, tested: float) -> Picture:
    """Training accuracy and loss of one method by epoch: mean and range over units; a diamond for what was `tested`.

    `curves` holds all methods, `tested` is a share of 1.
    """
    figure = Figure(figsize=(NARROW, 2.9), layout="constrained")
    panels = figure.subplots(2, sharex=True)
    for axes, column, scale, label in zip(panels, ("accuracy", "loss"), (100.0, 1.0), (_AXIS, "loss"), strict=True):
        epochs = (curves[column] * scale).groupby([curves["method"], curves["epoch"]]).agg(["mean", "min", "max"])
        for other in epochs.index.unique("method"):
            if other != method:
                axes.plot(epochs.loc[other].index, epochs.loc[other]["mean"], color=CONTEXT, linewidth=1.0)
        own = epochs.loc[method]
        axes.fill_between(own.index, own["min"], own["max"], color=ACCENT, alpha=0.2, linewidth=0)
        axes.plot(own.index, own["mean"], color=ACCENT)
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    final = curves[curves["method"] == method]["epoch"].max()
    panels[0].plot(final, 100.0 * tested, "D", color=INK, markersize=4.0, clip_on=False)
    panels[0].annotate(
        "test", (final, 100.0 * tested), xytext=(-5, -1), textcoords="offset points", ha="right", va="top"
    )
    panels[0].set_ylim(0.0, 100.0)
    panels[1].set_xlabel("epoch")
    panels[1].set_ylim(bottom=0.0)
    figure.align_ylabels()
    accuracy, loss = (curves[curves["epoch"] == final].groupby("method")[name].mean() for name in ("accuracy", "loss"))
    alt = (
        f"Learning curves of {method}: after {final} epochs the mean training accuracy is "
        f"{formats.percent(accuracy[method])} %, the loss {loss[method]:.2f}; test accuracy {formats.percent(tested)} %"
    )
    return Picture(svg(figure), alt)


def _rows(methods: Sequence[str]) -> tuple[Figure, Axes]:
    """A picture with one row a method, the first at the top."""
    figure = Figure(figsize=(WIDE, 0.6 + 0.36 * len(methods)), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(methods)), [_label(method) for method in methods], color=INK)
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
        axes.annotate(label, at, xytext=(0, 5), textcoords="offset points", ha="center", fontsize=7.0, bbox=_CLEAR)


def _name_points(axes: Axes, names: Sequence[str], x: "np.ndarray[Any, Any]", y: "np.ndarray[Any, Any]") -> None:
    """Names to the right of their points, pushed apart where they would overlap."""
    pixels = axes.transData.transform(np.column_stack([x, y]))
    apart = 10.5 * axes.figure.dpi / 72.0
    taken: list[tuple[float, float]] = []
    for index in np.argsort(-pixels[:, 1], kind="stable"):
        left, height = pixels[index]
        for other_left, other_height in taken:
            if abs(left - other_left) < 6.0 * apart:
                height = min(height, other_height - apart)
        taken.append((left, height))
        shift = (height - pixels[index, 1]) * 72.0 / axes.figure.dpi
        at = (x[index], y[index])
        axes.annotate(_label(names[index]), at, xytext=(6, shift), textcoords="offset points", va="center", bbox=_CLEAR)


def _limits(values: "np.ndarray[Any, Any]") -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return max(0.0, low - 4.0), min(100.0, high + 4.0)


def _label(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _words(score: Interval) -> str:
    value, low, high = (formats.percent(share) for share in (score.value, score.low, score.high))
    return f"{value} % ({low} to {high})" if low != formats.NOTHING else f"{value} %"
