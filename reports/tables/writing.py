"""The tables beside a report's page, as files for people and programs: the comparison and the records behind it."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from reports.data.pseudonyms import named, pseudonymous
from reports.data.results import Results
from reports.files import write_all, write_paper
from reports.latex.table import Paper
from reports.markup import FormattedTable, write_csv
from reports.statistics.bootstrap import scored
from reports.statistics.scores import accuracy
from reports.tables.ablation import ablation, displayed_ablation, legend
from reports.tables.comparison import DETAILS
from reports.tables.formatted import displayed, displayed_details, marked
from reports.tables.pairwise import COLUMNS, displayed_pairwise
from reports.tables.papers import ablated, compared, detailed, paired, searched
from reports.tables.significance import missing
from reports.tables.summary import notices
from reports.tables.tuning import displayed_parameters, displayed_tuning, parameters, tuning
from reports.tables.variance_components import displayed_components, variance_components


def by_intensity(results: Results) -> pd.DataFrame:
    """Accuracy (a share of 1) by method and intensity with its 95 % interval over resampled subjects.

    Columns:
        method, intensity, scans (tested, over all repeats), accuracy, low, high. No row where intensities are unknown.
    """
    rows = []
    known = results.predictions[results.predictions["intensity"] > 0]
    for method in results.methods:
        for intensity, predictions in known[known["method"] == method].groupby("intensity"):
            found = scored(predictions, accuracy)
            row = {"method": method, "intensity": intensity, "scans": len(predictions)}
            rows.append(row | {"accuracy": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(rows, columns=["method", "intensity", "scans", "accuracy", "low", "high"])


def write_tables(results: Results, table: pd.DataFrame, pairs: pd.DataFrame, directory: Path) -> None:
    """Writes folds.csv, predictions.parquet, comparison and details into `directory`, which must exist.

    The first two hold all of `Results.folds`, methods in the suite's order, and `Results.predictions`: what
    `reports.data.outside.read_results` makes the same tables of.

    Tables for people are CSV, Markdown and LaTeX: ``comparison`` (its CSV has every score), ``details`` (the scores
    that its Markdown and LaTeX have no room for), of several methods also ``pairwise``; of an ablation also
    ``ablation``; of a search ``tuning``, ``parameters`` and studies.csv; of a repeated one also ``spread``. LaTeX alone
    is ``comparison-compact``, which fits one column of two (`reports.tables.papers`).

    What makes the records less than they look stands in Markdown and LaTeX alike; as CSV has no place for it, it also
    stands in notices.txt, which is there only if there is something to say.

    Where subjects may not be named, predictions.parquet has pseudonyms for them and their scans.
    """
    plan = results.provenance
    message = notices(results)
    notice = " ".join(message)
    if message:
        (directory / "notices.txt").write_text("".join(f"{line}\n" for line in message), encoding="utf-8")
    order = results.folds["method"].map(results.methods.index).sort_values(kind="stable").index
    write_csv(results.folds.loc[order], directory / "folds.csv")
    predictions = results.predictions
    predictions = named(predictions, plan.names) if plan.named else pseudonymous(predictions, secret=plan.secret)
    predictions.to_parquet(directory / "predictions.parquet", index=False)
    marks = marked(table, pairs, control=results.control)

    def write(name: str, numbers: pd.DataFrame, presented: FormattedTable, paper: Paper, *notes: str) -> None:
        paper = replace(paper, notes=[*paper.notes, *message])
        write_all(directory / name, numbers, presented, paper, suite=plan.suite, notice=" ".join(filter(None, notes)))

    presented = displayed(table, control=results.control, marks=marks, failed=results.failed_methods)
    whole, short = compared(results, presented, marks, pairs)
    write("comparison", table, presented, whole, marks.legend, notice)
    write_paper(directory / "comparison-compact", replace(short, notes=[*short.notes, *message]), suite=plan.suite)
    presented = displayed_details(table, marks)
    write("details", table[DETAILS], presented, detailed(results, presented, marks), marks.details, notice)
    if not pairs.empty:
        presented = FormattedTable(displayed_pairwise(pairs))
        paper = paired(results, presented)
        paper = replace(paper, notes=[*paper.notes, *missing(pairs)])
        write("pairwise", pairs[COLUMNS], presented, paper, notice, *missing(pairs))
    if plan.axes:
        found = ablation(results, table)
        presented = FormattedTable(displayed_ablation(results, found))
        write("ablation", found, presented, ablated(results, presented), legend(results), notice)
    if not results.studies.empty:
        write_csv(results.studies, directory / "studies.csv")
        found, chosen = tuning(results), parameters(results)
        presented = FormattedTable(displayed_tuning(results, found))
        write("tuning", found, presented, searched(results, presented, "Hyper-parameter search by method"), notice)
        presented = FormattedTable(displayed_parameters(chosen))
        write(
            "parameters",
            chosen,
            presented,
            searched(results, presented, "Searched and chosen hyper-parameters"),
            notice,
        )
    if not results.selection.empty:
        found = variance_components(results)
        presented = FormattedTable(displayed_components(found))
        caption = "Standard deviation of one fold's accuracy from training and from choosing hyper-parameters"
        write("spread", found, presented, searched(results, presented, caption), notice)
