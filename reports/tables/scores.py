"""Every score of the comparison, each described once: how it is computed of predictions, printed and explained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports import formats
from reports.statistics.scores import BINS, Grouped, Score, Sums, balanced_accuracy, ece, macro_f1, mean
from reports.table import TableColumn

#: What papers are told of intervals.
INTERVALS = "In parentheses: 95 % confidence intervals, clustered by subject and by training run."
#: Why methods are not ranked by their ECE.
UNRANKED = (
    "Methods are not ranked by ECE: it was not measured after temperature scaling on held-out training subjects, and "
    "one parameter that is fitted after training changes it without changing any answer."
)
_ECE = (
    f"ECE, the expected calibration error, is the mean of |confidence {formats.MINUS} accuracy| over {BINS} equally "
    "wide bins of the predicted class's confidence, weighted by scans (Guo et al. 2017); it is biased upward in bins "
    "of few scans. Lower is better."
)
_BRIER = (
    "The Brier score is the sum over expressions of the squared error of their probabilities (0 to 2). Lower is better."
)
#: What papers are told of calibration.
CALIBRATION = (
    "ECE: expected calibration error, not ranked, because it was not measured after temperature scaling; lower is "
    "better for the Brier score (0 to 2)."
)
#: Of a score, beside itself: its interval over subjects and trainings, mean and standard deviation over folds.
PARTS = ("", "_low", "_high", "_mean", "_sd")


@dataclass(frozen=True, kw_only=True)
class ScoreColumn:
    """A score.

    Attributes:
        column: how it is printed, and which is better.
        sums: what it is computed from, of grouped predictions.
        score: it, of sums.
        first: whether it stands in the comparison itself, not among the details.
        most: the largest value that it can have.
        ranked: whether its best is marked.
    """

    column: TableColumn
    sums: Callable[[Grouped], Sums]
    score: Score = mean
    first: bool = False
    most: float = 1.0
    ranked: bool = True


def scores(classes: Sequence[str]) -> list[ScoreColumn]:
    """The scores of methods that tell these classes apart, in the order of all tables. A new one is an entry here."""
    return [
        ScoreColumn(column=_share("accuracy", "Accuracy", importance=10), sums=lambda of: of.hits, first=True),
        ScoreColumn(
            column=_share("macro_f1", "Macro-F1", importance=8),
            sums=lambda of: of.confusions,
            score=macro_f1,
            first=True,
        ),
        ScoreColumn(
            column=_share(
                "balanced_accuracy", "Balanced accuracy", note="Balanced accuracy is the mean of all recalls."
            ),
            sums=lambda of: of.confusions,
            score=balanced_accuracy,
        ),
        *(_recall(name) for name in classes),
        ScoreColumn(column=_error("ece", "ECE", note=_ECE), sums=lambda of: of.confidences, score=ece, ranked=False),
        ScoreColumn(column=_error("brier", "Brier score", note=_BRIER), sums=lambda of: of.brier, most=2.0),
    ]


def _share(key: str, title: str, *, brackets: str = "95 %", note: str = "", importance: int = 0) -> TableColumn:
    return TableColumn(
        key=key,
        title=title,
        unit="%",
        format=formats.percent,
        ends=(f"{key}_low", f"{key}_high"),
        brackets=brackets,
        note=note,
        importance=importance,
    )


def _recall(name: str) -> ScoreColumn:
    note = "Recall is the share of an expression's scans that are correctly classified."
    column = _share(f"recall_{name}", f"Recall of {name}", brackets="", note=note)
    return ScoreColumn(column=column, sums=lambda of: of.of_class(name))


def _error(key: str, title: str, *, note: str) -> TableColumn:
    ends = (f"{key}_low", f"{key}_high")
    return TableColumn(
        key=key, title=title, format=formats.decimal, better="lower", ends=ends, brackets="95 %", note=note
    )
