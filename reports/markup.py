"""Tables as CSV for programs and as Markdown for people; whatever a name holds, it stays text in each."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

#: What a spreadsheet takes for a formula's start (OWASP, "CSV Injection"), signs of full width among them.
_FORMULA = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_MARKED = {"best": "**{}**", "second": "<u>{}</u>"}
_NUMBER = r"-\d+(\.\d+)?(e[+-]?\d+)?"


@dataclass(frozen=True, eq=False)
class FormattedTable:
    """A table as a reader meets it.

    Attributes:
        text: all of it text; the first column says what a row is about.
        marks: of the same shape: ``"best"``, ``"second"`` or nothing; None where nothing is marked.
    """

    text: pd.DataFrame
    marks: pd.DataFrame | None = None


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


def markdown(formatted: FormattedTable, *, notice: str = "") -> str:
    """A Markdown table, the first column to the left, the others to the right; `notice` below it.

    The best are bold, the second underlined (by an HTML element, as Markdown has no such mark).
    """
    rows = _rows(formatted)
    head = [markdown_text(name) for name in formatted.text.columns]
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return f"{table}\n*{markdown_text(notice)}*\n" if notice else table


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


def _rows(formatted: FormattedTable) -> list[list[str]]:
    """Escaped cells; of a marked one its first word, the score itself, is set in its mark."""
    rows = []
    places = formatted.marks.to_numpy() if formatted.marks is not None else np.full(formatted.text.shape, "")
    for cells, row in zip(formatted.text.itertuples(index=False, name=None), places, strict=True):
        line = []
        for cell, place in zip(cells, row, strict=True):
            score, space, rest = cell.partition(" ") if place else ("", "", cell)
            line.append((_MARKED[place].format(markdown_text(score)) if place else "") + space + markdown_text(rest))
        rows.append(line)
    return rows
