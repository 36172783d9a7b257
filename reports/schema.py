"""Schemas of the tables of results, and the check of a table against one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

#: What the columns of classes' probabilities start with: ``p_fear``.
PROBABILITY = "p_"


class ReportError(ValueError):
    """Results that no report can be made of: one line that names table, column, value and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """Column of a table: its kind, the closed range of its numbers, or the names it may take.

    An `optional` one holds numbers, may lack some of them (NaN) and may itself be missing. Integers with gaps among
    them are floats.
    """

    kind: Literal["name", "integer", "number"]
    low: float = -np.inf
    high: float = np.inf
    allowed: Sequence[str] | None = None
    optional: bool = False


_NAME = Column(kind="name")
_COUNT = Column(kind="integer", low=0)
_SHARE = Column(kind="number", low=0.0, high=1.0)
_MEASURED = Column(kind="number", low=0.0, optional=True)
_COUNTED = Column(kind="integer", low=0, optional=True)
_PROBABILITY = Column(kind="number", low=0.0, high=1.0, optional=True)
_UNIT = {"unit": _NAME, "method": _NAME, "repeat": _COUNT, "fold": _COUNT}

#: A row is a finished run: one training and its test.
FOLDS: Mapping[str, Column] = {
    "suite": _NAME,
    "method": _NAME,
    "repeat": _COUNT,
    "fold": _COUNT,
    "seed": Column(kind="integer", optional=True),
    "unit": _NAME,
    "n_train": Column(kind="integer", low=1),
    "n_test": Column(kind="integer", low=1),
    "accuracy": _SHARE,
    "macro_f1": _SHARE,
    "seconds": _MEASURED,
    "parameters": _COUNTED,
    "flops": _COUNTED,
    "train_seconds": _MEASURED,
    "test_seconds": _MEASURED,
    "peak_memory": _MEASURED,
}

#: A row is a scan that a run tested; `predictions_of` has the probabilities as well.
PREDICTIONS: Mapping[str, Column] = {
    **_UNIT,
    "scan": _NAME,
    "subject": _NAME,
    "expression": _NAME,
    "intensity": Column(kind="integer", low=0, high=4),
    "predicted": _NAME,
}

#: A row is a subject's scans in a training, under one corruption of one severity: how many there are, how many were
#: right, and what their confidences, and the weights that a method gave texture, add up to.
EVALUATIONS: Mapping[str, Column] = {
    "method": _NAME,
    "repeat": _COUNT,
    "fold": _COUNT,
    "subject": _NAME,
    "corruption": _NAME,
    "severity": Column(kind="integer", low=1),
    "scans": Column(kind="integer", low=1),
    "hits": _COUNT,
    "confidence": _MEASURED,
    "texture": _MEASURED,
}

#: A row is the scans of a method, under one corruption of one severity, whose confidence is in one bin
#: (`reports.statistics.scores.bins`): how many there are, how many were right, and what their confidences add up to.
CALIBRATION: Mapping[str, Column] = {
    "method": _NAME,
    "corruption": _NAME,
    "severity": Column(kind="integer", low=1),
    "bin": _COUNT,
    "scans": Column(kind="integer", low=1),
    "hits": _COUNT,
    "confidence": _MEASURED,
}

#: A row is a subject's scans in another dataset, tested by a training: how many there are, how many were right, and
#: what their confidences add up to.
CROSS_DATASET: Mapping[str, Column] = {
    "method": _NAME,
    "repeat": _COUNT,
    "fold": _COUNT,
    "subject": _NAME,
    "dataset": _NAME,
    "scans": Column(kind="integer", low=1),
    "hits": _COUNT,
    "confidence": _MEASURED,
}

#: A row is a corruption of one severity: what it is called, what group it is in, and how strong it is.
CORRUPTIONS: Mapping[str, Column] = {
    "corruption": _NAME,
    "title": _NAME,
    "group": _NAME,
    "severity": Column(kind="integer", low=1),
    "value": Column(kind="number"),
}

#: A row is an epoch of a run.
CURVES: Mapping[str, Column] = {
    **_UNIT,
    "epoch": _COUNT,
    "loss": Column(kind="number"),
    "accuracy": _SHARE,
    "learning_rate": Column(kind="number", low=0.0),
}

#: A row is a study that chose something: the search of a method's settings for one outer fold, or for all.
STUDIES: Mapping[str, Column] = {
    "study": _NAME,
    "method": _NAME,
    "repeat": Column(kind="integer", low=-1),
    "fold": Column(kind="integer", low=-1),
    "search": _COUNT,
    "complete": Column(kind="integer", low=1),
    "pruned": _COUNT,
    "failed": _COUNT,
    "runs": Column(kind="integer", low=1),
    "seconds": Column(kind="number", low=0.0),
    "best_trial": _COUNT,
    "best_value": _SHARE,
    "params": _NAME,
}

#: A row is a training of a study's best trial on an outer fold.
SELECTION: Mapping[str, Column] = {
    "method": _NAME,
    "repeat": _COUNT,
    "fold": _COUNT,
    "search": _COUNT,
    "reseed": _COUNT,
    "accuracy": _SHARE,
}

