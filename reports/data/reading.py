"""Tables from files that anyone may have written: CSV, or Parquet, by the file's ending.

Neither can hold anything that runs. Of Parquet only the columns that are asked for are read, and what pandas or Arrow
noted beside them (index, extension types) is left aside.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reports.formats import in_a_line
from reports.markup import unguarded
from reports.schema import Column, ReportError

#: A few bytes of Parquet may unpack to very many rows.
MOST_ROWS = 20_000_000
_EMPTY = ("", "nan", "NaN")
#: What the readers raise, each of its own, on files that are damaged or something else.
_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError, NotImplementedError)


def read_table(path: Path, columns: Mapping[str, Column]) -> tuple[pd.DataFrame, str]:
    """The columns that a file has of `columns`, of their kind but not checked otherwise, and the file's SHA-256.

    Cells of CSV that are empty or ``nan`` are NaN in columns of numbers. Whole numbers are taken for names.

    Raises:
        ReportError: there is no such file, its ending is another, it is no such file, or text stands for a number.
    """
    if (read := _READERS.get(path.suffix.lower())) is None:
        raise ReportError(f"{str(path)!r} ends in {path.suffix!r}, allowed are {' and '.join(_READERS)}")
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ReportError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not data:
        raise ReportError(f"{str(path)!r} is empty, allowed is a table")
    try:
        frame = read(data, columns)
    except _UNREADABLE as error:
        kind, why = path.suffix.lower()[1:], in_a_line(str(error))
        raise ReportError(f"{str(path)!r} is not {kind} that can be read: {why or type(error).__name__}") from None
    typed = [_typed(f"{path.name}: column {name!r}", values, columns[str(name)]) for name, values in frame.items()]
    return pd.concat(typed, axis=1) if typed else frame, hashlib.sha256(data).hexdigest()


def _csv(data: bytes, columns: Mapping[str, Column]) -> pd.DataFrame:
    # The head is read as a row like any other, so that a column that is there twice is seen, and a longer row refused.
    text = pd.read_csv(io.BytesIO(data), header=None, dtype="str", na_filter=False, encoding="utf-8-sig")
    frame = text.iloc[1:].set_axis(text.iloc[0].tolist(), axis=1).reset_index(drop=True)
    return frame.loc[:, frame.columns.isin(list(columns))]


def _parquet(data: bytes, columns: Mapping[str, Column]) -> pd.DataFrame:
    with pq.ParquetFile(pa.BufferReader(data), arrow_extensions_enabled=False) as file:
        if file.metadata.num_rows > MOST_ROWS:
            raise ValueError(f"{file.metadata.num_rows} rows, allowed are {MOST_ROWS}")
        table = file.read(columns=[name for name in file.schema_arrow.names if name in columns])
    table.validate(full=True)  # text that is no UTF-8 would be found out wherever it is first looked at
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
    return frame


_READERS = {".csv": _csv, ".parquet": _parquet}


def _typed(where: str, values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    """Text where names stand, and numbers where text stands for them; the rest as it is, for the schema to judge."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if column.kind == "name":
        if pd.api.types.is_integer_dtype(values):
            return values.astype("str")
        return unguarded(values) if pd.api.types.is_string_dtype(values) else values
    if not pd.api.types.is_string_dtype(values):
        return values
    empty = values.isna() | values.isin(_EMPTY)
    numbers = pd.to_numeric(values.mask(empty), errors="coerce")
    if (bad := numbers.isna() & ~empty).any():
        row = int(np.argmax(bad))
        raise ReportError(f"{where} is {values.iloc[row]!r} in row {row}, allowed is {column.kind}")
    return numbers
