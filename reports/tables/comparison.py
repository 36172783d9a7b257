"""The comparison of methods: every score with its spread and its interval, what methods cost, and what is marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.statistics.clustered import Cells
from reports.statistics.multiple_testing import LEVEL
from reports.statistics.scores import Grouped
from reports.table import NOTHING, Cell, Medium, Place, Table, TableColumn, rows_of
from reports.tables.inputs import inputs_column, inputs_of
from reports.tables.pairwise import detection
from reports.tables.scores import CALIBRATION, INTERVALS, PARTS, UNRANKED, ScoreColumn, scores
from reports.tables.significance import like_the_best

#: What stands for the accuracy of a method that was tried and has no result.
FAILED = "failed"
#: What the narrow table for a paper's column has, and whether with intervals.
_COMPACT = {"method": True, "accuracy": True, "macro_f1": False, "difference": False, "p_holm": True}
_METHOD = TableColumn(key="method", title="Method")


def comparison(results: Results) -> pd.DataFrame:
    """One row a method with finished runs, in the suite's order.

    Scores are over all tested scans, pooled over folds and repeats; ``*_low``, ``*_high`` are the 95 % intervals of
    these, over subjects and trainings (`reports.statistics.clustered`). ``*_mean`` and ``*_sd`` are the mean and the
    standard deviation (n - 1) of the folds' own scores, as papers give them; these means differ a little from the
    pooled scores where folds differ in size, and those of scores that are not linear, macro-F1, say, or ECE, more.

    Columns:
        method, units (finished), then accuracy, accuracy_low, accuracy_high, accuracy_mean, accuracy_sd, and the same
        five of macro_f1, balanced_accuracy, recall_CLASS of each class (all shares of 1), ece (0..1) and brier (0..2,
        summed over classes), as `reports.tables.scores.scores` has them. NaN where a fold has no scan of the class,
        probabilities are not known, or there is nothing to tell an interval from.
        difference, difference_low, difference_high: accuracy minus the control's over the folds that both have, paired
        by subject and training (NaN for the control itself).
        inputs: what it reads (`reports.tables.inputs.inputs_of`); no column where that is not known.
        parameters and flops (medians, integers), seconds (mean of a run's training and test), train_seconds (of its
        training alone), test_milliseconds (a tested scan), peak_memory (bytes, the most of any run); NaN if unknown.
    """
    rows = []
    every, grouped = scores(results.classes), dict(list(results.predictions.groupby("method")))
    for method in results.methods:
        folds = results.folds[results.folds["method"] == method]
        row: dict[str, object] = {"method": method, "units": len(folds)}
        row |= _scored(folds, grouped[method], results.classes, every, single=results.provenance.single)
        gap = results.pairing.pair(method, results.control).accuracy.interval
        row |= {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
        row["inputs"] = inputs_of(results.provenance.methods[method])
        row |= {name: _median(folds[name]) for name in ("parameters", "flops")}
        row |= {name: folds[name].mean() for name in ("seconds", "train_seconds")}
        timed = folds[folds["test_seconds"].notna()]
        row["test_milliseconds"] = timed["test_seconds"].sum(min_count=1) * 1e3 / max(timed["n_test"].sum(), 1)
        rows.append(row | {"peak_memory": folds["peak_memory"].max()})
    table = pd.DataFrame(rows)
    return table if table["inputs"].any() else table.drop(columns="inputs")


def _median(counts: "pd.Series[float]") -> float:
    known = counts.dropna()
    return int(known.median()) if len(known) else np.nan


def _scored(
    folds: pd.DataFrame,
    predictions: pd.DataFrame,
    classes: Sequence[str],
    every: Sequence[ScoreColumn],
    *,
    single: bool,
) -> dict[str, object]:
    """The scores of one method, each with its interval and its mean and spread over folds."""
    cells = Cells(predictions, classes, single=single)
    over_folds = Grouped(predictions, folds["unit"].tolist(), classes, by="unit")
    found: dict[str, object] = {}
    for one in every:
        name = one.column.key
        whole = cells.estimate(one.sums(cells.grouped), one.score, bounds=(0.0, one.most)).interval
        own = folds[name] if name in folds else pd.Series(one.score(one.sums(over_folds)))
        values = whole.value, whole.low, whole.high, own.mean(), own.std(ddof=1)
        found |= {f"{name}{part}": value for part, value in zip(PARTS, values, strict=True)}
    return found


@dataclass(frozen=True)
class Marks:
    """Marks of a comparison.

    Attributes:
        places: by score that methods are ranked by, by method: ``"best"`` or ``"second"``; equal scores share a place.
        best: the method with the highest accuracy, the first of equals; None where nothing is compared.
        alike: the methods that do not differ significantly, by the primary test, from it.
        uncalibrated: the methods that have no probabilities, and so no score of calibration.
    """

    places: Mapping[str, Mapping[str, Place]] = field(default_factory=dict)
    best: str | None = None
    alike: Sequence[str] = ()
    uncalibrated: Sequence[str] = ()

    @property
    def bold(self) -> str:
        """Legend of bold and underlined scores; empty where none is marked."""
        return "Best in bold, second underlined." if self.best is not None else ""

    @property
    def legend(self) -> str:
        """Legend of all marks, in sentences; empty where there is none."""
        if not self.alike:
            return self.bold
        test = "two-way clustered t-test, Holm-adjusted"
        return f"{self.bold} {formats.ALIKE} Accuracy not significantly different from that of {self.best} ({test})."


def marked(results: Results, table: pd.DataFrame, pairs: pd.DataFrame) -> Marks:
    """Marks of a `comparison` of several methods, `pairs` as in `pairwise`; of one alone, none."""
    uncalibrated = table.loc[table["brier"].isna(), "method"].tolist()
    if len(table) < 2:
        return Marks(uncalibrated=uncalibrated)
    places = {one.column.key: placed(table, one.column) for one in scores(results.classes) if one.ranked}
    best = str(table["method"].iloc[int(table["accuracy"].argmax())])
    return Marks(places, best, like_the_best(best, pairs, control=results.control), uncalibrated)


def placed(table: pd.DataFrame, column: TableColumn) -> dict[str, Place]:
    """Methods with the best and the second best score; equal ones share a place."""
    known = table[["method", column.key]].dropna()
    ranks = known[column.key].rank(method="dense", ascending=column.better == "lower")
    names: dict[float, Place] = {1.0: "best", 2.0: "second"}
    return {method: names[rank] for method, rank in zip(known["method"], ranks, strict=True) if rank in names}


def comparison_table(results: Results, table: pd.DataFrame, marks: Marks, pairs: pd.DataFrame) -> Table:
    """`comparison`, a row a method; methods that were tried and have no result have a row without a number.

    Papers have the primary test's p, adjusted, of each method against the control as well.
    """
    with_control = pairs[pairs["method_b"] == results.control]
    p = dict(zip(with_control["method_a"], with_control["p_holm"], strict=True))
    own = {one.column.key: one.column for one in scores(results.classes) if one.first}
    in_papers: tuple[Medium, ...] = ("paper",) if p else ()
    columns = [
        _METHOD,
        own.pop("accuracy"),
        TableColumn(
            key="accuracy_mean",
            title="Folds",
            unit="%",
            format=formats.percent,
            deviation="accuracy_sd",
            page="Fold mean\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}SD",
            paper="Mean ± SD (%)",
            importance=1,
            note="Fold mean ± SD is reported for comparability; because folds share training data it is not a standard "
            "error.",
        ),
        *own.values(),
        difference_column(results.control, in_papers=bool(p), note="Differences are paired by subject and "
        "training run, bold where the interval excludes zero."),
        TableColumn(key="p_holm", title="p", format=formats.p_value, better="lower", media=in_papers),
        *([inputs_column()] if "inputs" in table else []),
        *_costs(table),
    ]  # fmt: skip
    rows = rows_of(columns, table.assign(p_holm=table["method"].map(p).astype("float64")))
    rows = [_marked_row(columns, row, marks, alike=row[0].text in marks.alike) for row in rows]
    rows += [[Cell(text=name), Cell(text=FAILED), *[NOTHING] * (len(columns) - 2)] for name in results.failed_methods]
    several = f"{len(rows)} methods" if len(rows) > 1 else "one method"
    return Table(
        name="comparison",
        title="Comparison",
        columns=columns,
        rows=rows,
        numbers=table,
        notes=[marks.legend, *detection(pairs, results.control)],
        page_notes=[
            f"Accuracy and macro-F1 are over all tested scans of {_tested(results)}.",
            "Below each is its 95 % interval, clustered by subject and by training run.",
        ],
        caption=f"Accuracy, macro-F1 and cost of {several} ({results.provenance.called}).",
        paper_notes=[
            *_paper_notes(results, marks, pairs, comparisons=len(p)),
            "Mean ± SD: of the folds' accuracies; folds share training data, so that it is not a standard error.",
            "FLOPs are those of one forward pass of one scan; times are means per run (processor time on a CPU).",
        ],
        titles=results.provenance.titles,
        label="Comparison table",
    )


def compact_table(results: Results, whole: Table, marks: Marks, pairs: pd.DataFrame) -> Table:
    """First columns of `comparison_table`, for one column of a paper."""
    own = whole.of("paper")
    own = own.with_columns([place for place, column in enumerate(own.columns) if column.key in _COMPACT])
    bare = [place for place, column in enumerate(own.columns) if not _COMPACT[column.key]]
    return replace(
        own,
        name="comparison-compact",
        rows=[
            [replace(cell, ends=()) if place in bare else cell for place, cell in enumerate(row)] for row in own.rows
        ],
        numbers=None,
        caption=whole.caption.replace("Accuracy, macro-F1 and cost", "Accuracy and macro-F1"),
        paper_notes=_paper_notes(results, marks, pairs, comparisons=int((pairs["method_b"] == results.control).sum())),
    )


def details_table(results: Results, table: pd.DataFrame, marks: Marks) -> Table:
    """Details beside `comparison_table`: scores by expression, and calibration."""
    own = [one.column for one in scores(results.classes) if not one.first]
    runs = TableColumn(key="units", title="Runs", format=str)
    columns = [_METHOD, *own, runs]
    rows = [_marked_row(columns, row, marks) for row in rows_of(columns, table)]
    plan = results.provenance
    return Table(
        name="details",
        title="Scores in detail",
        columns=columns,
        rows=rows,
        numbers=table[["method", "units", *(f"{column.key}{part}" for column in own for part in PARTS)]],
        notes=[
            marks.bold,
            UNRANKED if table["ece"].notna().any() else "",
            without_probabilities(marks.uncalibrated),
        ],
        page_notes=["Means and standard deviations over folds of all scores are in comparison.csv."],
        caption=f"Recall by expression and calibration ({plan.called}).",
        paper_notes=[
            INTERVALS,
            CALIBRATION,
            without_probabilities([plan.titles[method] for method in marks.uncalibrated]),
            *_signs(results, marks),
        ],
        titles=plan.titles,
        label="Table of scores in detail",
        look="dense",
    )


def difference_column(control: str, *, in_papers: bool = True, note: str = "") -> TableColumn:
    """Accuracy minus the control's, of a row of `comparison`."""
    return TableColumn(
        key="difference",
        title=f"Δ vs {control}",
        unit="points",
        format=formats.points,
        ends=("difference_low", "difference_high"),
        strong=lambda row: row["difference_low"] > 0.0 or row["difference_high"] < 0.0,
        brackets="95 %",
        paper="Δ (pp)",
        media=("text", "page", "paper") if in_papers else ("text", "page"),
        importance=9,
        note=note,
    )


