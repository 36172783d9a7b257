"""Stored predictions beside a comparison, of which ensembles are made: of inner folds, and of default settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from reports.data.spelling import classes_of
from reports.schema import Column, ReportError, checked, predictions_of

_OUTER = Column(kind="integer", low=-1)


@dataclass(frozen=True, kw_only=True)
class StoredPredictions:
    """Predictions beside those of a comparison; both tables have the columns of `Results.predictions`.

    Attributes:
        inner: of each method's best trial on the test scans of its search's inner folds; repeat and fold are the outer
            fold that was searched for, -1 each where one search is for all. Empty where nothing was searched, or these
            runs are gone.
        defaults: of each method with the suite's own settings on the outer folds; empty where it was not tuned, or
            these runs were never trained.
        lacking: why either may not be whole, and how it is made so, in a sentence: of ``"inner"``, of ``"defaults"``.

    Raises:
        ReportError: a table breaks its schema, or a subject of an inner fold is tested by what was chosen on it.
    """

    inner: pd.DataFrame = field(default_factory=pd.DataFrame)
    defaults: pd.DataFrame = field(default_factory=pd.DataFrame)
    lacking: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("inner", "defaults"):
            frame: pd.DataFrame = getattr(self, name)
            if not frame.empty:
                columns = {**predictions_of(classes_of(frame)), "repeat": _OUTER, "fold": _OUTER}
                frame = checked(name, frame, columns, key=("method", "repeat", "fold", "scan"))
                object.__setattr__(self, name, frame)


def check_inner(inner: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Raises `ReportError` where a subject of an inner fold is tested by what is chosen on it."""
    if inner.empty:
        return
    tested = predictions[["repeat", "fold", "subject"]].drop_duplicates()
    chosen_on = inner[["repeat", "fold", "subject"]].drop_duplicates()
    for_all = chosen_on.loc[chosen_on["fold"] < 0, "subject"]
    both = pd.concat([tested.merge(chosen_on), tested[tested["subject"].isin(for_all)]])
    if not both.empty:
        where = f"repeat {both['repeat'].iloc[0]}, fold {both['fold'].iloc[0]}"
        raise ReportError(f"inner: a subject who is tested in {where} is in its inner folds, allowed are others")
