"""The comparison of methods: every score with its spread and its interval, and what methods cost."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from reports.data.results import Results
from reports.schema import EXPRESSIONS
from reports.statistics.bootstrap import interval
from reports.statistics.confidence import brier_sums, ece, ece_sums
from reports.statistics.scores import (
    Score,
    Sums,
    balanced_accuracy,
    confusions,
    macro_f1,
    mean,
    of_class,
    right_and_all,
)

RECALLS = [f"recall_{expression}" for expression in EXPRESSIONS]
#: Each score of sums over scans; the lowest of `ERRORS` is the best, the highest of the others.
SCORES: Mapping[str, Score] = {
    **{"accuracy": mean, "macro_f1": macro_f1, "balanced_accuracy": balanced_accuracy},
    **dict.fromkeys(RECALLS, mean),
    **{"ece": ece, "brier": mean},
}
ERRORS = ("ece", "brier")
#: The scores that `reports.tables.formatted.displayed` has no room for, and their columns in a file of their own.
DETAILED = [name for name in SCORES if name not in {"accuracy", "macro_f1"}]
DETAILS = [
    *("method", "units"),
    *(f"{name}{end}" for name in DETAILED for end in ("", "_low", "_high", "_mean", "_sd")),
]


def comparison(results: Results) -> pd.DataFrame:
    """One row a method with finished runs, in the suite's order.

    Scores are over all tested scans, pooled over folds and repeats; ``*_low``, ``*_high`` are the 95 % intervals of
    these over resampled subjects (`reports.statistics.bootstrap`). ``*_mean`` and ``*_sd`` are the mean and the
    standard deviation (n - 1) of the folds' own scores, as papers give them; these means differ a little from the
    pooled scores where folds differ in size, and those of scores that are not linear, macro-F1, say, or ECE, more.

    Columns:
        method, units (finished), then accuracy, accuracy_low, accuracy_high, accuracy_mean, accuracy_sd, and the same
        five of macro_f1, balanced_accuracy, recall_anger ... recall_surprise (all shares of 1), ece (0..1,
        `reports.statistics.confidence`) and brier (0..2, summed over classes). NaN where a fold or a resample has no
        scan of the class, or probabilities are not known.
        difference, difference_low, difference_high: accuracy minus the control's over the folds that both have, paired
        by subject (NaN for the control itself).
        parameters and flops (medians, integers), seconds (mean of a run's training and test), train_seconds (of its
        training alone), test_milliseconds (a tested scan), peak_memory (bytes, the most of any run); NaN if unknown.
    """
    rows = []
    grouped = dict(list(results.predictions.groupby("method")))
    for method in results.methods:
        folds = results.folds[results.folds["method"] == method]
        row: dict[str, object] = {"method": method, "units": len(folds)} | _scored(folds, grouped[method])
        gap = results.pairing.pair(method, results.control).accuracy
        row |= {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
        row |= {name: _median(folds[name]) for name in ("parameters", "flops")}
        row |= {name: folds[name].mean() for name in ("seconds", "train_seconds")}
        timed = folds[folds["test_seconds"].notna()]
        row["test_milliseconds"] = timed["test_seconds"].sum(min_count=1) * 1e3 / max(timed["n_test"].sum(), 1)
        rows.append(row | {"peak_memory": folds["peak_memory"].max()})
    return pd.DataFrame(rows)


def _median(counts: "pd.Series[float]") -> float:
    known = counts.dropna()
    return int(known.median()) if len(known) else np.nan


def _scored(folds: pd.DataFrame, predictions: pd.DataFrame) -> dict[str, object]:
    """The scores of one method, each with its interval over subjects and its mean and spread over folds."""
    over_subjects = _sums(predictions, sorted(predictions["subject"].unique()), by="subject")
    over_folds = _sums(predictions, folds["unit"].tolist(), by="unit")
    found: dict[str, object] = {}
    for name, score in SCORES.items():
        whole = interval(over_subjects[name], score)
        own = folds[name] if name in folds else pd.Series(score(over_folds[name]))
        found |= {name: whole.value, f"{name}_low": whole.low, f"{name}_high": whole.high}
        found |= {f"{name}_mean": own.mean(), f"{name}_sd": own.std(ddof=1)}
    return found


def _sums(predictions: pd.DataFrame, groups: Sequence[str], *, by: str) -> dict[str, Sums]:
    """What each of `SCORES` is computed from, a row a group of scans."""
    counts = confusions(predictions, groups, by=by)
    return {
        **{"accuracy": right_and_all(counts), "macro_f1": counts, "balanced_accuracy": counts},
        **{name: of_class(counts, index) for index, name in enumerate(RECALLS)},
        **{"ece": ece_sums(predictions, groups, by=by), "brier": brier_sums(predictions, groups, by=by)},
    }
