"""Removal of results that no report can use: they are left out, named, and the rest is reported."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.data.consistency import check_scores, check_units
from reports.data.spelling import classes_of
from reports.schema import CURVES, FOLDS, ReportError, checked, predictions_of, probabilities

#: All of a training and its test.
UNIT = "the whole fold"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Something that is left out.

    Attributes:
        method: whose it is.
        repeat: of which training; None where it is of all of the method's.
        fold: the same.
        what: `UNIT`, or what part of it: ``"probabilities"``, ``"learning curve"``.
        reason: why it cannot be used, a clause that names nobody.
    """

    method: str
    repeat: int | None = None
    fold: int | None = None
    what: str = UNIT
    reason: str

    @property
    def place(self) -> str:
        """Method and training of a run, in words."""
        return self.method if self.fold is None else f"{self.method}, repeat {self.repeat}, fold {self.fold}"


def diverged(predictions: pd.DataFrame, curves: pd.DataFrame) -> dict[str, str]:
    """Reasons of diverged runs, by run: a loss that is not finite, or probabilities that are not.

    What such a network answers is no result: every answer is the first class, and the accuracy that of guessing.

    Args:
        predictions: ``unit``, and probabilities where there are any; those of a run all NaN are taken as diverged.
        curves: ``unit``, ``epoch``, and numbers; may be empty.
    """
    found: dict[str, str] = {}
    if shares := probabilities(predictions):
        lost = ~np.isfinite(predictions[shares].to_numpy(dtype=np.float64, na_value=np.nan)).all(axis=1)
        counts = pd.DataFrame({"unit": predictions["unit"], "lost": lost}).groupby("unit")["lost"].agg(["sum", "size"])
        for run, row in counts[counts["sum"] > 0].iterrows():
            found[str(run)] = f"its probabilities are not finite in {row['sum']} of {row['size']} scans"
    if not curves.empty:
        values = curves[["loss", "accuracy", "learning_rate"]].apply(pd.to_numeric, errors="coerce")
        lost = ~np.isfinite(values.to_numpy(dtype=np.float64, na_value=np.nan)).all(axis=1)
        for run, epoch in curves[lost].groupby("unit")["epoch"].min().items():
            found[str(run)] = f"its training diverged: the loss is not finite from epoch {epoch} on"
    return found


def faults(folds: pd.DataFrame, predictions: pd.DataFrame, curves: pd.DataFrame) -> dict[str, str]:
    """Faults of runs by themselves, by run; found by halving, as hardly any are faulty.

    Nothing of runs that contradict one another alone: which of them is wrong nobody knows.
    """

    def search(runs: Sequence[str]) -> Iterable[tuple[str, str]]:
        try:
            _check(*(frame[frame["unit"].isin(runs)] for frame in (folds, predictions, curves)))
        except ReportError as error:
            if len(runs) == 1:
                yield runs[0], str(error)
            else:
                half = len(runs) // 2
                yield from search(runs[:half])
                yield from search(runs[half:])

    return dict(search(folds["unit"].tolist()))


def _check(folds: pd.DataFrame, predictions: pd.DataFrame, curves: pd.DataFrame) -> None:
    folds = checked("folds", folds, FOLDS, key=("method", "repeat", "fold"))
    predictions = checked("predictions", predictions, predictions_of(classes_of(predictions)), key=("unit", "scan"))
    if not curves.empty:
        curves = checked("curves", curves, CURVES, key=("unit", "epoch"))
        check_units(folds, predictions, curves)
    check_scores(folds, predictions)
