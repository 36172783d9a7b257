"""Accuracy against cost: methods on two axes, the front of those that nothing beats, names where there is room."""

from collections.abc import Iterable, Sequence
from itertools import product

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from reports import formats
from reports.pictures.figures import CLEAR, MANY, label
from reports.pictures.theme import ACCENT, COLUMN, CONTEXT, INK, MUTED, PAPER, THEME, Picture, drawn

_AXIS = "Accuracy (%)"
#: Points from a dot to its name: as many of these as there must be.
_NEAR, _FAR = (6.0,), (6.0, 15.0, 26.0, 38.0)
#: Where a name may stand: beside its dot if it can be, or else above or below.
_DIRECTIONS = ((1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1))


@mpl.rc_context(THEME)
def cost(table: pd.DataFrame, column: str, *, title: str, control: str) -> Picture:
    """Accuracy with its interval against a cost (`column` of the comparison; a logarithmic axis if it spans much).

    Methods whose cost is not known are left out; some must be known.

    The line is the Pareto front: what no method that costs as little does better. Its methods are filled, the control
    is a diamond; both have their names, and of many methods the others have theirs where there is room for it.
    """
    table = table[table[column].notna()]
    figure = Figure(figsize=(COLUMN, 2.7), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=title[0].upper() + title[1:], ylabel=_AXIS)
    _cost_axis(axes, table[column])
    interval_ends = table[["accuracy_low", "accuracy_high"]].to_numpy() * 100.0
    axes.vlines(table[column], interval_ends[:, 0], interval_ends[:, 1], color=CONTEXT, linewidth=1.2)
    front = pareto_front(table, column)
    right = axes.get_xlim()[1]
    steps = [*front[column], right], [*(100.0 * front["accuracy"]), 100.0 * front["accuracy"].iloc[-1]]
    axes.plot(*steps, color=MUTED, linewidth=1.0, drawstyle="steps-post", gid="front")
    on_front = set(front["method"])
    for row in table.to_dict("records"):
        face = ACCENT if row["method"] in on_front else PAPER
        marker, size = ("D", 5.5) if row["method"] == control else ("o", 5.0)
        at = row[column], 100.0 * row["accuracy"]
        axes.plot(*at, marker, color=ACCENT, markerfacecolor=face, markersize=size, markeredgewidth=1.0, zorder=4)
    figure.draw_without_rendering()  # only now is known where things are
    _name(axes, table, column, first=[*front["method"], control], every=len(table) <= MANY)
    words = (
        f"{row['method']} {formats.number(row[column])}, {formats.percent(row['accuracy'])} %"
        + (" (front)" if row["method"] in on_front else "")
        for row in table.sort_values(column, kind="stable").to_dict("records")
    )
    return drawn(figure, f"Accuracy against {title}, cheapest first: " + "; ".join(words))


def _cost_axis(axes: Axes, values: "pd.Series[float]") -> None:
    low, high = float(values.min()), float(values.max())
    if high > 8.0 * low > 0.0:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.5, high * (high / low) ** 0.3)
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0.0, 1.3 * max(high, 1.0))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" ") if low >= 1000.0 else "{x:g}")


def pareto_front(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of methods that are better than every method that costs as little, the cheapest first."""
    ordered = table.sort_values([column, "accuracy"], ascending=[True, False], kind="stable")
    best = ordered["accuracy"].cummax()
    return ordered[ordered["accuracy"] > best.shift(fill_value=-1.0)]


def _name(axes: Axes, table: pd.DataFrame, column: str, *, first: Sequence[str], every: bool) -> None:
    """Names beside their dots where they cover neither a dot nor a name: those of `first` first, and further away."""
    places = {row["method"]: (row[column], 100.0 * row["accuracy"]) for row in table.to_dict("records")}
    pixels = axes.transData.transform(np.array(list(places.values()), dtype=float))
    reach = 4.0 * axes.figure.dpi / 72.0
    taken = [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in pixels]
    best_first = table.sort_values("accuracy", ascending=False, kind="stable")["method"]
    for method in dict.fromkeys([*(name for name in first if name in places), *best_first]):
        must = every or method in first
        box = _placed(axes, label(method), places[method], taken, distances=_FAR if must else _NEAR)
        if box is not None:
            taken.append(box)


def _placed(
    axes: Axes, text: str, at: tuple[float, float], taken: Iterable[Bbox], *, distances: Sequence[float]
) -> Bbox | None:
    """Writes `text` beside `at` where it is clear of `taken` and returns its box; nothing if there is no such place."""
    whole = axes.get_window_extent()
    for distance, (right, up) in product(distances, _DIRECTIONS):
        note = axes.annotate(
            text,
            at,
            xytext=(right * distance, up * distance * (1.0 if right == 0 else 0.9)),
            textcoords="offset points",
            ha=("right", "center", "left")[right + 1],
            va="center",
            color=INK,
            bbox=CLEAR,
            zorder=3,
            arrowprops={"arrowstyle": "-", "color": CONTEXT, "linewidth": 0.6} if distance > _NEAR[0] else None,
            annotation_clip=False,
        )
        note.set_in_layout(False)
        note.get_window_extent()  # of the line as well: only the text is asked for, now that it is in its place
        box = mpl.text.Text.get_window_extent(note)
        inside = whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
        if inside and not any(box.overlaps(other) for other in taken):
            return box
        note.remove()
    return None
