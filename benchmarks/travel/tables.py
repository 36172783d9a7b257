"""Tables and arrays from elsewhere: a record's files, read from bytes and held to what records have.

Neither parquet nor CSV nor safetensors can hold code, and none is asked for its own idea of types: what is asked for is
columns of text and numbers. Who opens them must not be made to unpack much more than was sent, so that parquet may have
as many rows as the result says and no compression but its usual one, whose gain is small.
"""

import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from afnetm.errors import UserError
from benchmarks.store import Evidence
from reports.pseudonyms import PREFIXES, is_pseudonym
from reports.schema import CURVES, PREDICTIONS, Column, ReportError, checked

_PLACE = ("unit", "method", "repeat", "fold")
_PREDICTIONS = {name: column for name, column in PREDICTIONS.items() if name not in _PLACE}
_CURVES = {name: column for name, column in CURVES.items() if name not in _PLACE}
_TEXT = [name for name, column in _PREDICTIONS.items() if column.kind == "name"]
_NUMBER = Column(kind="number")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
_MAX_TEXT = 1000  # characters of a subject's or a scan's name
_MAX_TENSORS = 100_000

Arrays = dict[str, NDArray[Any]]


def read_predictions(data: bytes, where: str, *, scans: int, pseudonyms: bool) -> pd.DataFrame:
    """``predictions.parquet``: `scans` rows of `reports.schema.PREDICTIONS`, without the columns that say whose.

    Args:
        data: the file.
        where: what errors call it.
        scans: how many rows it must have.
        pseudonyms: whether subjects and scans must have pseudonyms.

    Raises:
        UserError: it is something else.
    """
    try:
        # As dictionaries, so that one long text in very many rows is one long text.
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=_TEXT, arrow_extensions_enabled=False)
        _check_packing(file, where, scans=scans)
        table = file.read()
        columns = {name: _column(table[name], f"{where}: column {name!r}") for name in table.column_names}
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: not parquet that can be read: {_line(error)}") from None
    frame = pd.DataFrame(columns)
    _check(frame, _PREDICTIONS, where, key="scan")
    for column in PREFIXES if pseudonyms else ():
        named = next((word for word in frame[column].unique() if not is_pseudonym(word, column=column)), None)
        if named is not None:
            raise UserError(f"{where}: column {column!r} has {named!r}, allowed are pseudonyms")
    return frame


def read_curves(data: bytes, where: str) -> pd.DataFrame:
    """``curves.csv``: a row an epoch of `reports.schema.CURVES`; raises `UserError` where it is something else."""
    try:
        frame = pd.read_csv(io.BytesIO(data), float_precision="round_trip", encoding="utf-8")
    except (ValueError, OverflowError) as error:  # pandas' own are kinds of these
        raise UserError(f"{where}: not CSV that can be read: {_line(error)}") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise UserError(f"{where}: rows with more cells than there are columns")
    _check(frame, _CURVES, where, key="epoch")
    return frame


def read_extras(data: bytes, where: str, *, scans: int) -> Arrays:
    """``extras.safetensors``: float32 arrays ``(scans, ...)`` in 0..1; raises `UserError` where it is otherwise."""
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


def _check_packing(file: pq.ParquetFile, where: str, *, scans: int) -> None:
    found = file.metadata
    if found.num_rows != scans:
        raise UserError(f"{where}: {found.num_rows} rows, the result says n_test = {scans}")
    names = [file.schema.column(index).path for index in range(found.num_columns)]
    if set(_PREDICTIONS) - set(names) or len(set(names)) != len(names) or not all(map(_COLUMN.fullmatch, names)):
        raise UserError(f"{where}: its columns are {', '.join(names)[:300]!a}; needed: {', '.join(_PREDICTIONS)}")
    groups = [found.row_group(index) for index in range(found.num_row_groups)]
    packed = {group.column(index).compression for group in groups for index in range(group.num_columns)}
    if packed - {"SNAPPY", "UNCOMPRESSED"}:
        raise UserError(f"{where}: packed by {', '.join(sorted(packed))}; SNAPPY and UNCOMPRESSED are allowed")


def _column(column: "pa.ChunkedArray[Any]", where: str) -> "pd.Series[Any]":
    """A column of text or numbers as pandas has it when it is its own."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        words = [chunk.dictionary if pa.types.is_dictionary(column.type) else chunk for chunk in column.chunks]
        if any((pc.max(pc.binary_length(chunk)).as_py() or 0) > 4 * _MAX_TEXT for chunk in words):
            raise UserError(f"{where} has a text of more than {_MAX_TEXT} characters")
        return pd.Series(column.cast(pa.large_string()).to_pandas(), dtype="str")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pd.Series(column.to_numpy())
    raise UserError(f"{where} has type {kind}, allowed are text, integers and floating-point numbers")


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
        raise UserError(f"{where}: not safetensors that can be read: {_line(error)}") from None
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


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0][:300]
