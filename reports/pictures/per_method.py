"""The pictures of one method, each with its alternative text.

They share their axes and are drawn one a method, so that a page can lay them side by side or below one another; the
other methods stand behind in grey for comparison.
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from reports import formats
from reports.data.results import Results
from reports.pictures.cells import codes, tiles
from reports.pictures.theme import ACCENT, COLUMN, CONTEXT, INK, THEME, Picture, drawn
from reports.statistics.clustered import Cells
from reports.statistics.scores import Grouped

_AXIS = "Accuracy (%)"


@mpl.rc_context(THEME)
def confusion(predictions: pd.DataFrame, classes: Sequence[str]) -> Picture:
    """Confusion of one method: of the scans of each expression (rows), the percentage classified as each (columns)."""
    counts = Grouped(predictions, predictions["subject"].unique().tolist(), classes).confusions.sum(axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(COLUMN, 2.8), layout="constrained")
    axes = figure.subplots()
    texts = [[formats.percent(share, 0) for share in row] for row in shares]
    tiles(axes, pd.DataFrame(shares, index=list(classes), columns=list(codes(classes).values())), texts)
    for place in range(len(classes)):
        axes.add_patch(Rectangle((place, place), 1, 1, fill=False, edgecolor=ACCENT, linewidth=0.9))
    axes.set(aspect="equal", xlabel="Predicted expression (cells: % of row)", ylabel="True expression")
    words = []
    for row, expression in enumerate(classes):
        wrong = shares[row].copy()
        wrong[row] = -1.0
        taken = int(wrong.argmax())
        text = f"{expression} {formats.percent(shares[row, row], 0)} % right"
        if wrong[taken] > 0.0:
            text += f", most often classified as {classes[taken]} ({formats.percent(wrong[taken], 0)} %)"
        words.append(text)
    return drawn(figure, "Confusion matrix: " + "; ".join(words))


def by_intensity(results: Results) -> pd.DataFrame:
    """Accuracy (a share of 1) by method and intensity with its 95 % interval.

    Columns:
        method, intensity, scans (tested, over all repeats), accuracy, low, high. No row where intensities are unknown.
    """
    rows = []
    known = results.predictions[results.predictions["intensity"] > 0]
    for method in results.methods:
        for intensity, predictions in known[known["method"] == method].groupby("intensity"):
            found = Cells(predictions, single=results.provenance.single).accuracy.interval
            row = {"method": method, "intensity": intensity, "scans": len(predictions)}
            rows.append(row | {"accuracy": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(rows, columns=["method", "intensity", "scans", "accuracy", "low", "high"])


@mpl.rc_context(THEME)
def intensity(table: pd.DataFrame, method: str) -> Picture:
    """Accuracy of one method by intensity with intervals; `table` is `by_intensity`, of all methods."""
    figure = Figure(figsize=(COLUMN, 2.1), layout="constrained")
    axes = figure.subplots()
    each = 100.0 * table.pivot(index="intensity", columns="method", values="accuracy")
    axes.plot(each.drop(columns=method), ".-", color=CONTEXT, linewidth=1.0)
    own = table[table["method"] == method]
    axes.vlines(own["intensity"], 100.0 * own["low"], 100.0 * own["high"], color=ACCENT, linewidth=1.6)
    axes.plot(each[method].dropna(), "o-", color=ACCENT, markersize=5.0)
    axes.set(xticks=each.index, xlim=(each.index[0] - 0.4, each.index[-1] + 0.4))
    axes.set_ylim(_limits(table[["accuracy", "low", "high"]].to_numpy() * 100.0))
    axes.set(xlabel="Expression intensity (level)", ylabel=_AXIS)
    words = (
        f"{row['intensity']}: {formats.score(row['accuracy'], row['low'], row['high'])}"
        for row in own.to_dict("records")
    )
    return drawn(figure, f"Accuracy of {method} by intensity: " + "; ".join(words))


def courses(curves: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy (%) and loss over runs: a row an epoch, columns ``(accuracy or loss, method)``."""
    percent = curves.assign(accuracy=100.0 * curves["accuracy"])
    return percent.pivot_table(["accuracy", "loss"], index="epoch", columns="method", aggfunc="mean")


@mpl.rc_context(THEME)
def learning(curves: pd.DataFrame, means: pd.DataFrame, method: str, *, tested: float) -> Picture:
    """Training accuracy and loss of one method by epoch: mean and range over runs; a diamond for what was `tested`.

    `curves` are the method's own, `means` is `courses` of all methods' curves, `tested` is a share of 1.
    """
    import seaborn as sns

    figure = Figure(figsize=(COLUMN, 3.2), layout="constrained")
    panels = figure.subplots(2, sharex=True)
    own = curves.assign(accuracy=100.0 * curves["accuracy"])
    for axes, column, label in zip(panels, ("accuracy", "loss"), ("accuracy (%)", "loss"), strict=True):
        axes.plot(means[column].drop(columns=method), color=CONTEXT, linewidth=1.0)
        sns.lineplot(own, x="epoch", y=column, errorbar=("pi", 100), color=ACCENT, err_kws={"linewidth": 0}, ax=axes)
        axes.set(xlabel="Epoch", ylabel=f"Training {label}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    final = own["epoch"].max()
    at = final, 100.0 * tested
    panels[0].plot(*at, "D", color=INK, markersize=4.0, clip_on=False)
    panels[0].annotate("test", at, xytext=(-5, -1), textcoords="offset points", ha="right", va="top")
    panels[0].set_ylim(0.0, 100.0)
    panels[1].set_ylim(bottom=0.0)
    figure.align_ylabels()
    alt = (
        f"Learning curves of {method}: after {final} epochs the mean training accuracy is "
        f"{means.loc[final, ('accuracy', method)]:.1f} %, the loss {means.loc[final, ('loss', method)]:.2f}; "
        f"test accuracy {formats.percent(tested)} %"
    )
    return drawn(figure, alt)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return max(0.0, low - 4.0), min(100.0, high + 4.0)
