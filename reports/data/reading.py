"""Tables from files that anyone may have written: text with separators, or Parquet, by the file's ending.

Neither can hold anything that runs. Of Parquet only the columns that are asked for are read, and what pandas or Arrow
noted beside them (index, extension types) is left aside. What is spelt otherwise than docs/results.md says is read
where it can mean one thing alone, and told; else it is refused.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reports.data.numbers import EMPTY, in_shares, numbers, whole
from reports.data.spelling import expression, recognised, with_probabilities
from reports.data.text import read_text
from reports.formats import in_a_line, names
from reports.markup import unguarded
from reports.schema import Column, ReportError

_CLASSES = ("expression", "predicted")
#: A few bytes of Parquet may unpack to very many rows.
MOST_ROWS = 20_000_000
#: What the readers raise, each of its own, on files that are damaged or something else.
_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError, NotImplementedError)


@dataclass(frozen=True, eq=False)
class Given:
    """A table as a file has it.

    Attributes:
        name: the file's.
        frame: its columns by the names that they have here, of their kind but not checked otherwise; NaN where a cell
            of numbers, or of an expression, is empty.
        head: all names of its columns, as they stand there.
        digest: the file's SHA-256.
        remarks: how it is spelt otherwise than docs/results.md says, each a clause.
    """

    name: str
    frame: pd.DataFrame
    head: list[str]
    digest: str
    remarks: list[str]


def read_table(path: Path, columns: Mapping[str, Column]) -> Given:
    """The columns of a file that are, or by another name must be, some of `columns`. Whole numbers are taken for names.

    Raises:
        ReportError: there is no such file, its ending is another, it is no such file, or a cell is of another kind.
    """
    if (read := _READERS.get(path.suffix.lower())) is None:
        raise ReportError(f"{str(path)!r} ends in {path.suffix!r}, allowed are {names(list(_READERS))}")
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ReportError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not data:
        raise ReportError(f"{str(path)!r} is empty, allowed is a table")
    try:
        head, called, frame, remarks = read(data, columns)
        columns = with_probabilities(columns, _words(frame))
    except ReportError as error:
        raise ReportError(f"{path.name}: {error}") from None
    except _UNREADABLE as error:
        kind, why = path.suffix.lower()[1:], in_a_line(str(error))
        raise ReportError(f"{str(path)!r} is not {kind} that can be read: {why or type(error).__name__}") from None
    remarks = [*remarks, *(f"{theirs!r} is its {name}" for name, theirs in called.items() if theirs != name)]
    frame, spelt = _typed(frame, columns, {name: f"{path.name}: column {theirs!r}" for name, theirs in called.items()})
    return Given(path.name, frame, head, hashlib.sha256(data).hexdigest(), [*remarks, *spelt])


#: A head, by our names the file's own, the columns by our names, and remarks.
_Read = tuple[list[str], dict[str, str], pd.DataFrame, list[str]]


def _text(data: bytes, columns: Mapping[str, Column]) -> _Read:
    head, frame, remarks = read_text(data, columns)
    places = _recognised(head, columns, lambda place: frame.iloc[:, place])
    found = frame.iloc[:, list(places)].set_axis(list(places.values()), axis=1)
    return head, {name: head[place] for place, name in places.items()}, found, remarks


def _parquet(data: bytes, columns: Mapping[str, Column]) -> _Read:
    with pq.ParquetFile(pa.BufferReader(data), arrow_extensions_enabled=False) as file:
        if file.metadata.num_rows > MOST_ROWS:
            raise ValueError(f"{file.metadata.num_rows} rows, allowed are {MOST_ROWS}")
        head = list(file.schema_arrow.names)
        places = _recognised(head, columns, lambda place: file.read(columns=[head[place]]).to_pandas().iloc[:, 0])
        called = {name: head[place] for place, name in places.items()}
        table = file.read(columns=list(called.values())).select(list(called.values()))
    table.validate(full=True)  # text that is no UTF-8 would be found out wherever it is first looked at
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
    return head, called, frame.set_axis(list(called), axis=1), []


def _recognised(head: list[str], columns: Mapping[str, Column], values: Callable[[int], Any]) -> dict[int, str]:
    """The places of `columns`, and of the probabilities of whatever classes are named."""
    named = {name: values(place) for place, name in recognised(head, columns).items() if name in _CLASSES}
    return recognised(head, with_probabilities(columns, _words(named)))


def _words(frame: Mapping[str, Any] | pd.DataFrame) -> set[str]:
    """The classes that are named, as they are spelt."""
    return {word for name in _CLASSES if name in frame for word in frame[name].unique() if isinstance(word, str)}


_READERS = {".csv": _text, ".tsv": _text, ".txt": _text, ".parquet": _parquet}


def _typed(
    frame: pd.DataFrame, columns: Mapping[str, Column], where: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """Text where names stand, numbers where text stands for them; the rest as it is, for the schema to judge."""
    found: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    for name, values in zip(map(str, frame.columns), (_plain(values) for _, values in frame.items()), strict=True):
        column = columns[name]
        if column.kind == "name":
            found[name] = _expressions(values) if name in _CLASSES else _names(values)
        elif pd.api.types.is_string_dtype(values):
            texts[name] = values
        else:
            found[name] = whole(values) if column.kind == "integer" else values
    read, remarks = numbers(where, texts, columns)
    found |= read
    shares, percent = in_shares(found, columns)
    known, infinite = _finite(found | shares, columns)
    return pd.DataFrame({str(name): known[str(name)] for name in frame.columns}), [*remarks, *percent, *infinite]


def _finite(found: Mapping[str, Any], columns: Mapping[str, Column]) -> tuple[dict[str, Any], list[str]]:
    """The columns with NaN for what is infinite where it may be unknown, as a training that diverged leaves it."""
    kept, remarks = dict(found), []
    for name, values in found.items():
        if columns[name].optional and pd.api.types.is_float_dtype(values) and (bad := np.isinf(values)).any():
            kept[name] = values.mask(bad)
            remarks.append(f"its {name} is infinite in {int(bad.sum())} of {len(values)} rows, taken as unknown")
    return kept, remarks


def _plain(values: Any) -> Any:
    is_category = isinstance(values.dtype, pd.CategoricalDtype)
    return values.astype(values.cat.categories.dtype) if is_category else values


def _names(values: Any) -> Any:
    values = whole(values)
    if pd.api.types.is_integer_dtype(values):
        return values.astype("str")
    return unguarded(values) if pd.api.types.is_string_dtype(values) else values


def _expressions(values: Any) -> Any:
    """Expressions by their names here; NaN where a cell is empty."""
    texts = _names(values)
    if not pd.api.types.is_string_dtype(texts):
        return texts
    return texts.mask(texts.isin(EMPTY), np.nan).map(expression, na_action="ignore").astype("str")
