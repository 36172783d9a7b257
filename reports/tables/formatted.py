"""The comparison as a reader meets it: two tables of text, and what is marked in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reports import formats
from reports.markup import FormattedTable
from reports.schema import EXPRESSIONS
from reports.tables.comparison import ERRORS, SCORES
from reports.tables.significance import like_the_best

#: What stands for the accuracy of a method that was tried and has no result.
FAILED = "failed"
_ACCURACY = "Accuracy, % (95 %)"


@dataclass(frozen=True)
class Marks:
    """What is marked in a comparison.

    Attributes:
        places: by column of `SCORES`, by method: ``"best"`` or ``"second"``; equal scores share a place.
        best: the method with the highest accuracy, the first of equals; None where nothing is compared.
        alike: the methods that do not differ significantly, by the primary test, from it.
        uncalibrated: the methods that have no probabilities, and so no score of calibration.
    """

    places: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {name: {} for name in SCORES})
    best: str | None = None
    alike: Sequence[str] = ()
    uncalibrated: Sequence[str] = ()

    @property
    def details(self) -> str:
        """What stands below the scores in detail."""
        return " ".join(filter(None, (self.bold, without_probabilities(self.uncalibrated))))

    @property
    def bold(self) -> str:
        """What bold and underlined scores are; nothing where none is marked."""
        return "Best in bold, second underlined." if self.best is not None else ""

    @property
    def legend(self) -> str:
        """What all marks stand for, in sentences; nothing where there is none."""
        test = "permutation test on subjects, Holm-adjusted"
        message = f" {formats.ALIKE} Accuracy not significantly different from that of {self.best} ({test})."
        return self.bold + message * bool(self.alike)


_NOTHING = Marks()


def without_probabilities(methods: Sequence[str]) -> str:
    """Which methods have no ECE and no Brier score, in a sentence; nothing where all have."""
    if not methods:
        return ""
    have = "has" if len(methods) == 1 else "have"
    return f"{formats.names(methods)} {have} no probabilities, and so neither an ECE nor a Brier score."


def marked(table: pd.DataFrame, pairs: pd.DataFrame, *, control: str) -> Marks:
    """What is marked in a `comparison` of several methods, `pairs` as in `pairwise`; of one alone, nothing."""
    uncalibrated = table.loc[table["brier"].isna(), "method"].tolist()
    if len(table) < 2:
        return Marks(uncalibrated=uncalibrated)
    places = {}
    for name in SCORES:
        known = table[["method", name]].dropna()
        ranks = known[name].rank(method="dense", ascending=name in ERRORS)
        names = {1.0: "best", 2.0: "second"}
        places[name] = {m: names[r] for m, r in zip(known["method"], ranks, strict=True) if r in names}
    best = str(table["method"].iloc[int(table["accuracy"].argmax())])
    return Marks(places, best, like_the_best(best, pairs, control=control), uncalibrated)


def displayed(
    table: pd.DataFrame, *, control: str, marks: Marks = _NOTHING, failed: Sequence[str] = ()
) -> FormattedTable:
    """`comparison` as a reader meets it, all text: the same columns in the terminal, in Markdown and in LaTeX.

    Methods that `failed` have a row without a number.
    """
    columns = {
        _ACCURACY: "accuracy",
        "Macro-F1, % (95 %)": "macro_f1",
    }
    rows = []
    for row in table.to_dict("records"):
        alike = f" {formats.ALIKE}" * (row["method"] in marks.alike)
        gap = formats.ranged(*(formats.points(row[f"difference{end}"]) for end in ("", "_low", "_high")))
        rows.append(
            {
                "Method": str(row["method"]),
                _ACCURACY: _percent(row, "accuracy") + alike,
                "Folds, %": f"{formats.percent(row['accuracy_mean'])} ± {formats.percent(row['accuracy_sd'])}",
                "Macro-F1, % (95 %)": _percent(row, "macro_f1"),
                f"Δ vs {control}, points (95 %)": gap,
                "Parameters": formats.number(row["parameters"]),
                "FLOPs": formats.number(row["flops"]),
                **{title: formats.seconds(row[name]) for title, name in times(table).items()},
                **({"Memory": formats.memory(row["peak_memory"])} if table["peak_memory"].notna().any() else {}),
            }
        )
    rows += [dict.fromkeys(rows[0], formats.NOTHING) | {"Method": name, _ACCURACY: FAILED} for name in failed]
    return _formatted(rows, columns, marks)


def displayed_details(table: pd.DataFrame, marks: Marks) -> FormattedTable:
    """What `displayed` has no room for, a second table: scores by expression, and how far probabilities are right."""
    columns = {
        "Balanced accuracy, % (95 %)": "balanced_accuracy",
        **{f"Recall of {expression}, %": f"recall_{expression}" for expression in EXPRESSIONS},
        "ECE (95 %)": "ece",
        "Brier score (95 %)": "brier",
    }
    rows = []
    for row in table.to_dict("records"):
        errors = {title: _error(row, name) for title, name in columns.items() if name in ERRORS}
        shares = {title: _percent(row, name) for title, name in columns.items() if name not in ERRORS}
        rows.append({"Method": str(row["method"])} | shares | errors | {"Runs": str(row["units"])})
    return _formatted(rows, columns, marks)


def times(table: pd.DataFrame) -> dict[str, str]:
    """Titles and columns of what is known of times: training and testing apart, or both together."""
    apart = {"Training, s": "train_seconds", "Test, ms/scan": "test_milliseconds"}
    return apart if table[list(apart.values())].notna().all(axis=None) else {"Seconds per run": "seconds"}


def _percent(row: Mapping[Any, float], name: str) -> str:
    return formats.ranged(*(formats.percent(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _error(row: Mapping[Any, float], name: str) -> str:
    return formats.ranged(*(formats.decimal(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _formatted(rows: Sequence[Mapping[str, str]], columns: Mapping[str, str], marks: Marks) -> FormattedTable:
    text = pd.DataFrame(rows)
    places = {
        title: [marks.places[name].get(method, "") for method in text["Method"]] for title, name in columns.items()
    }
    return FormattedTable(text, pd.DataFrame(places, index=text.index).reindex(columns=text.columns, fill_value=""))
