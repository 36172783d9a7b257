"""A table described once: its columns, its cells, and what a reader must know of it.

`reports.markup` renders it as CSV and Markdown, `reports.latex.table` as LaTeX, the page's ``macros.html`` as HTML; its
`Table.text` is what a terminal shows.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from reports import formats

#: ``"text"`` is Markdown and the terminal, ``"paper"`` LaTeX.
Medium = Literal["text", "page", "paper"]
Place = Literal["", "best", "second"]
_EVERYWHERE: Collection[Medium] = ("text", "page", "paper")
#: Columns of methods' names, for which papers have others.
METHODS = ("method", "method_a", "method_b")
_PAPER_UNITS = {"points": "pp"}
#: What the mark of those methods means.
READING_NOTE = f"{formats.READING} The exact form is a reading of its paper, which could not be read in full."


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Cell of a table.

    Attributes:
        text: the value as it is printed.
        ends: what stands in brackets behind it: the printed ends of its interval, or a rank; empty where undefined.
        mark: a sign behind both, as in `formats.SIGNS`.
        p: of the difference that it shows, as it is printed.
        place: among the scores of its column.
        value: what it is sorted by; NaN where that is nothing.
        strong: whether the page sets it bold.
        alt: in words, where the text is a sign.
        below: a remark, small on the page, elsewhere in brackets.
        lines: on the page instead of the text, a paragraph each and a remark behind it.
        link: where the page's text leads.
        links: what else the page leads to, each with its address.
    """

    text: str
    ends: Sequence[str] = ()
    mark: str = ""
    p: str = ""
    place: Place = ""
    value: float = np.nan
    strong: bool = False
    alt: str = ""
    below: str = ""
    lines: Sequence[tuple[str, str]] = ()
    link: str = ""
    links: Sequence[tuple[str, str]] = ()

    def __str__(self) -> str:
        ends = f"({', '.join(self.ends)})" if self.ends else ""
        below = f"({self.below})" if self.below else ""
        return " ".join(filter(None, (self.text, ends, self.mark, self.p, below)))


