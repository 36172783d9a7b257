"""The pictures of a study: how its scores grew, which parameters mattered, and where the good settings lie."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from studies.scales import Scale, scale
from studies.table import fold_scores, importances

# The reports' look, which stand apart: one hue, told apart by lightness, shape and place.
_INK, _MUTED, _CONTEXT, _RULE, _ACCENT = "#1b1f24", "#59636e", "#b3bcc5", "#e1e5e9", "#0b65a3"
_SHADES = LinearSegmentedColormap.from_list("scores", ["#d9dfe5", _ACCENT])
_THEME = {
    **{key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")},
    "text.parse_math": False,  # a parameter's name is not a formula
    "text.color": _INK,
    "font.size": 8.0,
    "axes.edgecolor": _CONTEXT,
    "axes.labelcolor": _MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.0,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "xtick.color": _CONTEXT,
    "ytick.color": _CONTEXT,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "legend.frameon": False,
    "legend.labelcolor": _MUTED,
    "legend.labelspacing": 0.3,
}
#: A label on lines.
_CLEAR: dict[str, Any] = {
    "fontsize": 7.0,
    "color": _INK,
    "bbox": {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0.0, "alpha": 0.8},
}
#: Slices side by side.
_COLUMNS = 4
_METRICS = {"accuracy": "inner accuracy, %", "macro_f1": "inner macro-F1, %"}


@dataclass(frozen=True)
class _Charted:
    """Study as it is drawn; scores are in percent.

    Attributes:
        complete, pruned, failed: trials.
        scores: of the complete ones.
        cut: of the pruned ones, over the inner folds that each got through.
        best_trial: its position among the complete ones.
        scales: by parameter.
        axis: what the scores are.
    """

    complete: Sequence[FrozenTrial]
    pruned: Sequence[FrozenTrial]
    failed: Sequence[FrozenTrial]
    scores: NDArray[np.float64]
    cut: NDArray[np.float64]
    best_trial: int
    scales: Mapping[str, Scale]
    axis: str

    def places(self, trials: Sequence[FrozenTrial], name: str) -> NDArray[np.float64]:
        """Of a parameter's values, in 0 to 1."""
        return self.scales[name].places([trial.params[name] for trial in trials])

    @property
    def size(self) -> float:
        """Of a dot, in points: many are small."""
        return float(np.clip(40 / np.sqrt(len(self.complete) + len(self.pruned)), 2.2, 4.5))


