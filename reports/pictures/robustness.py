"""Robustness in pictures: accuracy over severity, what is left of it by corruption, and what becomes of weights."""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import formats
from reports.pictures.cells import tiles
from reports.pictures.figures import label
from reports.pictures.theme import ACCENT, COLUMN, CONTEXT, INK, MUTED, PAGE, THEME, Picture, drawn
from reports.tables.robustness import Evaluated, featured

#: Panels beside each other.
_ACROSS = 4
#: The order of groups of corruptions.
_GROUPS = ("texture", "depth", "both", "landmarks", "modality")
#: Points of weight that an axis spans at least, or a change of nothing would look like one.
_SPAN = 20.0
#: Of the featured methods, after the control.
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": ACCENT, "marker": "o"},
    {"color": INK, "marker": "s"},
    {"color": MUTED, "marker": "^"},
)


@mpl.rc_context(THEME)
def by_severity(evaluated: Evaluated) -> Picture:
    """Accuracy over severity, a panel a corruption: the featured methods with intervals, all others behind them."""
    shown, names = featured(evaluated), list(evaluated.corruptions.index)
    found = _with_clean(evaluated)
    down = math.ceil(len(names) / _ACROSS)
    figure = Figure(figsize=(PAGE, 0.5 + 1.45 * down), layout="constrained")
    panels = figure.subplots(down, _ACROSS, sharex=True, sharey=True, squeeze=False)
    chance = 1.0 / len(evaluated.results.classes)
    for axes, name in zip(panels.flat, names, strict=False):
        own = found[found["corruption"] == name]
        axes.set_title(evaluated.corruptions["title"][name], fontsize=7.5, color=INK, loc="left")
        axes.axhline(100.0 * chance, color=CONTEXT, linewidth=0.8, linestyle=(0, (3, 3)))
        for method, course in own.groupby("method", sort=False):
            if method not in shown:
                axes.plot(course["severity"], 100.0 * course["accuracy"], color=CONTEXT, linewidth=0.6, alpha=0.6)
        for place, method in enumerate(shown):
            _course(axes, own[own["method"] == method], _LOOKS[place], aside=0.12 * (place - 1))
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for axes in panels.flat[max(0, len(names) - _ACROSS) : len(names)]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
    for axes in panels[:, 0]:
        axes.set_ylabel("Accuracy (%)")
    last = int(found["severity"].max())
    panels.flat[0].set_xticks(range(last + 1))
    figure.supxlabel("Severity", color=MUTED, fontsize=8.0)
    titles = evaluated.results.provenance.titles
    handles = [
        mpl.lines.Line2D([], [], label=label(titles[m]), markersize=4.0, **_LOOKS[k]) for k, m in enumerate(shown)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(shown), frameon=False, labelcolor=INK)
    words = (f"{method} {_words(found[found['method'] == method])}" for method in shown)
    return drawn(figure, "Accuracy in % by corruption, clean and with rising severity: " + "; ".join(words))


def _with_clean(evaluated: Evaluated) -> pd.DataFrame:
    """`Evaluated.by_severity`, and accuracy on the clean scans as severity 0 of each corruption."""
    found = evaluated.by_severity
    names = found[["method", "corruption"]].drop_duplicates()
    clean = {method: one.clean.interval for method, one in evaluated.whole.items()}
    ends = ("value", "low", "high")
    columns = [names["method"].map(lambda m, end=end: getattr(clean[m], end) if m in clean else np.nan) for end in ends]
    before = names.assign(severity=0, **dict(zip(("accuracy", "accuracy_low", "accuracy_high"), columns, strict=True)))
    return pd.concat([before, found], ignore_index=True).sort_values("severity", kind="stable")


def _course(axes: Axes, course: pd.DataFrame, look: Mapping[str, Any], *, aside: float) -> None:
    at = course["severity"] + aside
    low, high = 100.0 * course["accuracy_low"], 100.0 * course["accuracy_high"]
    axes.vlines(at, low, high, color=str(look["color"]), linewidth=0.8, alpha=0.5)
    axes.plot(at, 100.0 * course["accuracy"], linewidth=1.1, markersize=3.0, **look)


def _words(found: pd.DataFrame) -> str:
    return ", ".join(
        f"{name} {' '.join(formats.percent(share, 0) for share in own['accuracy'])}"
        for name, own in found.groupby("corruption", sort=False)
    )


@mpl.rc_context(THEME)
def heat_map(evaluated: Evaluated) -> Picture:
    """Relative robustness, a row a method and a column a corruption; the most robust method first."""
    order = evaluated.table["method"].tolist()
    names = list(evaluated.corruptions.index)
    cells = evaluated.by_corruption.pivot(index="method", columns="corruption", values="relative")
    cells = cells.reindex(index=order, columns=names)
    titles = evaluated.results.provenance.titles
    named = cells.set_axis([titles[method] for method in order]).set_axis(evaluated.corruptions["title"], axis=1)
    figure = Figure(figsize=(PAGE, 1.3 + 0.21 * len(order)), layout="constrained")
    axes = figure.subplots()
    texts = [[formats.percent(share, 0) for share in row] for row in cells.to_numpy()]
    tiles(axes, named.clip(0.0, 1.0), texts, gap=1.0)
    for text in axes.texts:
        text.set_fontsize(6.0)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(axis="x", rotation=90, labelsize=7.0)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=7.0)
    worst = (f"{method}: {', '.join(row)}" for method, row in zip(order, texts, strict=True))
    return drawn(figure, f"Relative robustness in % to {', '.join(names)}: " + "; ".join(worst))


def texture_weight(evaluated: Evaluated) -> dict[str, Picture]:
    """A picture of each method that weighs its streams: the weight of texture over severity, by what is corrupted."""
    found = evaluated.by_severity.dropna(subset="texture")
    groups = found["corruption"].map(evaluated.corruptions["group"])
    return {str(method): _weights(own, groups[own.index]) for method, own in found.groupby("method", sort=False)}


@mpl.rc_context(THEME)
def _weights(found: pd.DataFrame, groups: "pd.Series[str]") -> Picture:
    figure = Figure(figsize=(COLUMN, 2.3), layout="constrained")
    axes = figure.subplots()
    words = []
    means = found.groupby([groups.rename("group"), "severity"], sort=False)["texture"].mean()
    order = sorted(means.groupby(level="group", sort=False), key=lambda one: _GROUPS.index(str(one[0])))
    for (group, own), style in zip(order, "osD^v", strict=False):
        course = own.droplevel("group").sort_index()
        colour = {"texture": ACCENT, "depth": INK}.get(str(group), MUTED)
        axes.plot(course.index, 100.0 * course, color=colour, marker=style, markersize=3.5, label=str(group))
        words.append(f"{group} {', '.join(formats.percent(share, 0) for share in course)}")
    axes.set(xlabel="Severity", ylabel="Weight of texture (%)", xticks=sorted(found["severity"].unique()))
    low, high = 100.0 * means.min(), 100.0 * means.max()
    beyond = max(1.0, (_SPAN - (high - low)) / 2.0)
    axes.set_ylim(max(0.0, low - beyond), min(100.0, high + beyond))
    figure.legend(loc="outside upper left", ncols=3, frameon=False, labelcolor=INK, title="Corrupted", fontsize=7.0)
    return drawn(figure, "Mean weight of texture in % by severity, for corruptions of: " + "; ".join(words))
