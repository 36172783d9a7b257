"""The pictures of one method, each with its alternative text.

They share their axes and are drawn one a method, so that a page can lay them side by side or below one another; the
other methods stand behind in grey for comparison.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from reports import formats
from reports.pictures.cells import SHORT, tiles
from reports.pictures.theme import ACCENT, CONTEXT, INK, THEME, Picture, drawn
from reports.schema import EXPRESSIONS
from reports.statistics.scores import confusions

#: Inches: three fit beside one another on a laptop's page.
WIDTH = 2.7
_AXIS = "accuracy, %"


@mpl.rc_context(THEME)
def confusion(predictions: pd.DataFrame) -> Picture:
    """Confusion of one method: of the scans of each expression (rows), the percentage told as each (columns)."""
    counts = confusions(predictions, sorted(predictions["subject"].unique())).sum(axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(WIDTH, 2.35), layout="constrained")
    axes = figure.subplots()
    texts = [[formats.percent(share, 0) for share in row] for row in shares]
    tiles(axes, shares, texts, framed=np.eye(6, dtype=bool))
    axes.set_aspect("equal")
    axes.set_xticks(range(6), SHORT)
    axes.set_yticks(range(6), EXPRESSIONS)
    words = []
    for row, expression in enumerate(EXPRESSIONS):
        wrong = shares[row].copy()
        wrong[row] = -1.0
        taken = int(wrong.argmax())
        text = f"{expression} {formats.percent(shares[row, row], 0)} % right"
        if wrong[taken] > 0.0:
            text += f", most often taken for {EXPRESSIONS[taken]} ({formats.percent(wrong[taken], 0)} %)"
        words.append(text)
    return drawn(figure, "Confusion matrix: " + "; ".join(words))


@mpl.rc_context(THEME)
def intensity(table: pd.DataFrame, method: str) -> Picture:
    """Accuracy of one method by intensity with intervals; `table` is `tables.writing.by_intensity`, all methods."""
    figure = Figure(figsize=(WIDTH, 1.9), layout="constrained")
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
        f"{row['intensity']}: {formats.score(row['accuracy'], row['low'], row['high'])}"
        for row in own.to_dict("records")
    )
    return drawn(figure, f"Accuracy of {method} by intensity: " + "; ".join(words))


def courses(curves: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and loss of every method by epoch over its units: columns ``(accuracy or loss, mean or min or max)``."""
    return curves.groupby(["method", "epoch"])[["accuracy", "loss"]].agg(["mean", "min", "max"])


@mpl.rc_context(THEME)
def learning(told: pd.DataFrame, method: str, *, tested: float) -> Picture:
    """Training accuracy and loss of one method by epoch: mean and range over units; a diamond for what was `tested`.

    `told` is `courses` of all methods' curves, `tested` is a share of 1.
    """
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(2, sharex=True)
    for axes, column, scale, label in zip(panels, ("accuracy", "loss"), (100.0, 1.0), (_AXIS, "loss"), strict=True):
        epochs = told[column] * scale
        for other in epochs.index.unique("method"):
            if other != method:
                axes.plot(epochs.loc[other].index, epochs.loc[other]["mean"], color=CONTEXT, linewidth=1.0)
        own = epochs.loc[method]
        axes.fill_between(own.index, own["min"], own["max"], color=ACCENT, alpha=0.2, linewidth=0)
        axes.plot(own.index, own["mean"], color=ACCENT)
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    final = told.loc[method].index.max()
    panels[0].plot(final, 100.0 * tested, "D", color=INK, markersize=4.0, clip_on=False)
    panels[0].annotate(
        "test", (final, 100.0 * tested), xytext=(-5, -1), textcoords="offset points", ha="right", va="top"
    )
    panels[0].set_ylim(0.0, 100.0)
    panels[1].set_xlabel("epoch")
    panels[1].set_ylim(bottom=0.0)
    figure.align_ylabels()
    accuracy, loss = (told.loc[(method, final), (name, "mean")] for name in ("accuracy", "loss"))
    alt = (
        f"Learning curves of {method}: after {final} epochs the mean training accuracy is "
        f"{formats.percent(accuracy)} %, the loss {loss:.2f}; test accuracy {formats.percent(tested)} %"
    )
    return drawn(figure, alt)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return max(0.0, low - 4.0), min(100.0, high + 4.0)