def parameters_column() -> TableColumn:
    """Column of the number of trainable parameters of a method's network."""
    note = "Parameters are those that are trained, so without frozen stages."
    return TableColumn(
        key="parameters", title="Parameters", format=formats.number, better="lower", importance=7, note=note
    )


def without_probabilities(methods: Sequence[str]) -> str:
    """Methods that have no ECE and no Brier score, in a sentence; empty where all have."""
    if not methods:
        return ""
    have = "has" if len(methods) == 1 else "have"
    return f"{formats.names(methods)} {have} no probabilities, and so neither an ECE nor a Brier score."


def _costs(table: pd.DataFrame) -> list[TableColumn]:
    """Known costs; times of training and testing apart, or both together."""

    def seconds(key: str, title: str, *, unit: str = "", paper: str = "", importance: int) -> TableColumn:
        note = "Times are means per run, that is one training and its test (processor time on a CPU)."
        return TableColumn(
            key=key,
            title=title,
            unit=unit,
            paper=paper,
            format=formats.seconds,
            better="lower",
            importance=importance,
            note=note,
        )

    apart = table[["train_seconds", "test_milliseconds"]].notna().all(axis=None)
    note = "Memory is the peak GPU memory of a run, including the scans held there."
    memory = TableColumn(
        key="peak_memory", title="Memory", format=formats.memory, better="lower", importance=3, note=note
    )
    note = "FLOPs are those of one forward pass of one scan."
    return [
        parameters_column(),
        TableColumn(key="flops", title="FLOPs", format=formats.number, better="lower", importance=2, note=note),
        *([seconds("train_seconds", "Training", unit="s", importance=6)] if apart else []),
        *([seconds("test_milliseconds", "Test", unit="ms/scan", importance=4)] if apart else []),
        *([] if apart else [seconds("seconds", "Seconds per run", paper="Run (s)", importance=5)]),
        *([memory] if table["peak_memory"].notna().any() else []),
    ]


