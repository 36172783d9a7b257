"""The tables beside a report's page, as files for people and programs: the comparison and the records behind it."""

from pathlib import Path

import pandas as pd

from reports.data.pseudonyms import named, pseudonymous
from reports.data.results import Results
from reports.markup import Shown, write_all, write_csv
from reports.statistics.bootstrap import scored
from reports.statistics.scores import accuracy
from reports.tables.ablation import ablation, displayed_ablation, legend
from reports.tables.apart import missing
from reports.tables.comparison import DETAILS
from reports.tables.pairwise import COLUMNS, displayed_pairwise
from reports.tables.shown import displayed, displayed_details, marked
from reports.tables.spread import displayed_spread, spread
from reports.tables.summary import notices
from reports.tables.tuning import displayed_parameters, displayed_tuning, parameters, tuning


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
    ``ablation``; of a search ``tuning``, ``parameters`` and studies.csv; of a repeated one also ``spread``.

    What makes the records less than they look stands in Markdown and LaTeX alike; as CSV has no place for it, it also
    stands in notices.txt, which is there only if there is something to say.

    Where subjects may not be named, predictions.parquet has pseudonyms for them and their scans.
    """
    plan = results.provenance
    told = notices(results)
    notice = " ".join(told)
    if told:
        (directory / "notices.txt").write_text("".join(f"{line}\n" for line in told), encoding="utf-8")
    order = results.folds["method"].map(results.methods.index).sort_values(kind="stable").index
    write_csv(results.folds.loc[order], directory / "folds.csv")
    predictions = results.predictions
    predictions = named(predictions, plan.names) if plan.named else pseudonymous(predictions, secret=plan.secret)
    predictions.to_parquet(directory / "predictions.parquet", index=False)
    marks = marked(table, pairs, control=results.control)
    shown = displayed(table, control=results.control, marks=marks)
    write_all(directory / "comparison", table, shown, notice=_joined(marks.legend, notice))
    shown = displayed_details(table, marks)
    write_all(directory / "details", table[DETAILS], shown, notice=_joined(marks.bold, notice))
    if not pairs.empty:
        shown = Shown(displayed_pairwise(pairs))
        write_all(directory / "pairwise", pairs[COLUMNS], shown, notice=_joined(notice, *missing(pairs)))
    if plan.axes:
        found = ablation(results, table)
        shown = Shown(displayed_ablation(results, found))
        write_all(directory / "ablation", found, shown, notice=_joined(legend(results), notice))
    if not results.studies.empty:
        write_csv(results.studies, directory / "studies.csv")
        found = tuning(results)
        write_all(directory / "tuning", found, Shown(displayed_tuning(results, found)), notice=notice)
        found = parameters(results)
        write_all(directory / "parameters", found, Shown(displayed_parameters(found)), notice=notice)
    if not results.selection.empty:
        found = spread(results)
        write_all(directory / "spread", found, Shown(displayed_spread(found)), notice=notice)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
