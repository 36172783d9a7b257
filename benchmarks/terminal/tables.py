"""Tables on a terminal, in the width that there is: names stay, numbers and what is in brackets are never broken."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

#: Below so many columns a text gets lines of its own instead of a narrow column.
_NARROW = 70
#: An interval, or what is said of one.
_BRACKETS = r" \([^()]*\)"


@dataclass(frozen=True)
class Described:
    """Rows that end in a text of any length, in markup: a table, or one below the other where that is too narrow.

    Attributes:
        columns: titles; numbers are in a column whose title ends in ``>``.
        rows: their cells, a name first.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if options.max_width >= _NARROW:
            made = table(*self.columns)
            for name, *cells in self.rows:
                made.add_row(f"[bold]{escape(name)}[/]", *cells)
            yield made
            return
        for name, *numbers, text in self.rows:
            said = [
                f"{title.removesuffix('>')} {number}" for title, number in zip(self.columns[1:], numbers, strict=False)
            ]
            yield f"[bold]{escape(name)}[/]" + (f"  [dim]{', '.join(said)}[/]" if said else "")
            yield Padding(text, (0, 0, 0, 2))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A table of texts with as many columns as there is room for.

    The least important columns go first, then what is in brackets; headings break where they may. The last resort is
    that names fold.

    Attributes:
        shown: the cells, names in the first column.
        importance: how titles begin, the most important first; others matter least. The first column and the one that
            matters most stay.
    """

    formatted: "pd.DataFrame"
    importance: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        formatted = self.formatted
        while _width(formatted) > options.max_width and len(formatted.columns) > 2:
            formatted = formatted.drop(columns=max(formatted.columns[1:], key=self._rank))  # the first of equals
        yield _drawn(formatted if _width(formatted) <= options.max_width else _without_brackets(formatted))

    def _rank(self, title: str) -> int:
        return next((i for i, start in enumerate(self.importance) if title.startswith(start)), len(self.importance))


@dataclass(frozen=True, eq=False)
class Blocks:
    """A table of texts with every column: without what is in brackets where that helps, in parts where it must."""

    formatted: "pd.DataFrame"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        formatted = self.formatted if _width(self.formatted) <= options.max_width else _without_brackets(self.formatted)
        names, titles = formatted.columns[0], list(formatted.columns[1:])
        while titles:
            some = 1
            while some < len(titles) and _width(formatted[[names, *titles[: some + 1]]]) <= options.max_width:
                some += 1
            yield _drawn(formatted[[names, *titles[:some]]])
            titles = titles[some:]
            if titles:
                yield ""


def table(*columns: str) -> Table:
    """An empty table with these columns; numbers are in one whose name ends in ``>``. Names fold, and are never cut."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        right = name.endswith(">")
        made.add_column(name.removesuffix(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    return made


def _without_brackets(formatted: "pd.DataFrame") -> "pd.DataFrame":
    """Cells and titles without `` (...)``, intervals that is, but for names."""
    names = formatted.columns[0]
    short = formatted.replace(_BRACKETS, "", regex=True).assign(**{names: formatted[names]})
    return short.rename(columns=lambda title: title if title == names else re.sub(_BRACKETS, "", title))


def _drawn(formatted: "pd.DataFrame") -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for position, title in enumerate(formatted.columns):
        heading = escape("\n".join(_heading(title, _cells(formatted, title))))
        if position:
            made.add_column(heading, justify="right", no_wrap=True)
        else:
            made.add_column(heading, overflow="fold")
    for row in formatted.itertuples(index=False):
        made.add_row(*map(escape, row))
    return made


def _width(formatted: "pd.DataFrame") -> int:
    columns = [
        max(_cells(formatted, title), *map(cell_len, _heading(title, _cells(formatted, title))))
        for title in formatted.columns
    ]
    return sum(columns) + 2 * (len(columns) - 1)


def _cells(formatted: "pd.DataFrame", title: str) -> int:
    return max(map(cell_len, formatted[title]), default=0)


def _heading(title: str, cells: int) -> list[str]:
    """The lines of a heading over cells of this width: broken after commas and before brackets alone."""
    parts = re.split(r"(?<=,) (?=.{3})| (?=\()", title)
    room = max(cells, *map(len, parts))
    lines = parts[:1]
    for part in parts[1:]:
        if len(lines[-1]) + 1 + len(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines
