"""The tables of a report as papers print them: display names, headings with units, captions, and notes that explain."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.latex.table import Paper
from reports.markup import FormattedTable
from reports.tables.ablation import full_values
from reports.tables.formatted import Marks, without_probabilities
from reports.tables.significance import LEVEL

#: What reports call a column, and papers.
_HEADINGS = {
    "Folds, %": "Mean ± SD (%)",
    "Seconds per run": "Run (s)",
    "Test, ms/scan": "Test (ms/scan)",
    "Units": "Runs",
    "p, adjusted": "p (Holm)",
    "p, permutation": "p (perm.)",
    "p, Wilcoxon": "p (rank)",
    "p, corrected t": "p (corr.\N{NO-BREAK SPACE}t)",
    "P(A > B)": "P(A\N{NO-BREAK SPACE}>\N{NO-BREAK SPACE}B)",
    "P(ROPE)": "P(same)",
    "Time": "Training time",
}
_UNITS = {"%": " (%)", "points": " (pp)", "s": " (s)"}
_METHODS = ("Method", "Method A", "Method B")
#: What a column of a paper has room for.
_SHORT = ("Method", "Accuracy (%)", "Macro-F1 (%)", "Δ (pp)", "p")
_INTERVALS = "In parentheses: 95 % confidence intervals over resampled subjects."


def as_paper(presented: FormattedTable, titles: Mapping[str, str]) -> FormattedTable:
    """A table with the headings that papers have, and with methods' display names, which are `titles`."""
    text = presented.text.copy()
    for place, name in enumerate(text.columns[:2]):  # further on, an ablation's axis may be called so
        if name in _METHODS:
            parts = [cell.partition(f" {formats.DIFFERS}") for cell in text.iloc[:, place]]
            text.isetitem(place, [titles.get(method, method) + mark for method, mark, _ in parts])
    names = {name: _heading(str(name)) for name in text.columns}
    return FormattedTable(
        text.rename(columns=names), None if presented.marks is None else presented.marks.rename(columns=names)
    )


def compared(results: Results, presented: FormattedTable, marks: Marks, pairs: pd.DataFrame) -> tuple[Paper, Paper]:
    """The comparison (`reports.tables.formatted.displayed`) as a table for a page, and as one for a column.

    Both have the primary test's p, adjusted, of each method against the control; the latter has only what a reader
    asks first.
    """
    titles, control = results.provenance.titles, results.control
    with_control = pairs[pairs["method_b"] == control]
    p = dict(zip(with_control["method_a"], with_control["p_holm"], strict=True))
    whole = as_paper(presented, titles)
    names = [str(name) for name in whole.text.columns]
    place = names.index("Δ (pp)") + 1
    whole.text.insert(place, "p", [formats.p_value(p.get(method, np.nan)) for method in presented.text["Method"]])
    kept = [*names[:place], "p", *names[place:]] if p else [*names[: place - 1], *names[place:]]
    whole = _only(whole, kept)
    short = _only(whole, [name for name in kept if name in _SHORT])
    for name in ("Macro-F1 (%)", "Δ (pp)"):
        if name in short.text:
            short.text[name] = short.text[name].str.replace(r" \(.*\)", "", regex=True)
    notes = [
        f"Scores are over all test scans of {results.predictions['subject'].nunique()} subjects. {_INTERVALS}",
        *_versus_control(results, comparisons=len(p)),
        *_marked(results, marks, pairs),
    ]
    counted = f"{len(presented.text)} methods" if len(presented.text) > 1 else "one method"
    folds = "Mean ± SD: of the folds' accuracies; folds share training data, so that it is not a standard error."
    costs = "FLOPs are those of one forward pass of one scan; times are means per run (processor time on a CPU)."
    return (
        Paper(whole, f"Accuracy, macro-F1 and cost of {counted} ({where(results)}).", [*notes, folds, costs]),
        Paper(short, f"Accuracy and macro-F1 of {counted} ({where(results)}).", notes),
    )


def detailed(results: Results, presented: FormattedTable, marks: Marks) -> Paper:
    """The scores in detail (`reports.tables.formatted.displayed_details`)."""
    caption = f"Recall by expression and calibration ({where(results)})."
    message = "ECE: expected calibration error; lower is better for it and for the Brier score (0 to 2)."
    titles = results.provenance.titles
    lacking = without_probabilities([titles[method] for method in marks.uncalibrated])
    notes = [_INTERVALS, message, *([lacking] if lacking else []), *_marked(results, marks)]
    return Paper(as_paper(presented, titles), caption, notes)


def paired(results: Results, presented: FormattedTable) -> Paper:
    """All pairs (`reports.tables.pairwise.displayed_pairwise`)."""
    plan = results.provenance
    tests = (
        "perm.: paired permutation (sign-flip) test on subjects, pre-specified; rank: Wilcoxon signed-rank test on "
        "subjects; corr. t: corrected repeated k-fold t-test"
    )
    family = f"over the comparisons with {plan.titles[results.control]}, in other rows over all pairs"
    rope = f"Bayesian correlated t-test, the same meaning within ±{plan.rope:g} pp"
    notes = [
        f"A minus B: difference in accuracy in percentage points (pp). {_INTERVALS}",
        f"{tests}. Holm: the first, adjusted {family}.",
        f"P(A > B): probability that A classifies a subject better, ties half. Last three columns: {rope}.",
    ]
    return Paper(as_paper(presented, plan.titles), f"Pairwise comparison of methods ({where(results)}).", notes)


def ablated(results: Results, presented: FormattedTable) -> Paper:
    """The ablation (`reports.tables.ablation.displayed_ablation`)."""
    plan = results.provenance
    title = plan.titles[results.control]
    full = "; ".join(f"{axis}: {value}" for axis, value in full_values(results).items())
    signs = f"{formats.CHECK} as in {title} ({full}); {formats.NOTHING} removed."
    notes = [signs, _INTERVALS, f"Δ: accuracy minus that of {title} in percentage points (pp)."]
    return Paper(as_paper(presented, plan.titles), f"Ablation of {title} ({where(results)}).", notes)


def searched(results: Results, presented: FormattedTable, caption: str, notes: Sequence[str] = ()) -> Paper:
    """A table of the search."""
    return Paper(as_paper(presented, results.provenance.titles), f"{caption} ({where(results)}).", notes)


def where(results: Results) -> str:
    """What a caption calls the results."""
    suite = results.provenance.suite
    return f"{suite}, synthetic faces" if results.provenance.synthetic else suite


def _heading(name: str) -> str:
    if name in _HEADINGS:
        return _HEADINGS[name]
    if match := re.fullmatch(r"(.*), (points|%) \((?:95 %\), p|rank\))", name):
        return f"{match[1]} (pp)" if match[2] == "points" else f"{match[1]} (%, rank)"
    title, comma, unit = re.sub(r" \((95 %|range)\)$", "", name).rpartition(", ")
    if title.startswith("Δ vs ") and unit == "points":
        title = "Δ"
    return title + _UNITS[unit] if comma and unit in _UNITS else re.sub(r" \(95 %\)$", "", name)


def _only(presented: FormattedTable, columns: Sequence[str]) -> FormattedTable:
    marks = None if presented.marks is None else presented.marks.reindex(columns=list(columns), fill_value="")
    return FormattedTable(presented.text[list(columns)].copy(), marks)


def _versus_control(results: Results, *, comparisons: int) -> list[str]:
    if not comparisons:
        return []
    title = results.provenance.titles[results.control]
    gap = f"Δ: accuracy minus that of {title} in percentage points (pp)"
    over = f" over {comparisons} comparisons" if comparisons > 1 else ""
    return [f"{gap}; p: paired permutation (sign-flip) test on subjects, Holm-adjusted{over}."]


def _marked(results: Results, marks: Marks, pairs: pd.DataFrame | None = None) -> list[str]:
    """What bold, underlines and, if there are `pairs`, the daggers stand for."""
    if marks.best is None:
        return []
    found = ["Best in bold, second best underlined."]
    if marks.alike and pairs is not None:
        family = "" if marks.best == results.control else f" adjusted over all {len(pairs)} pairs,"
        best = results.provenance.titles[marks.best]
        message = f"{formats.ALIKE} Accuracy not significantly different from that of {best}"
        found.append(f"{message} (the same test,{family} p ≥ {LEVEL}).")
    return found
