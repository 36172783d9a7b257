"""CSV: the rows of a file and the lines on which they end, whichever of the usual marks is between their cells."""

import csv
import io
import re

from afnetm.data.formats.text import decoded
from afnetm.errors import UserError

#: What may be between cells. Where the first row has several of them, it is the first of these.
DELIMITERS = "\t;,"
#: A first line by which spreadsheets are told.
_STATED = re.compile(r"sep=([\t;,|])(?=[\r\n])")
_FIRST = re.compile(r"\s*([^\r\n]*)")


def read_csv(content: bytes, name: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with its line's number and its cells without white space around them.

    Args:
        content: of the file; see `table_text` and `csv_rows`.
        name: begins every error.

    Raises:
        UserError: it is none.
    """
    return csv_rows(table_text(content, name), name)


def table_text(content: bytes, name: str) -> str:
    """The text of a table: UTF-8, UTF-16 with a byte-order mark, or else Windows-1252.

    Raises:
        UserError: it is none.
    """
    text = decoded(content)
    if odd := re.search("[\0\N{REPLACEMENT CHARACTER}]", text):
        line = 1 + len(re.findall(r"\r\n|\r|\n", text[: odd.start()]))
        raise UserError(f"{name}, line {line}: not text (allowed: UTF-8, UTF-16 with a byte-order mark, Windows-1252)")
    return text


def csv_rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """The rows of a text whose cells are between tabs, semicolons or commas; as `read_csv` otherwise."""
    message, first = _STATED.match(text), _FIRST.match(text)
    delimiter = message[1] if message else next((mark for mark in DELIMITERS if first and mark in first[1]), ",")
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num}: not CSV ({error})") from None
    return rows[1:] if message else rows