#: What the columns of recorded nuisance factors start with.
FACTOR = "nuisance_"

#: A row is a test scan of a run whose method weighs texture and depth.
IMPORTANCES: Mapping[str, Column] = {
    "method": _NAME,
    "repeat": _COUNT,
    "fold": _COUNT,
    "scan": _NAME,
    "texture": _SHARE,
    "depth": _SHARE,
}

#: A row is a cell of a map, the mean over the scans of each training and over trainings.
MAPS: Mapping[str, Column] = {
    "method": _NAME,
    "kind": Column(kind="name", allowed=("attention", "gradcam")),
    "stream": _NAME,
    "row": Column(kind="integer", low=0, high=63),
    "column": Column(kind="integer", low=0, high=63),
    "value": Column(kind="number"),
    "trainings": Column(kind="integer", low=1),
    "shift": Column(kind="number", low=0.0, high=0.5, optional=True),
}


def probabilities(columns: Iterable[object]) -> list[str]:
    """Those of `columns` that are probabilities of classes."""
    return [str(name) for name in columns if str(name).startswith(PROBABILITY)]


def predictions_of(classes: Sequence[str]) -> dict[str, Column]:
    """`PREDICTIONS` of these classes, each with its probability."""
    named = Column(kind="name", allowed=classes)
    shares = {f"{PROBABILITY}{name}": _PROBABILITY for name in classes}
    return {**PREDICTIONS, "expression": named, "predicted": named, **shares}


def nuisance_factors(frame: pd.DataFrame) -> dict[str, Column]:
    """The columns of a table of recorded nuisance factors: the scan, and whatever starts with `FACTOR`."""
    return {"scan": _NAME, **{name: Column(kind="number") for name in frame.columns if str(name).startswith(FACTOR)}}


def checked(table: str, frame: pd.DataFrame, columns: Mapping[str, Column], *, key: Sequence[str]) -> pd.DataFrame:
    """A copy of `frame` with exactly `columns`, in plain types (str, int64, float64), its rows sorted by `key`.

    Columns that nobody asked for are left out; optional ones that are missing are filled with NaN.

    Raises:
        ReportError: a column is missing, there twice, of another type, empty somewhere or out of range; a key is there
            twice.
    """
    lacking = [name for name, column in columns.items() if column.optional and name not in frame.columns]
    frame = frame.assign(**dict.fromkeys(lacking, np.nan))
    present = list(frame.columns)
    for name in columns:
        if present.count(name) != 1:
            fault = "is missing" if name not in present else f"is there {present.count(name)} times"
            needed = ", ".join(one for one, column in columns.items() if not column.optional)
            raise ReportError(f"{table}: column {name!r} {fault}; needed once each: {needed}")
    plain = pd.DataFrame({name: _values(f"{table}: column {name!r}", frame[name], columns[name]) for name in columns})
    twice = plain.duplicated(list(key))
    if twice.any():
        value = ", ".join(str(part) for part in plain.loc[twice, list(key)].iloc[0])
        raise ReportError(f"{table}: ({', '.join(key)}) = ({value}) is there more than once, allowed is once")
    return plain.sort_values(list(key), kind="stable", ignore_index=True)


def _values(where: str, values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    values = values.reset_index(drop=True)
    if column.optional:
        known = values.dropna().infer_objects()
        known = _numbers(where, _whole(known) if column.kind == "integer" else known, column)
        return known if len(known) == len(values) else known.reindex(values.index).astype("float64")
    if (missing := values.isna()).any():
        raise ReportError(f"{where} is empty (NaN) in row {missing.idxmax()}, allowed is a value in every row")
    return _names(where, values, column) if column.kind == "name" else _numbers(where, values, column)


def _whole(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Integers again, where a gap among them has made floats of them."""
    made = pd.api.types.is_float_dtype(values) and bool((values.abs().lt(2**53) & (values % 1.0 == 0.0)).all())
    return values.astype("int64") if made else values


def _numbers(where: str, values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    is_integer = values.empty or pd.api.types.is_integer_dtype(values)
    if not (is_integer or (column.kind == "number" and pd.api.types.is_float_dtype(values))):
        raise ReportError(f"{where} has type {values.dtype}, allowed is {column.kind}")
    numbers = values.astype("int64" if column.kind == "integer" else "float64")
    bad = ~(numbers.between(column.low, column.high) & numbers.abs().lt(np.inf))
    if bad.any():
        low = f" from {column.low:g}" if column.low > -np.inf else ""
        high = f" to {column.high:g}" if column.high < np.inf else ""
        allowed = f"a finite {column.kind}{low}{high}"
        raise ReportError(f"{where} is {numbers[bad].iloc[0]} in row {bad.idxmax()}, allowed is {allowed}")
    return numbers


def _names(where: str, values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    if not (values.empty or pd.api.types.is_string_dtype(values)):
        raise ReportError(f"{where} has type {values.dtype}, allowed is text")
    for value in values.unique():
        if column.allowed is not None and value not in column.allowed:
            raise ReportError(f"{where} is {value!r}, allowed are {', '.join(column.allowed)}")
        if not value or not value.isprintable():
            raise ReportError(f"{where} is {value!r}, allowed is printable text, not empty")
    return values.astype("str")
