"""Accuracy over the error of a scan's annotated landmarks, by where methods take their masks from.

Masks drawn from annotated landmarks are as wrong as the landmarks are; masks that are the same for all scans, or found
in the scan, are not.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from reports import formats
from reports.data.results import Results
from reports.pictures.figures import label
from reports.pictures.theme import ACCENT, COLUMN, INK, MUTED, THEME, Picture, drawn
from reports.schema import FACTOR
from reports.statistics.clustered import Cells
from reports.tables.inputs import mask_source

#: Root mean square over a scan's landmarks, mm, where it is recorded.
ERROR = f"{FACTOR}landmark_error_mm"
#: Groups of equally many scans.
GROUPS = 5
_MARKERS = "Dosv^<"


def representatives(results: Results, table: pd.DataFrame) -> dict[str, str]:
    """The most accurate method by where its masks come from (``""``: it reads none); ties go to the suite's order.

    Args:
        results: of a suite.
        table: `reports.tables.comparison.comparison`, in any order.
    """
    accuracy = table.set_index("method")["accuracy"]
    best_first = sorted(results.methods, key=lambda method: -accuracy[method])
    found: dict[str, str] = {}
    for method in best_first:
        found.setdefault(mask_source(results.provenance.methods[method]), method)
    return found


def by_landmark_error(results: Results, methods: Sequence[str]) -> pd.DataFrame:
    """Accuracy in groups of scans of ever larger landmark error: a row a method and group.

    Columns:
        method, group (from 0); error: the mean of the group's scans, mm; accuracy, low, high: with the ends of its
        95 % interval, shares of 1. Empty where no error is recorded, or all errors are the same.
    """
    recorded = results.nuisance_factors
    if ERROR not in recorded.columns or recorded[ERROR].nunique() < GROUPS:
        return pd.DataFrame(columns=["method", "group", "error", "accuracy", "low", "high"])
    scans = recorded[["scan", ERROR]].dropna()
    scans = scans[scans["scan"].isin(results.predictions["scan"])]
    scans = scans.assign(group=pd.qcut(scans[ERROR], GROUPS, labels=False, duplicates="drop"))
    tested = results.predictions[results.predictions["method"].isin(methods)].merge(scans, on="scan")
    rows = []
    for (method, group), own in tested.groupby(["method", "group"]):
        interval = Cells(own, single=results.provenance.single).accuracy.interval
        rows.append((method, group, own[ERROR].mean(), interval.value, interval.low, interval.high))
    return pd.DataFrame(rows, columns=["method", "group", "error", "accuracy", "low", "high"])


def landmark_error(results: Results, table: pd.DataFrame) -> dict[str, Picture]:
    """The picture, under the name ``""``; none where masks are read by no method, or from one source by all."""
    named = representatives(results, table)
    found = by_landmark_error(results, list(named.values()))
    return {"": _drawing(found, named, results.provenance.titles)} if len(named) > 1 and len(found) else {}


@mpl.rc_context(THEME)
def _drawing(found: pd.DataFrame, named: Mapping[str, str], titles: Mapping[str, str]) -> Picture:
    figure = Figure(figsize=(COLUMN, 2.9), layout="constrained")
    axes = figure.subplots()
    words = []
    for (source, method), marker, aside in zip(named.items(), cycle(_MARKERS), range(len(named)), strict=False):
        own = found[found["method"] == method]
        colour = MUTED if source == "" else ACCENT
        at = own["error"] + 0.03 * (aside - len(named) / 2)  # or intervals would cover one another
        axes.vlines(at, 100.0 * own["low"], 100.0 * own["high"], color=colour, linewidth=0.8, alpha=0.5)
        words.append(f"{method} ({source or 'no masks'}) {', '.join(map(formats.percent, own['accuracy']))} %")
        axes.plot(
            at,
            100.0 * own["accuracy"],
            color=colour,
            marker=marker,
            markersize=4.0,
            linewidth=1.0,
            markerfacecolor=colour if source in ("", "annotated") else "white",
            label=f"{label(titles[method])}: {source.replace('_', ' ') or 'no'} masks",
        )
    axes.set(xlabel="Error of annotated landmarks (mm)", ylabel="Accuracy (%)")
    figure.legend(loc="outside lower left", frameon=False, labelcolor=INK, handlelength=1.6)
    groups = found.groupby("group")["error"].mean()
    errors = ", ".join(f"{error:.1f}" for error in groups)
    return drawn(figure, f"Accuracy in groups of scans with a mean landmark error of {errors} mm: " + "; ".join(words))