def pictures(trials: Sequence[FrozenTrial], *, best_trial: int | None, metric: str, pruner: str) -> dict[str, bytes]:
    """Pictures of a study, as PNG files by name, whose size does not grow with the trials.

    ``history.png``: every trial's score, and the best so far. ``slices.png``: the score along each parameter, over the
    whole range that was searched. ``parallel.png``: a line a complete trial through all its parameters.
    ``importances.png``: how much of the score's variance each parameter explains (`studies.importances` says how, and
    when it is left out).

    Args:
        trials: that count.
        best_trial: the best trial's number; without one nothing can be drawn.
        metric: what was maximised.
        pruner: its name.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    best = next((position for position, trial in enumerate(complete) if trial.number == best_trial), None)
    if best is None:
        return {}
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    formatted = _Charted(
        complete,
        pruned,
        [trial for trial in trials if trial.state == TrialState.FAIL],
        100.0 * np.array([trial.value for trial in complete], dtype=np.float64),
        100.0 * np.array([_mean(trial, pruner) for trial in pruned], dtype=np.float64),
        best,
        {name: scale(distribution) for name, distribution in complete[0].distributions.items()},
        _METRICS[metric],
    )
    drawn = {"history.png": _png(_history, formatted), "slices.png": _png(_slices, formatted)}
    drawn["parallel.png"] = _png(_parallel, formatted)
    if shares := importances(trials):
        drawn["importances.png"] = _png(_importances, shares)
    return drawn


def _history(formatted: _Charted) -> Figure:
    figure = Figure(figsize=(7.0, 3.2), layout="constrained")
    axes = figure.subplots()
    numbers = np.array([trial.number for trial in formatted.complete])
    axes.step(numbers, np.maximum.accumulate(formatted.scores), where="post", color=_ACCENT, label="best so far")
    _points(axes, numbers, np.array([trial.number for trial in formatted.pruned]), formatted)
    if formatted.failed:
        failed = [trial.number for trial in formatted.failed]
        below = axes.get_xaxis_transform()
        axes.plot(failed, np.zeros(len(failed)), "|", color=_INK, transform=below, clip_on=False, label="failed")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial")
    axes.set_ylabel(formatted.axis)
    figure.legend(loc="outside upper left", ncols=5)
    return figure


def _slices(formatted: _Charted) -> Figure:
    rows = -(-len(formatted.scales) // _COLUMNS)
    columns = min(len(formatted.scales), _COLUMNS)
    figure = Figure(figsize=(max(2.2 * columns, 3.4), 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes, (name, one) in zip(panels, formatted.scales.items(), strict=False):
        _points(axes, formatted.places(formatted.complete, name), formatted.places(formatted.pruned, name), formatted)
        axes.set_xticks([place for place, _ in one.ticks], [label for _, label in one.ticks])
        axes.set_xlim(-0.04, 1.04)
        axes.set_xlabel(_label(name))
    for axes in panels[len(formatted.scales) :]:
        axes.remove()
    for row in range(rows):
        panels[row * columns].set_ylabel(formatted.axis)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def _parallel(formatted: _Charted) -> Figure:
    names = list(formatted.scales)
    figure = Figure(figsize=(max(1.25 * len(names) + 1.0, 3.4), 3.6), layout="constrained")
    axes = figure.subplots()
    low, high = float(formatted.scores.min()), float(formatted.scores.max())
    height = (formatted.scores - low) / (high - low) if high > low else np.full(len(formatted.scores), 0.5)
    places = np.column_stack([*(formatted.places(formatted.complete, name) for name in names), height])
    order = np.argsort(height, kind="stable")  # good ones over bad ones
    lines = [np.column_stack([np.arange(len(names) + 1), places[index]]) for index in order]
    width = float(np.clip(12 / np.sqrt(len(lines)), 0.4, 1.6))
    rank = np.searchsorted(np.sort(height), height) / len(height)  # one bad trial must not make all others look alike
    axes.add_collection(LineCollection(lines, colors=_SHADES(rank[order]), linewidths=width, alpha=0.8))
    axes.plot(range(len(names) + 1), places[formatted.best_trial], "o-", color=_INK, markersize=3.5, linewidth=1.6)
    ends = [(0.0, f"{low:.1f}"), (1.0, f"{high:.1f}")] if high > low else [(0.5, f"{low:.1f}")]
    for position, ticks in enumerate([*(one.ticks for one in formatted.scales.values()), ends]):
        axes.vlines(position, 0, 1, color=_CONTEXT, linewidth=0.8, zorder=0)
        for place, label in ticks:
            axes.annotate(label, (position, place), (3, 0), textcoords="offset points", va="center", **_CLEAR)
    axes.set_xticks(range(len(names) + 1), [*map(_label, names), formatted.axis.replace(" ", "\n", 1)])
    axes.set_xlim(-0.1, len(names) + 0.4)
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


def _importances(shares: Mapping[str, float]) -> Figure:
    figure = Figure(figsize=(5.0, 0.7 + 0.28 * len(shares)), layout="constrained")
    axes = figure.subplots()
    percent = 100.0 * np.array(list(shares.values()))
    bars = axes.barh(range(len(shares)), percent, color=_ACCENT, height=0.6)
    axes.bar_label(bars, [f"{value:.0f}" for value in percent], padding=3, color=_MUTED)
    axes.set_yticks(range(len(shares)), list(shares), color=_INK)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, max(percent) * 1.1)
    axes.set_xlabel("share of the score's variance, % (fANOVA)")
    return figure


def _points(axes: Axes, complete: NDArray[Any], pruned: NDArray[Any], formatted: _Charted) -> None:
    """Scores at the places given: a dot a complete trial, a cross a pruned one, a ring around the best trial."""
    if len(pruned):
        label = "cut short (mean of its folds)"
        axes.plot(pruned, formatted.cut, "x", color=_CONTEXT, markersize=formatted.size, mew=0.7, label=label)
    axes.plot(
        complete, formatted.scores, "o", color=_ACCENT, alpha=0.6, markersize=formatted.size, mew=0, label="complete"
    )
    best = complete[formatted.best_trial], formatted.scores[formatted.best_trial]
    axes.plot(*best, "o", color=_INK, markerfacecolor="none", markersize=8, label="best trial")


def _mean(trial: FrozenTrial, pruner: str) -> float:
    scores = fold_scores(trial, pruner=pruner)
    return sum(scores) / len(scores) if scores else float("nan")


def _label(name: str) -> str:
    """In two lines where there is a dot: `training.` is long."""
    return name.replace(".", ".\n", 1)


def _png(draw: Callable[[Any], Figure], what: object) -> bytes:
    file = io.BytesIO()
    with mpl.rc_context(_THEME):
        draw(what).savefig(file, format="png", dpi=144, metadata={"Software": None})
    return file.getvalue()