def _marked_row(
    columns: Sequence[TableColumn], row: Sequence[Cell], marks: Marks, *, alike: bool = False
) -> list[Cell]:
    """A row with the places of its scores, and a dagger where accuracy is like the best."""
    found = [
        replace(cell, place=marks.places.get(column.key, {}).get(row[0].text, ""))
        for column, cell in zip(columns, row, strict=True)
    ]
    return [found[0], replace(found[1], mark=formats.ALIKE), *found[2:]] if alike else found


def _tested(results: Results) -> str:
    """Tested scans and folds, in words."""
    protocol, repeats = results.provenance.protocol, results.folds["repeat"].nunique()
    text = f"{results.predictions['subject'].nunique()} subjects"
    text += f" and {repeats} repeats" if repeats > 1 else ""
    return text + (f", {protocol['subjects']} subjects redrawn in every repeat" if protocol.get("redraw") else "")


def _paper_notes(results: Results, marks: Marks, pairs: pd.DataFrame, *, comparisons: int) -> list[str]:
    tested = results.predictions["subject"].nunique()
    found = [f"Scores are over all test scans of {tested} subjects. {INTERVALS}"]
    if comparisons:
        gap = f"Δ: accuracy minus that of {results.provenance.titles[results.control]} in percentage points (pp)"
        over = f" over {comparisons} comparisons" if comparisons > 1 else ""
        found.append(f"{gap}; p: two-way clustered t-test, Holm-adjusted{over}.")
        found += detection(pairs, results.control, called=results.provenance.titles[results.control])
    return [*found, *_signs(results, marks, pairs)]


def _signs(results: Results, marks: Marks, pairs: pd.DataFrame | None = None) -> list[str]:
    """Legend of bold, underlines and, if there are `pairs`, of the daggers."""
    if marks.best is None:
        return []
    found = ["Best in bold, second best underlined."]
    if marks.alike and pairs is not None:
        family = "" if marks.best == results.control else f" adjusted over all {len(pairs)} pairs,"
        best = results.provenance.titles[marks.best]
        message = f"{formats.ALIKE} Accuracy not significantly different from that of {best}"
        found.append(f"{message} (the same test,{family} p ≥ {LEVEL}).")
    return found