NOTHING = Cell(text=formats.NOTHING)


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """A column of a table.

    Attributes:
        key: of what it shows in a row of numbers.
        title: what it is called.
        unit: ``"%"``, ``"points"`` or ``"s"``.
        format: how a number is printed; None for a column of text.
        better: which of its numbers are.
        ends: keys of what stands in brackets behind each.
        deviation: the key of what stands behind ±.
        strong: which rows are set bold in it.
        brackets: what headings say of what stands in brackets.
        with_p: whether each has its p.
        page, paper: its whole heading on the page and in LaTeX, where that is another.
        under: what stands small below that of the page.
        end_words: how the page prints what stands in brackets.
        media: where it stands.
        importance: columns with less leave a narrow terminal first.
        note: what a reader must know of it, in sentences.
    """

    key: str
    title: str
    unit: str = ""
    format: Callable[[Any], str] | None = None
    better: Literal["higher", "lower"] = "higher"
    ends: Sequence[str] = ()
    deviation: str = ""
    strong: Callable[[Mapping[Any, Any]], bool] | None = None
    brackets: str = ""
    with_p: bool = False
    page: str = ""
    paper: str = ""
    under: str = ""
    end_words: str = "{} to {}"
    media: Collection[Medium] = _EVERYWHERE
    importance: int = 0
    note: str = ""

    def heading(self, medium: Medium) -> str:
        """Its title with its unit, as readers of the medium expect it."""
        if medium == "paper":
            unit = ", ".join(filter(None, (_PAPER_UNITS.get(self.unit, self.unit), self.brackets.partition("rank")[1])))
            return self.paper or (f"{self.title} ({unit})" if unit else self.title)
        heading = f"{self.title}, {self.unit}" if self.unit else self.title
        if medium == "page":
            return self.page or heading
        brackets = f" ({self.brackets})" if self.brackets else ""
        return heading + brackets + (", p" if self.with_p else "")

    def cell(self, row: Mapping[Any, Any]) -> Cell:
        """Its cell of a row of numbers; an interval that is not defined is left out."""
        value = row[self.key]
        if self.format is None:
            return Cell(text=str(value) or formats.NOTHING)
        text = self.format(value) + (f" ± {self.format(row[self.deviation])}" if self.deviation else "")
        ends = [self.format(row[end]) for end in self.ends]
        return Cell(
            text=text,
            ends=() if formats.NOTHING in ends else ends,
            value=float(value),
            strong=self.strong is not None and self.strong(row),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """A table.

    Attributes:
        name: of its files, and of its place on the page.
        title: of its section, or what it is a table of.
        columns: the first says what a row is about.
        rows: a cell for each column.
        numbers: what programs read: its CSV; None where it has none, and is no Markdown file either.
        notes: what stands below it, in sentences.
        page_notes: what stands below it on the page as well, before the notes of columns.
        caption: what papers print above it, by default the title.
        paper_notes: what papers print below it, by default the notes.
        titles: papers' names of the methods that rows are about; those that end in `formats.READING` have that mark in
            every medium, and a note below the table says what it means, as it does where a heading has the mark.
        label: what the page calls it to who cannot see it.
        look: its classes in the page's style sheet.
        sorts: whether the page lets its reader sort it.
    """

    name: str
    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[Sequence[Cell]]
    numbers: pd.DataFrame | None = None
    notes: Sequence[str] = ()
    page_notes: Sequence[str] = ()
    caption: str = ""
    paper_notes: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    look: str = ""
    sorts: bool = True

    def __post_init__(self) -> None:
        named = {cell.text for row in self.rows for place, cell in enumerate(row) if self.columns[place].key in METHODS}
        heads = any(column.title.endswith(formats.READING) for column in self.columns)
        if heads or any(self._read(name) for name in named):
            for notes in ("notes", "paper_notes") if self.paper_notes else ("notes",):
                object.__setattr__(self, notes, tuple(dict.fromkeys((*getattr(self, notes), READING_NOTE))))

    def of(self, medium: Medium) -> "Table":
        """The table as it stands there: its columns of that medium, and its methods marked; papers' titles are."""
        kept = [place for place, column in enumerate(self.columns) if medium in column.media]
        own = self.with_columns(kept)
        if medium == "paper":
            return own
        return replace(own, rows=[[*map(self._marked, own.columns, row)] for row in own.rows])

    def _read(self, name: str) -> bool:
        return self.titles.get(name, "").endswith(formats.READING)

    def _marked(self, column: TableColumn, cell: Cell) -> Cell:
        if column.key in METHODS and self._read(cell.text):
            return replace(cell, text=f"{cell.text}{formats.READING}")
        return cell

    def with_columns(self, places: Sequence[int]) -> "Table":
        """The table with these of its columns."""
        columns = [self.columns[place] for place in places]
        return replace(self, columns=columns, rows=[[row[place] for place in places] for row in self.rows])

    @property
    def text(self) -> pd.DataFrame:
        """All of it text."""
        own = self.of("text")
        rows = [[str(cell) for cell in row] for row in own.rows]
        return pd.DataFrame(rows, columns=[column.heading("text") for column in own.columns], dtype="str")

    @property
    def importance(self) -> list[str]:
        """The headings of `text`, the most important first."""
        ordered = sorted(self.of("text").columns, key=lambda column: -column.importance)
        return [column.heading("text") for column in ordered if column.importance]

    @property
    def said_on_page(self) -> str:
        """All notes of the page."""
        columns = [column.note for column in self.of("page").columns]
        return " ".join(dict.fromkeys(filter(None, (*self.notes, *self.page_notes, *columns))))


def rows_of(columns: Sequence[TableColumn], numbers: pd.DataFrame) -> list[list[Cell]]:
    """A row of cells for each row of numbers."""
    return [[column.cell(row) for column in columns] for row in numbers.to_dict("records")]


def plain_table(name: str, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], **more: Any) -> Table:
    """A table that is text alone."""
    columns = [TableColumn(key=heading, title=heading) for heading in headings]
    cells = [[Cell(text=text) for text in row] for row in rows]
    shape: dict[str, Any] = {"sorts": False, "look": "text", **more}
    return Table(name=name, title=title, columns=columns, rows=cells, **shape)
