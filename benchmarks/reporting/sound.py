"""Stored runs as far as they can be read, and one below the other as tables.

What is damaged or missing in one is told, and costs nothing of the others.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
from safetensors import SafetensorError

from afnetm.zipped import BROKEN
from benchmarks.records.manifest import ListedRun
from benchmarks.records.store import DamagedError, Store
from benchmarks.reporting.evidence import Map, importance, maps
from reports.data.usable import LeftOut
from reports.formats import in_a_line
from reports.schema import CURVES, PREDICTIONS, Column, probabilities

#: What reading a damaged file raises, each library its own.
DAMAGED = (OSError, ValueError, KeyError, TypeError, pa.ArrowException, SafetensorError, *BROKEN)
#: What a result must have to be reported.
_NEEDED = ("seed", "n_train", "n_test", "accuracy", "macro_f1")
#: What it may lack: measured or counted.
_MEASURED = ("parameters", "flops", "seconds", "test_seconds", "peak_memory")
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Sound:
    """Usable part of a record.

    Attributes:
        result: ``result.json``; what of `_MEASURED` is not finite is None.
        predictions: with the weights of the streams as ``texture`` and ``depth``, where there are any.
        curves: None where there is none that can be read.
        maps: attention and Grad-CAM, the mean over scans, by kind and stream.
        left_out: parts that cannot be used.
    """

    result: Mapping[str, Any]
    predictions: pa.Table
    curves: pa.Table | None
    maps: Mapping[tuple[str, str], Map]
    left_out: list[LeftOut] = field(default_factory=list)


def read_sound(listed: ListedRun, store: Store) -> Sound | LeftOut:
    """The record of a run as far as it can be used, or why none of it can."""
    of = partial(LeftOut, method=listed.method, repeat=listed.repeat, fold=listed.fold)
    folder = store.folder(listed.key)
    try:
        result = store.result(listed.key)
        for name in _NEEDED:
            if not _finite(result[name]):
                return of(reason=f"its {name} is {result[name]!r}")
        predictions = store.predictions(listed.key)
        shares = dict.fromkeys(probabilities(predictions.column_names), Column(kind="number"))
        predictions = _typed(predictions, {**PREDICTIONS, **shares})
    except DAMAGED as error:
        return of(reason=f"its record is damaged: {message(error)}")
    left_out: list[LeftOut] = []

    def part(what: str, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except DAMAGED as error:
            left_out.append(of(what=what, reason=f"it cannot be read: {message(error)}"))
            return None

    curves = part("learning curve", lambda: _typed(store.curves(listed.key), CURVES))
    weights = part("weights of the streams", lambda: importance(folder, scans=predictions.num_rows))
    for name, values in (weights or {}).items():
        predictions = predictions.append_column(name, pa.array(values))
    for name in _MEASURED:
        if result.get(name) is not None and not _finite(result[name]):
            left_out.append(of(what=name, reason=f"it is {result[name]!r}"))
            result[name] = None
    found = part("attention and Grad-CAM", lambda: maps(folder, result)) or {}
    return Sound(result, predictions, curves, found, left_out)


def reason(store: Store, key: str) -> str:
    """Reason of a run's failure, as far as that can be read."""
    try:
        return store.reason(key)
    except DAMAGED:
        return "unknown: what was recorded of it cannot be read"


@dataclass(frozen=True, eq=False)
class Gathered:
    """Tables and files read from finished runs.

    Attributes:
        records: each with its run.
        predictions: of all of them, each row saying whose it is.
        curves: the same.
        left_out: of others, or of these, what cannot be used.
    """

    records: list[tuple[ListedRun, Sound]]
    predictions: pd.DataFrame
    curves: pd.DataFrame
    left_out: list[LeftOut]

    def without(self, bad: Mapping[str, str]) -> "Gathered":
        """The same but for the runs that are `bad`, for these reasons."""
        if not bad:
            return self
        gone = [
            LeftOut(method=listed.method, repeat=listed.repeat, fold=listed.fold, reason=bad[listed.key])
            for listed, _ in self.records
            if listed.key in bad
        ]
        runs = {one.place for one in gone}
        frames = (
            frame if frame.empty else frame[~frame["unit"].isin(list(bad))] for frame in (self.predictions, self.curves)
        )
        predictions, curves = (frame.reset_index(drop=True) for frame in frames)
        others = [one for one in self.left_out if one.place not in runs]
        return Gathered([one for one in self.records if one[0].key not in bad], predictions, curves, [*gone, *others])


def gathered(records: list[tuple[ListedRun, Sound]], lost: Sequence[LeftOut] = ()) -> Gathered:
    """Records, each with its run, and what of others is `lost`."""
    predictions = _gather([(listed, one.predictions) for listed, one in records])
    curves = _gather([(listed, one.curves) for listed, one in records if one.curves is not None])
    return Gathered(records, predictions, curves, [*lost, *(part for _, one in records for part in one.left_out)])


def where(listed: ListedRun) -> dict[str, Any]:
    """Columns that identify a row, in every table the same."""
    return {"unit": listed.key, "method": listed.method, "repeat": listed.repeat, "fold": listed.fold}


def _gather(tables: Sequence[tuple[ListedRun, pa.Table]]) -> pd.DataFrame:
    """One table of every record, one below the other, each row saying whose it is."""
    if not tables:
        return pd.DataFrame()
    lengths = [table.num_rows for _, table in tables]
    whole: pd.DataFrame = pa.concat_tables([table for _, table in tables], promote_options="permissive").to_pandas(
        ignore_metadata=True
    )
    for column in ("unit", "method", "repeat", "fold"):
        values = pd.Series([where(listed)[column] for listed, _ in tables])
        whole[column] = values.repeat(lengths).to_numpy()
    return whole


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _typed(table: pa.Table, columns: Mapping[str, Column]) -> pa.Table:
    """The table if what is there of `columns` is of its kind, as columns without any value are then.

    Raises:
        ValueError: it is not.
    """
    for place, of in enumerate(table.schema):
        column = columns.get(of.name)
        is_text = pa.types.is_string(of.type) or pa.types.is_large_string(of.type)
        if pa.types.is_null(of.type):
            kind = pa.string() if column is not None and column.kind == "name" else pa.float64()
            table = table.set_column(place, of.name, pa.nulls(table.num_rows, kind))
        elif column is not None and is_text != (column.kind == "name"):
            raise ValueError(f"column {of.name!r} is {of.type}")
    return table


def message(error: BaseException) -> str:
    """An error in a few words that hold no path."""
    if isinstance(error, DamagedError) and error.__cause__:
        error = error.__cause__
    if isinstance(error, FileNotFoundError):
        return "a file is missing"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, json.JSONDecodeError):
        return "no JSON"
    return in_a_line(f"{type(error).__name__}: {error}", 120)
