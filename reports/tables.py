"""The tables of a report: the comparison of methods, and the records behind it, as files for people and programs."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from reports import formats
from reports.ablation import KEPT, ablation, displayed_ablation, legend
from reports.apart import missing
from reports.bootstrap import scored
from reports.pairwise import COLUMNS, displayed_pairwise
from reports.pseudonyms import named, pseudonymous
from reports.results import Results
from reports.schema import EXPRESSIONS
from reports.scores import accuracy, macro_f1
from reports.spread import displayed_spread, spread
from reports.tuning import displayed_parameters, displayed_tuning, parameters, tuning, uneven

#: Columns of ``folds.csv``, in order.
FOLD_COLUMNS = [
    *("suite", "method", "repeat", "fold", "seed", "unit", "n_train", "n_test"),
    *("accuracy", "macro_f1", "seconds", "parameters"),
]
#: Columns of ``predictions.parquet``, in order.
PREDICTION_COLUMNS = [
    *("unit", "method", "repeat", "fold", "scan", "subject", "expression", "intensity", "predicted"),
    *(f"p_{expression}" for expression in EXPRESSIONS),
]


def comparison(results: Results) -> pd.DataFrame:
    """One row a method with finished units, in the suite's order.

    Scores are shares of 1. ``accuracy`` and ``macro_f1`` are over all tested scans, pooled over folds and repeats, and
    ``*_low``, ``*_high`` are the 95 % intervals of these over resampled subjects (`reports.bootstrap`). ``*_mean`` and
    ``*_sd`` are the mean and the standard deviation (n - 1) of the folds' own scores, as papers give them; these means
    differ a little from the pooled scores where folds differ in size, and macro-F1's more, as it is not linear.

    Columns:
        method, units (finished), accuracy, accuracy_low, accuracy_high, accuracy_mean, accuracy_sd, and the same five
        of macro_f1; difference, difference_low, difference_high: accuracy minus the control's over the folds that both
        have, paired by subject (NaN for the control itself); parameters and flops (medians, integers), seconds (mean
        of a unit).
    """
    rows = []
    for method in results.methods:
        folds = results.folds[results.folds["method"] == method]
        predictions = results.predictions[results.predictions["method"] == method]
        row: dict[str, object] = {"method": method, "units": len(folds)}
        for name, score in (("accuracy", accuracy), ("macro_f1", macro_f1)):
            found = scored(predictions, score)
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
            row |= {f"{name}_mean": folds[name].mean(), f"{name}_sd": folds[name].std(ddof=1)}
        gap = results.pairing.pair(method, results.control).accuracy
        row |= {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
        row |= {name: int(folds[name].median()) for name in ("parameters", "flops")}
        rows.append(row | {"seconds": folds["seconds"].mean()})
    return pd.DataFrame(rows)


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


def displayed(table: pd.DataFrame, *, control: str) -> pd.DataFrame:
    """`comparison` as a reader meets it, all text: the same columns in the terminal, in Markdown and in LaTeX."""
    rows = []
    for row in table.to_dict("records"):
        accuracy, macro_f1 = (
            formats.ranged(*(formats.percent(row[f"{name}{end}"]) for end in ("", "_low", "_high")))
            for name in ("accuracy", "macro_f1")
        )
        gap = formats.ranged(*(formats.points(row[f"difference{end}"]) for end in ("", "_low", "_high")))
        rows.append(
            {
                "Method": str(row["method"]),
                "Accuracy, % (95 %)": accuracy,
                "Folds, %": f"{formats.percent(row['accuracy_mean'])} ± {formats.percent(row['accuracy_sd'])}",
                "Macro-F1, % (95 %)": macro_f1,
                f"Against {control}, points (95 %)": gap,
                "Parameters": formats.number(row["parameters"]),
                "FLOPs": formats.number(row["flops"]),
                "Seconds a unit": formats.seconds(row["seconds"]),
            }
        )
    return pd.DataFrame(rows)


def write_tables(results: Results, table: pd.DataFrame, pairs: pd.DataFrame, directory: Path) -> None:
    """Writes folds.csv, predictions.parquet and comparison.csv, .md and .tex into `directory`, which must exist.

    Of several methods also pairwise as these three; of an ablation also ablation; of a search studies.csv, tuning and
    parameters; of a repeated one also spread.

    Where subjects may not be named, predictions.parquet has pseudonyms for them and their scans.
    In CSV files text that a spreadsheet would take for a formula gets a leading apostrophe.
    """
    _write_csv(results.folds[FOLD_COLUMNS], directory / "folds.csv")
    predictions = results.predictions[PREDICTION_COLUMNS]
    if results.provenance.named:
        predictions = named(predictions, results.provenance.names)
    else:
        predictions = pseudonymous(predictions, secret=results.provenance.secret)
    predictions.to_parquet(directory / "predictions.parquet", index=False)
    plan = results.provenance
    notice = "" if plan.done == plan.planned else f"Incomplete: {plan.done} of {plan.planned} planned units."
    _write_both(directory / "comparison", table, displayed(table, control=results.control), notice=notice)
    if not pairs.empty:
        told = " ".join(filter(None, [notice, *missing(pairs)]))
        _write_both(directory / "pairwise", pairs[COLUMNS], displayed_pairwise(pairs), notice=told)
    if plan.axes:
        found = ablation(results, table)
        told = " ".join(filter(None, [legend(results), notice]))
        _write_both(directory / "ablation", found, displayed_ablation(results, found), notice=told)
    if not results.studies.empty:
        _write_csv(results.studies, directory / "studies.csv")
        told = " ".join(filter(None, [notice, *uneven(results)]))
        found = tuning(results)
        _write_both(directory / "tuning", found, displayed_tuning(results, found), notice=told)
        found = parameters(results)
        _write_both(directory / "parameters", found, displayed_parameters(found), notice=told)
    if not results.selection.empty:
        found = spread(results)
        _write_both(directory / "spread", found, displayed_spread(found), notice=notice)


def markdown(shown: pd.DataFrame, *, notice: str = "") -> str:
    """A Markdown table of a frame of text, the first column to the left, the others to the right; `notice` below it."""
    lines = [[_markdown_text(name) for name in shown.columns], [":--", *["--:"] * (shown.shape[1] - 1)]]
    lines += [[_markdown_text(cell) for cell in row] for row in shown.itertuples(index=False, name=None)]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return f"{table}\n*{_markdown_text(notice)}*\n" if notice else table


def latex(shown: pd.DataFrame, *, notice: str = "") -> str:
    """A booktabs ``tabular`` of a frame of text, to be ``\\input`` into a paper; `notice` as a comment above it.

    Check marks need the package ``amssymb``.
    """
    rows = [" & ".join(_latex_text(cell) for cell in row) for row in shown.itertuples(index=False, name=None)]
    return "\n".join(
        [
            *([f"% {notice}"] if notice else []),
            f"\\begin{{tabular}}{{l{'r' * (shown.shape[1] - 1)}}}",
            r"\toprule",
            " & ".join(_latex_text(name) for name in shown.columns) + r" \\",
            r"\midrule",
            *(f"{row} \\\\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _write_both(path: Path, table: pd.DataFrame, shown: pd.DataFrame, *, notice: str) -> None:
    """Writes the numbers as CSV and what a reader meets of them as Markdown and LaTeX, side by side."""
    _write_csv(table, path.with_suffix(".csv"))
    path.with_suffix(".md").write_text(markdown(shown, notice=notice), encoding="utf-8")
    path.with_suffix(".tex").write_text(latex(shown, notice=notice), encoding="utf-8")


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    safe = frame.copy()
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]):
            # A cell that starts like this is run by spreadsheets (OWASP, "CSV Injection").
            safe[name] = np.where(safe[name].str.match(r"[=+\-@]"), "'" + safe[name], safe[name])
    safe.to_csv(path, index=False, lineterminator="\n")


def _markdown_text(text: str) -> str:
    escaped = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"},
    **{"±": r"$\pm$", KEPT: r"\checkmark{}", formats.MINUS: "$-$", formats.NOTHING: "--"},
}


def _latex_text(text: str) -> str:
    # A bracket at the start of a row would be read as an option of the line break before it.
    return "{}" * text.startswith("[") + "".join(_LATEX.get(mark, mark) for mark in text)
