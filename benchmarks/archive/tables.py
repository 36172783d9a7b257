"""Tables and arrays from elsewhere: a record's files, read from bytes and held to what records have.

Tables travel as CSV: it takes nothing but text, and gives nothing but text and numbers. The reader of parquet, which
records have at home, was not made for files that mean harm: it ends the process on some that are merely damaged, and a
few bytes may unpack to very many. Safetensors are an array's plain bytes.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from afnetm.errors import UserError
from benchmarks.records.store import Evidence
from reports.data.pseudonyms import PREFIXES, is_pseudonym
from reports.formats import in_a_line
from reports.schema import CURVES, PREDICTIONS, Column, ReportError, checked

_PLACE = ("unit", "method", "repeat", "fold")
_PREDICTIONS = {name: replace(column, optional=False) for name, column in PREDICTIONS.items() if name not in _PLACE}
_CURVES = {name: column for name, column in CURVES.items() if name not in _PLACE}
_NUMBER = Column(kind="number")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
_MAX_TEXT = 1000  # characters of a name
_MAX_TENSORS = 100_000
_MAX_COLUMNS = 1000

Arrays = dict[str, NDArray[Any]]


def written(predictions: pd.DataFrame) -> bytes:
    """``predictions.csv`` of a record: every number with as many digits as it takes to be read as the same."""
    exact = {name: "float64" for name, kind in predictions.dtypes.items() if kind == np.float32}
    return predictions.astype(exact).to_csv(index=False, lineterminator="\n").encode()


def read_predictions(data: bytes, where: str, *, scans: int, pseudonyms: bool) -> pd.DataFrame:
    """``predictions.csv``: `scans` rows of `reports.schema.PREDICTIONS`, without the columns that say whose.

    Args:
        data: the file.
        where: what errors call it.
        scans: how many rows it must have.
        pseudonyms: whether subjects and scans must have pseudonyms.

    Raises:
        UserError: it is something else.
    """
    frame = _csv(data, where, _PREDICTIONS)
    _check(frame, _PREDICTIONS, where, key="scan")
    if len(frame) != scans:
        raise UserError(f"{where}: {len(frame)} rows, the result says n_test = {scans}")
    for column in PREFIXES:
        longest = max(frame[column].unique(), key=len)
        if len(longest) > _MAX_TEXT:
            raise UserError(f"{where}: column {column!r} has a text of {len(longest)} characters, allowed: {_MAX_TEXT}")
        named = next((word for word in frame[column].unique() if not is_pseudonym(word, column=column)), None)
        if pseudonyms and named is not None:
            raise UserError(f"{where}: column {column!r} has {named!r}, allowed are pseudonyms")
    for name in frame.select_dtypes("float64"):  # as it was, where nothing is lost
        single = frame[name].astype("float32")
        if (single == frame[name]).all():
            frame[name] = single
    return frame


def read_curves(data: bytes, where: str) -> pd.DataFrame:
    """``curves.csv``: a row an epoch of `reports.schema.CURVES`; raises `UserError` where it is something else."""
    frame = _csv(data, where, _CURVES)
    _check(frame, _CURVES, where, key="epoch")
    return frame


def read_auxiliary_outputs(data: bytes, where: str, *, scans: int) -> Arrays:
    """``auxiliary_outputs.safetensors``: float32 arrays ``(scans, ...)`` in 0..1; else raises `UserError`."""
    arrays = _arrays(data, where)
    for name, array in arrays.items():
        _check_share(array, f"{where}: {name}")
        if array.ndim < 2 or len(array) != scans or (name == "importance" and array.shape != (scans, 2)):
            allowed = f"({scans}, {'2' if name == 'importance' else '...'})"
            raise UserError(f"{where}: {name} has the shape {array.shape}, allowed is {allowed}")
    return arrays


def read_gradcam(data: bytes, where: str, *, scans: int) -> Evidence:
    """``gradcam.safetensors``: maps of some of the scans (`Evidence`); raises `UserError` where it is otherwise."""
    arrays = _arrays(data, where)
    rows = arrays.pop("rows", np.empty(0, np.int64))
    rising = rows.ndim == 1 and bool((np.diff(rows) > 0).all())
    if rows.dtype != np.int64 or not rising or not rows.size or rows[0] < 0 or rows[-1] >= scans:
        raise UserError(f"{where}: rows are not some of the {scans} predictions', each once, in their order")
    for name, array in arrays.items():
        _check_share(array, f"{where}: {name}")
        if array.ndim != 3 or len(array) != len(rows):
            raise UserError(f"{where}: {name} has the shape {array.shape}, allowed is ({len(rows)}, height, width)")
    return Evidence(rows, arrays)


def read_weights(data: bytes, where: str) -> Arrays:
    """``weights.safetensors``: arrays of finite numbers; raises `UserError` where it is otherwise."""
    arrays = _arrays(data, where)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise UserError(f"{where}: {name} has numbers that are not finite")
    return arrays


def _csv(data: bytes, where: str, columns: Mapping[str, Column]) -> pd.DataFrame:
    text = {name: "str" for name, column in columns.items() if column.kind == "name"}
    # In a name no word stands for an empty cell.
    empty = {name: ["", "nan"] for name in columns if name not in text}
    if (wide := data.partition(b"\n")[0].count(b",")) > _MAX_COLUMNS:
        raise UserError(f"{where}: {wide} columns (allowed: up to {_MAX_COLUMNS})")
    try:
        frame = pd.read_csv(
            io.BytesIO(data), encoding="utf-8", dtype=text, keep_default_na=False, na_values=empty, low_memory=False
        )
    except (ValueError, OverflowError) as error:  # pandas' own are kinds of these
        raise UserError(f"{where}: not CSV that can be read: {in_a_line(str(error))}") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise UserError(f"{where}: rows with more cells than there are columns")
    return frame


def _check(frame: pd.DataFrame, columns: dict[str, Column], where: str, *, key: str) -> None:
    """Raises `UserError` unless `frame` has these columns, and others only of numbers."""
    others = {str(name): _NUMBER for name in frame.columns if name not in columns}
    odd = next((name for name in others if not _COLUMN.fullmatch(name)), None)
    if odd is not None:
        raise UserError(f"{where}: column {odd[:80]!a}: not a name that a column has")
    try:
        checked(where, frame, {**columns, **others}, key=[key])
    except ReportError as error:
        raise UserError(str(error)) from None


def _arrays(data: bytes, where: str) -> Arrays:
    try:
        arrays: Arrays = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{where}: not safetensors that can be read: {in_a_line(str(error))}") from None
    if not 0 < len(arrays) <= _MAX_TENSORS:
        raise UserError(f"{where}: {len(arrays)} arrays (allowed: 1 to {_MAX_TENSORS})")
    for name in arrays:
        if not 0 < len(name) <= _MAX_TEXT or not name.isprintable():
            raise UserError(f"{where}: an array is called {name[:80]!a}, allowed is printable text")
    return arrays


def _check_share(array: NDArray[Any], where: str) -> None:
    """Raises `UserError` unless `array` holds float32 in 0..1; rounding may lift them a little."""
    if array.dtype != np.float32 or not array.size or not np.isfinite(array).all():
        raise UserError(f"{where} is not an array of finite float32")
    if array.min() < 0 or array.max() > 1 + 1e-6:
        raise UserError(f"{where} is from {array.min():g} to {array.max():g}, allowed is 0 to 1")
