"""Tables as files: CSV for programs, Markdown and LaTeX for people; whatever a name holds, it stays text in each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reports import formats

#: What a spreadsheet takes for a formula's start (OWASP, "CSV Injection"), signs of full width among them.
_FORMULA = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_NUMBER = r"-\d+(\.\d+)?(e[+-]?\d+)?"


@dataclass(frozen=True, eq=False)
class Shown:
    """A table as a reader meets it.

    Attributes:
        text: all of it text; the first column says what a row is about.
        marks: of the same shape: ``"best"``, ``"second"`` or nothing; None where nothing is marked.
    """

    text: pd.DataFrame
    marks: pd.DataFrame | None = None


def write_all(path: Path, table: pd.DataFrame, shown: Shown, *, notice: str = "") -> None:
    """Writes the numbers as CSV and what a reader meets of them as Markdown and LaTeX, side by side."""
    write_csv(table, path.with_suffix(".csv"))
    path.with_suffix(".md").write_text(markdown(shown, notice=notice), encoding="utf-8")
    path.with_suffix(".tex").write_text(latex(shown, notice=notice), encoding="utf-8")


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


def markdown(shown: Shown, *, notice: str = "") -> str:
    """A Markdown table, the first column to the left, the others to the right; `notice` below it.

    The best are bold, the second underlined (by an HTML element, as Markdown has no such mark).
    """
    rows = _rows(shown, markdown_text, {"best": "**{}**", "second": "<u>{}</u>"})
    head = [markdown_text(name) for name in shown.text.columns]
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return f"{table}\n*{markdown_text(notice)}*\n" if notice else table


def latex(shown: Shown, *, notice: str = "") -> str:
    """A booktabs ``tabular``, to be ``\\input`` into a paper; `notice` as a comment above it.

    Check marks need the package ``amssymb``.
    """
    cells = _rows(shown, latex_text, {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}"})
    return "\n".join(
        [
            *([f"% {' '.join(notice.split())}"] if notice else []),
            f"\\begin{{tabular}}{{l{'r' * (shown.text.shape[1] - 1)}}}",
            r"\toprule",
            " & ".join(latex_text(name) for name in shown.text.columns) + r" \\",
            r"\midrule",
            *(f"{' & '.join(row)} \\\\" for row in cells),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


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


_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"},
    **{"±": r"$\pm$", formats.CHECK: r"\checkmark{}", formats.MINUS: "$-$", formats.NOTHING: "--"},
    **{formats.ALIKE: r"$^{\dagger}$", formats.UNLIKE: r"$^{\ddagger}$"},
}


def latex_text(text: str) -> str:
    """`text` as LaTeX that reads as it is."""
    # A bracket at the start of a row would be read as an option of the line break before it.
    return "{}" * text.startswith("[") + "".join(_LATEX.get(mark, mark) for mark in text)


def _rows(shown: Shown, escape: Callable[[str], str], marks: Mapping[str, str]) -> list[list[str]]:
    """Escaped cells; of a marked one its first word, the score itself, is set in its mark."""
    rows = []
    places = shown.marks.to_numpy() if shown.marks is not None else np.full(shown.text.shape, "")
    for cells, row in zip(shown.text.itertuples(index=False, name=None), places, strict=True):
        line = []
        for cell, place in zip(cells, row, strict=True):
            score, space, rest = cell.partition(" ") if place else ("", "", cell)
            line.append((marks[place].format(escape(score)) if place else "") + space + escape(rest))
        rows.append(line)
    return rows
