"""Tables as CSV for programs and as Markdown for people; whatever a name holds, it stays text in each."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from reports.table import Cell, Table

#: What a spreadsheet takes for a formula's start (OWASP, "CSV Injection"), signs of full width among them.
_FORMULA = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_PLACES = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}
_NUMBER = r"-\d+(\.\d+)?(e[+-]?\d+)?"


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Writes `frame` as CSV, a row a line; text that a spreadsheet took for a formula gets an apostrophe."""
    safe = frame.copy()
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]):
            line = safe[name].str.replace(r"[\t\r\n]+", " ", regex=True).str.strip()
            safe[name] = np.where(line.str.match(_FORMULA) & ~line.str.fullmatch(_NUMBER), "'" + line, line)
    safe.to_csv(path, index=False, lineterminator="\n")


def unguarded(text: "pd.Series[str]") -> "pd.Series[str]":
    """Text that was read from CSV without the apostrophe that `write_csv` may have given it."""
    return text.str.replace(rf"^'(?={_FORMULA})", "", regex=True)


def markdown(table: Table, *, notices: Sequence[str] = ()) -> str:
    """A Markdown table, the first column to the left, the others to the right; below it its notes and `notices`.

    The best are bold, the second underlined (by an HTML element, as Markdown has no such mark).
    """
    own = table.of("text")
    head = [markdown_text(column.heading("text")) for column in own.columns]
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *([_cell(cell) for cell in row] for row in own.rows)]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    notes = markdown_text(" ".join(filter(None, (*table.notes, *notices))))
    return f"{text}\n*{notes}*\n" if notes else text


def markdown_text(text: str) -> str:
    """`text` as Markdown that reads as it is."""
    escaped = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def heading(level: int, text: str) -> str:
    """A Markdown heading."""
    return paragraph(text, f"{'#' * level} ")


def paragraph(text: str, start: str = "") -> str:
    """A Markdown paragraph that reads as it is: nothing at its start makes a heading, a list or a quotation of it."""
    words = markdown_text(text)
    return f"{start}{chr(92) if words[:1] in '#>+-=' and words else ''}{words}\n"


def _cell(cell: Cell) -> str:
    """A score that is marked is set in its mark, alone."""
    rest = markdown_text(str(cell).removeprefix(cell.text))
    return " ".join(filter(None, (_PLACES[cell.place].format(markdown_text(cell.text)), rest)))
