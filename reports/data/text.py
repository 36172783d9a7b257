"""Text tables as spreadsheets and other programs write them: whatever the encoding and whatever separates columns."""

import codecs
import csv
import io
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.data.spelling import canonical, with_probabilities
from reports.schema import Column

#: What a file begins with that says its encoding; the longer ones first, as UTF-32's begins as UTF-16's does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}


def decoded(data: bytes) -> tuple[str, str]:
    """The text and what it was read as, where that was not UTF-8 (``"UTF-16"``); else nothing.

    Without a mark at its start it is UTF-8 or, where it cannot be, what western Windows writes (code page 1252): that
    decides how names look and nothing else, as numbers and separators are the same in both.

    Raises:
        ValueError: it is none of these.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding), "" if encoding == "utf-8-sig" else encoding.upper()
    if b"\0" in data[:4]:  # the first letter of a head is in ASCII, so that one of its two bytes is 0
        return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be"), "UTF-16"
    try:
        return data.decode(), ""
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        raise ValueError("its text is neither UTF-8 nor UTF-16 nor Windows-1252") from None


def read_text(data: bytes, columns: Mapping[str, Column]) -> tuple[list[str], "pd.DataFrame", list[str]]:
    """The names in a table's first line, all its other cells as text, and what is unusual about how it is written.

    Columns are separated by what makes most of the head known names (`columns`, or other names for them).

    Raises:
        ValueError: it cannot be read, or a row has more cells than the head.
    """
    text, encoding = decoded(data)
    if (odd := re.search(r"[\x00-\x08\x0e-\x1f]", text)) is not None:
        raise ValueError(f"it holds {odd[0]!r}, which no text does")
    if message := re.match(r"sep=(.)\r?\n", text):  # how Excel is told, in a line of its own
        text = text[message.end() :]
    line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    columns = with_probabilities(columns, ())
    heads = {mark: _cells(line, mark) for mark in _SEPARATORS}
    separator = max(heads, key=lambda mark: (sum(canonical(name) in columns for name in heads[mark]), len(heads[mark])))
    try:
        # The head is read as a row like any other, so that a longer row is refused.
        whole = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, dtype="str", na_filter=False, skipinitialspace=True
        )
    except pd.errors.ParserError as error:
        if (longer := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))) is None:
            raise
        head, row, cells = longer.groups()
        raise ValueError(
            f"line {row} has {cells} cells, the first line {head} (columns separated by {_SEPARATORS[separator]})"
        ) from None
    remarks = [f"its encoding is {encoding}"] if encoding else []
    if separator != ",":
        remarks.append(f"its columns are separated by {_SEPARATORS[separator]}")
    stripped: Any = whole.map(str.strip)
    return stripped.iloc[0].tolist(), stripped.iloc[1:].reset_index(drop=True), remarks


def _cells(line: str, separator: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]
