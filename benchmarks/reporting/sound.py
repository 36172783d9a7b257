"""Records as far as they can be read: what is damaged or missing in one is told, and costs nothing of the others."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
from safetensors import SafetensorError

from benchmarks.records.manifest import ListedRun
from benchmarks.records.store import Store
from benchmarks.reporting.evidence import Map, importance, maps
from reports.data.left_out import LeftOut
from reports.formats import in_a_line
from reports.schema import CURVES, PREDICTIONS, Column, probabilities

#: What reading a damaged file raises, each library its own.
DAMAGED = (OSError, ValueError, KeyError, TypeError, pa.ArrowException, SafetensorError)
#: What a result must have to be reported.
_NEEDED = ("seed", "n_train", "n_test", "accuracy", "macro_f1")
#: What it may lack: measured or counted.
_MEASURED = ("parameters", "flops", "seconds", "test_seconds", "peak_memory")
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Sound:
    """What can be used of a record.

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
        return of(reason=f"its record is damaged: {_message(error)}")
    left_out: list[LeftOut] = []

    def part(what: str, read: Callable[[], Found]) -> Found | None:
        try:
            return read()
        except DAMAGED as error:
            left_out.append(of(what=what, reason=f"it cannot be read: {_message(error)}"))
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
    """Why a run failed, as far as that can be read."""
    try:
        return store.reason(key)
    except DAMAGED:
        return "unknown: what was recorded of it cannot be read"


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


def _message(error: BaseException) -> str:
    """An error in a few words that hold no path."""
    if isinstance(error, FileNotFoundError):
        return "a file is missing"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, json.JSONDecodeError):
        return "no JSON"
    return in_a_line(f"{type(error).__name__}: {error}", 120)
