"""Accuracy by expression and intensity: where a method is good, and where it beats its best rival."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports import formats
from reports.data.results import Results
from reports.pictures.cells import tiles
from reports.pictures.theme import COLUMN, THEME, Picture, drawn

#: Points of difference at which a cell is as dark as it gets.
_FULL = 30.0


def contenders(table: pd.DataFrame, control: str) -> list[str]:
    """The control, if it has results, and the most accurate of the others; `table` is the comparison."""
    ordered = table.sort_values("accuracy", ascending=False, kind="stable")["method"].tolist()
    first = control if control in ordered else ordered[0]
    return [first, *[method for method in ordered if method != first][:1]]


def conditions(results: Results, methods: Sequence[str]) -> dict[str, Picture]:
    """A picture a method, by its name, and of two methods one of their difference.

    Differences are over the folds that both have finished. None where intensities are unknown.
    """
    known = results.predictions[results.predictions["intensity"] > 0]
    known = known[known["method"].isin(methods)]
    if known.empty:
        return {}
    levels = sorted(known["intensity"].unique().tolist())
    cells = results.classes, levels
    found = {method: _picture(_shares(known[known["method"] == method], *cells), *cells, method) for method in methods}
    if len(methods) == 2:
        one, other = (known[known["method"] == method] for method in methods)
        both = one.merge(other, on=["repeat", "fold", "scan"], suffixes=("", "_other"))
        if not both.empty:
            theirs = both.assign(predicted=both["predicted_other"])
            gap = _shares(both, *cells) - _shares(theirs, *cells)
            found[" minus ".join(methods)] = _difference(gap, *cells, methods)
    return found


def _shares(predictions: pd.DataFrame, classes: Sequence[str], levels: Sequence[int]) -> NDArray[np.float64]:
    """The share of scans that are right, ``(classes, levels)``; NaN where there are none."""
    right = predictions["expression"] == predictions["predicted"]
    shares = right.groupby([predictions["expression"], predictions["intensity"]]).mean().unstack()
    return shares.reindex(index=list(classes), columns=list(levels)).to_numpy(dtype=np.float64)


@mpl.rc_context(THEME)
def _picture(shares: NDArray[np.float64], classes: Sequence[str], levels: Sequence[int], method: str) -> Picture:
    texts = [[formats.percent(share, 0) for share in row] for row in shares]
    figure = _drawing(pd.DataFrame(shares, index=list(classes), columns=list(levels)), texts, "accuracy, %")
    return drawn(figure, f"Accuracy of {method} in % by intensity: {_words(texts, classes, levels)}")


@mpl.rc_context(THEME)
def _difference(
    gap: NDArray[np.float64], classes: Sequence[str], levels: Sequence[int], methods: Sequence[str]
) -> Picture:
    texts = [[formats.points(share) for share in row] for row in gap]
    shades = np.clip(100.0 * gap / _FULL, -1.0, 1.0)
    figure = _drawing(pd.DataFrame(shades, index=list(classes), columns=list(levels)), texts, "difference, pp")
    words = _words(texts, classes, levels)
    return drawn(figure, f"Accuracy of {methods[0]} minus that of {methods[1]}, points: {words}")


def _drawing(shades: pd.DataFrame, texts: Sequence[Sequence[str]], message: str) -> Figure:
    figure = Figure(figsize=(COLUMN, 2.3), layout="constrained")
    axes = figure.subplots()
    tiles(axes, shades, texts)
    axes.set(xlabel=f"Expression intensity (cells: {message})", ylabel="Expression")
    return figure


def _words(texts: Sequence[Sequence[str]], classes: Sequence[str], levels: Sequence[int]) -> str:
    rows = (
        ", ".join(f"{text} at {level}" for level, text in zip(levels, row, strict=True) if text != formats.NOTHING)
        for row in texts
    )
    return "; ".join(f"{expression} {row}" for expression, row in zip(classes, rows, strict=True) if row)
