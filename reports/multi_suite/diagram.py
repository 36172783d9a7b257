"""The critical-difference diagram: methods at their mean ranks, those joined that cannot be told apart.

Source: J. Demšar, Statistical comparisons of classifiers over multiple datasets, JMLR 7, 2006, figure 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.multi_suite.ranking import cliques
from reports.pictures.figures import label
from reports.pictures.theme import ACCENT, COLUMN, INK, MUTED, THEME, Picture, drawn
from reports.statistics.ranks import Ranks

#: Heights, in rows of names: of the space between two bars, and from the axis up to the critical difference.
_BAR, _ABOVE = 0.45, 1.75
_INCHES = 0.19


@mpl.rc_context(THEME)
def diagram(found: Ranks, titles: Mapping[str, str]) -> Picture:
    """Mean ranks on a line, the best at its left; bars join methods within less than a critical difference.

    `titles` are the methods' display names.
    """
    found = replace(found, ranks=found.ranks.rename(titles))
    ranks, groups = found.ranks.to_numpy(dtype=np.float64), cliques(found)
    low = float(np.floor(ranks.min()))
    high = max(float(np.ceil(ranks.max())), low + found.critical)
    levels = _levels(groups)
    top = 0.9 + _BAR * (max(levels, default=-1) + 1)
    left = (len(ranks) + 1) // 2
    bottom = top + left
    figure = Figure(figsize=(COLUMN, _INCHES * (bottom + _ABOVE + 0.9)), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set(xlim=(low, high), ylim=(bottom, -_ABOVE - 0.9))
    _line(axes, low, high, found.critical)
    for number, ((first, last), level) in enumerate(zip(groups, levels, strict=True)):
        axes.plot(ranks[[first, last]], [0.55 + _BAR * level] * 2, color=ACCENT, linewidth=3.0, gid=f"group-{number}")
    for place, (name, rank) in enumerate(zip(found.ranks.index, ranks.tolist(), strict=True)):
        # The outer the name, the higher: no line runs through another's name.
        outer = place < left
        height, side = (top + place, low) if outer else (top + len(ranks) - 1 - place, high)
        axes.plot([rank, rank, side], [0.0, height, height], color=MUTED, linewidth=0.8, clip_on=False)
        axes.plot(rank, 0.0, "o", color=INK, markersize=3.5, clip_on=False, zorder=4)
        axes.annotate(
            f"{label(str(name))} {rank:.2f}",
            (side, height),
            xytext=(-4 if outer else 4, 0),
            textcoords="offset points",
            ha="right" if outer else "left",
            va="center",
            annotation_clip=False,
        )
    return drawn(figure, _words(found, groups))


def _line(axes: Axes, low: float, high: float, critical: float) -> None:
    """The line of ranks with its numbers, and over it how long a critical difference is."""
    axes.plot([low, high], [0.0, 0.0], color=INK, linewidth=1.0, clip_on=False)
    for rank in MaxNLocator(nbins=8, integer=True).tick_values(low, high):
        if low <= rank <= high:
            axes.plot([rank, rank], [0.0, -0.2], color=INK, linewidth=1.0, clip_on=False)
            axes.text(rank, -0.35, f"{rank:.0f}", ha="center", va="bottom", color=MUTED)
    axes.plot([low, low + critical], [-_ABOVE, -_ABOVE], "|-", color=INK, markersize=5.0, linewidth=1.2, clip_on=False)
    axes.text(high, -1.0, "mean rank", ha="right", va="bottom", color=MUTED)
    message = f"critical difference {critical:.2f}"
    axes.text(low, -_ABOVE - 0.25, message, ha="left", va="bottom", color=MUTED)


def _levels(groups: Sequence[tuple[int, int]]) -> list[int]:
    """For each bar the first row in which no earlier one reaches it."""
    ends: list[int] = []
    rows = []
    for first, last in groups:
        row = next((row for row, end in enumerate(ends) if end < first), len(ends))
        ends[row : row + 1] = [last]
        rows.append(row)
    return rows


def _words(found: Ranks, groups: Sequence[tuple[int, int]]) -> str:
    names = [str(name) for name in found.ranks.index]
    listed = ", ".join(f"{name} {rank:.2f}" for name, rank in found.ranks.items())
    joined = "; ".join(f"{names[first]} {'to' if last > first + 1 else 'and'} {names[last]}" for first, last in groups)
    return (
        f"Mean ranks, the best first: {listed}. Critical difference {found.critical:.2f}. "
        f"Not significantly different: {joined or 'none'}"
    )
