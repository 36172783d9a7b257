"""Robustness in pictures: accuracy over severity, what is left of it by corruption, and what becomes of weights."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class _Measure:
    """A measure over severity: its column, the title of its axis, its scale, and how words print it."""

    key: str
    title: str
    scale: float
    format: Callable[[float], str]


_ACCURACY = _Measure("accuracy", "Accuracy (%)", 100.0, partial(formats.percent, digits=0))
_ERROR = _Measure("ece", "ECE", 1.0, formats.decimal)


@mpl.rc_context(THEME)
def by_severity(evaluated: Evaluated) -> Picture:
    """Accuracy over severity, a panel a corruption: the featured methods with intervals, all others behind them."""
    chance = 1.0 / len(evaluated.results.classes)
    figure, words = _courses(evaluated, _with_clean(evaluated), _ACCURACY, line=chance)
    return drawn(figure, f"Accuracy in % by corruption, clean and with rising severity: {words}")


@mpl.rc_context(THEME)
def calibration(evaluated: Evaluated) -> Picture | None:
    """Expected calibration error over severity in the same panels; None where no probabilities are known."""
    found = evaluated.by_severity.dropna(subset="ece")
    if found.empty:
        return None
    names = found[["method", "corruption"]].drop_duplicates()
    clean = names.assign(severity=0, ece=names["method"].map(evaluated.clean_errors))
    found = pd.concat([clean, found], ignore_index=True).sort_values("severity", kind="stable")
    figure, words = _courses(evaluated, found, _ERROR)
    return drawn(figure, f"Expected calibration error by corruption, clean and with rising severity: {words}")


def _courses(
    evaluated: Evaluated, found: pd.DataFrame, measure: _Measure, *, line: float | None = None
) -> tuple[Figure, str]:
    """A panel a corruption with a `measure` over severity, and the same in words.

    Of the featured methods with intervals, where `found` has any; all others are behind them. The dashed `line` is the
    same for all methods.
    """
    names, known = list(evaluated.corruptions.index), set(found["method"])
    shown = {method: look for method, look in zip(featured(evaluated), _LOOKS, strict=False) if method in known}
    down = math.ceil(len(names) / _ACROSS)
    figure = Figure(figsize=(PAGE, 0.5 + 1.45 * down), layout="constrained")
    panels = figure.subplots(down, _ACROSS, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, names, strict=False):
        own = found[found["corruption"] == name]
        axes.set_title(evaluated.corruptions["title"][name], fontsize=7.5, color=INK, loc="left")
        if line is not None:
            axes.axhline(measure.scale * line, color=CONTEXT, linewidth=0.8, linestyle=(0, (3, 3)))
        for method, course in own.groupby("method", sort=False):
            if method not in shown:
                values = measure.scale * course[measure.key]
                axes.plot(course["severity"], values, color=CONTEXT, linewidth=0.6, alpha=0.6)
        for place, (method, look) in enumerate(shown.items()):
            _course(axes, own[own["method"] == method], measure, look, aside=0.12 * (place - 1))
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for axes in panels.flat[max(0, len(names) - _ACROSS) : len(names)]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
    for axes in panels[:, 0]:
        axes.set_ylabel(measure.title)
    last = int(found["severity"].max())
    panels.flat[0].set_xticks(range(last + 1))
    figure.supxlabel("Severity", color=MUTED, fontsize=8.0)
    titles = evaluated.results.provenance.titles
    handles = [
        mpl.lines.Line2D([], [], label=label(titles[method]), markersize=4.0, **look) for method, look in shown.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=max(1, len(shown)), frameon=False, labelcolor=INK)
    words = (f"{method} {_words(found[found['method'] == method], measure)}" for method in shown)
    return figure, "; ".join(words)


def _with_clean(evaluated: Evaluated) -> pd.DataFrame:
    """`Evaluated.by_severity`, and accuracy on the clean scans as severity 0 of each corruption."""
    found = evaluated.by_severity
    names = found[["method", "corruption"]].drop_duplicates()
    clean = {method: one.clean.interval for method, one in evaluated.whole.items()}
    ends = ("value", "low", "high")
    columns = [names["method"].map(lambda m, end=end: getattr(clean[m], end) if m in clean else np.nan) for end in ends]
    before = names.assign(severity=0, **dict(zip(("accuracy", "accuracy_low", "accuracy_high"), columns, strict=True)))
    return pd.concat([before, found], ignore_index=True).sort_values("severity", kind="stable")


def _course(axes: Axes, course: pd.DataFrame, measure: _Measure, look: Mapping[str, Any], *, aside: float) -> None:
    at = course["severity"] + aside
    if f"{measure.key}_low" in course:
        low, high = (measure.scale * course[f"{measure.key}_{end}"] for end in ("low", "high"))
        axes.vlines(at, low, high, color=str(look["color"]), linewidth=0.8, alpha=0.5)
    axes.plot(at, measure.scale * course[measure.key], linewidth=1.1, markersize=3.0, **look)


def _words(found: pd.DataFrame, measure: _Measure) -> str:
    return ", ".join(
        f"{name} {' '.join(map(measure.format, own[measure.key]))}"
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


def texture_weight(evaluated: Evaluated) -> dict[str, Callable[[], Picture]]:
    """A picture, to be drawn, of each method that weighs its streams: the weight of texture over severity.

    By what is corrupted; severity 0 is the clean scans, where their weights are known.
    """
    found = evaluated.by_severity.dropna(subset="texture")
    groups = found["corruption"].map(evaluated.corruptions["group"])
    clean = evaluated.results.importances.groupby("method")["texture"].mean().to_dict()
    return {
        str(method): partial(_weights, own, groups[own.index], clean.get(method))
        for method, own in found.groupby("method", sort=False)
    }


@mpl.rc_context(THEME)
def _weights(found: pd.DataFrame, groups: "pd.Series[str]", clean: float | None) -> Picture:
    figure = Figure(figsize=(COLUMN, 2.3), layout="constrained")
    axes = figure.subplots()
    words = []
    before = pd.Series({} if clean is None else {0: clean}, dtype="float64")
    means = found.groupby([groups.rename("group"), "severity"], sort=False)["texture"].mean()
    order = sorted(means.groupby(level="group", sort=False), key=lambda one: _GROUPS.index(str(one[0])))
    for (group, own), style in zip(order, "osD^v", strict=False):
        course = pd.concat([before, own.droplevel("group").sort_index()])
        colour = {"texture": ACCENT, "depth": INK}.get(str(group), MUTED)
        axes.plot(course.index, 100.0 * course, color=colour, marker=style, markersize=3.5, label=str(group))
        words.append(f"{group} {', '.join(formats.percent(share, 0) for share in course)}")
    axes.set(xlabel="Severity", ylabel="Weight of texture (%)", xticks=sorted({*before.index, *found["severity"]}))
    every = [*before, *means]
    low, high = 100.0 * min(every), 100.0 * max(every)
    beyond = max(1.0, (_SPAN - (high - low)) / 2.0)
    axes.set_ylim(max(0.0, low - beyond), min(100.0, high + beyond))
    figure.legend(loc="outside upper left", ncols=3, frameon=False, labelcolor=INK, title="Corrupted", fontsize=7.0)
    return drawn(
        figure, "Mean weight of texture in % by severity, clean first, for corruptions of: " + "; ".join(words)
    )
