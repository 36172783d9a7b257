"""Columns of a table in LaTeX: their content and widths, decided before a line is written.

An interval stands beside its score where the table has room for that, or else below it; a table too wide for that too
is cut into several.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reports.latex.text import LONGEST, ems
from reports.table import METHODS, Cell, Table

#: Points: of the narrowest column and page of the usual two-column papers (CVPR's; IEEE's are 252 and 516 points).
COLUMN, PAGE = 237.0, 496.0
#: Points: of a table's type, and of an interval below its score, whose letters are broader for their height.
SIZE, SMALL = 8.0, 7.5
#: Points on either side of a column: the first that fits.
GAPS = (8.0, 6.0, 5.0, 4.0, 3.0, 2.0)
#: Points between a score and the interval beside it.
NARROW_SPACE = 3.0
#: Points of the narrowest column of text: a word that may not be broken fits into it.
NARROWEST = LONGEST * SIZE
#: Longer texts are broken into lines.
_SHORT = 6.0


@dataclass(frozen=True, kw_only=True)
class PrintedColumn:
    """A column as a paper prints it.

    Attributes:
        heading: its title.
        cells: from the top.
        number: whether they are numbers.
        first: whether it is the first, which has names and takes what room is left.
    """

    heading: str
    cells: Sequence[Cell]
    number: bool = False
    first: bool = False

    @property
    def paired(self) -> bool:
        """Whether scores have intervals."""
        return self.number and any(cell.ends for cell in self.cells)

    @property
    def text(self) -> bool:
        """Whether cells are broken into lines."""
        return self.first or (not self.number and max(map(_ems, self.cells), default=0.0) > _SHORT)

    def width(self, *, stacked: bool, gap: float = 0.0) -> float:
        """Points that it needs at least, `gap` among them."""
        head = SIZE * max(map(ems, self.heading.split(" ")))
        return max(NARROWEST if self.text else self.content(stacked=stacked), min(head, NARROWEST)) + 2.0 * gap

    def content(self, *, stacked: bool) -> float:
        """Points of its widest cell, on one line."""
        if not self.number or not self.cells:
            return SIZE * max(map(_ems, self.cells), default=0.0)
        values = max(ems(cell.text) for cell in self.cells)
        intervals = max(ems(", ".join(cell.ends)) for cell in self.cells) + (ems("()") if self.paired else 0.0)
        p = max(ems(cell.p) for cell in self.cells)
        p += ems("p=") if p else 0.0
        if stacked:
            return max(SIZE * values, SMALL * intervals, SMALL * p)
        return SIZE * (values + intervals + p) + (2.0 * NARROW_SPACE if intervals or p else 0.0)

    def lines(self, row: int, *, width: float, stacked: bool) -> int:
        """Number of lines of a cell in a column of so many points."""
        cell = self.cells[row]
        if self.number:
            return 1 + bool(cell.ends) + bool(cell.p) if stacked else 1
        # Words do not fill their lines.
        needed = SIZE * _ems(cell)
        return 1 if needed <= width else 1 + int(needed / (0.8 * width))


def _ems(cell: Cell) -> float:
    return ems(str(cell))


@dataclass(frozen=True)
class Layout:
    """Layout of a table's columns.

    Attributes:
        wide: over both of a page's columns.
        stacked: with intervals below scores.
        gap: points on either side of a column.
        groups: the columns of each part, by number; the first column is in all.
    """

    wide: bool
    stacked: bool
    gap: float
    groups: Sequence[Sequence[int]]


def printed(table: Table) -> list[PrintedColumn]:
    """The columns of a table in a paper; methods have the names that papers have for them."""
    own = table.of("paper")
    found = []
    for place, column in enumerate(own.columns):
        cells = [row[place] for row in own.rows]
        if column.key in METHODS:
            cells = [replace(cell, text=table.titles.get(cell.text, cell.text)) for cell in cells]
        number = column.format is not None and place > 0
        found.append(PrintedColumn(heading=column.heading("paper"), cells=cells, number=number, first=not place))
    return found


def widths(found: Sequence[PrintedColumn], plan: "Layout") -> list[float]:
    """Points of each column of a table that is laid out: those of text share what the others leave."""
    own = [column.width(stacked=plan.stacked) for column in found]
    texts = sum(column.text for column in found)
    left = (PAGE if plan.wide else COLUMN) - sum(own) - 2.0 * plan.gap * (len(found) - 1)
    return [width + left / texts if column.text else width for column, width in zip(found, own, strict=True)]


def layout(found: Sequence[PrintedColumn]) -> Layout:
    """The smallest of those that fit: a column, a page, a page with intervals below scores, several parts of these."""
    every = [*range(len(found))]
    for wide, stacked in ((False, False), (False, True), (True, False), (True, True)):
        for gap in GAPS:
            if needed(found, stacked=stacked, gap=gap) <= (PAGE if wide else COLUMN):
                return Layout(wide, stacked, gap, [every])
    groups = _groups(found)
    fits = (gap for gap in GAPS if all(needed([found[n] for n in g], stacked=True, gap=gap) <= PAGE for g in groups))
    return Layout(True, True, next(fits, GAPS[-1]), groups)


def needed(found: Sequence[PrintedColumn], *, stacked: bool, gap: float) -> float:
    """Points that columns need beside one another; there is nothing before the first and behind the last."""
    return sum(column.width(stacked=stacked, gap=gap) for column in found) - 2.0 * gap


def _groups(found: Sequence[PrintedColumn]) -> list[list[int]]:
    """As few parts as there can be, about as many columns in each, and the first column in all."""
    others = range(1, len(found))
    for parts in range(2, len(found)):
        groups = [[0, *others[start:end]] for start, end in _even(len(others), parts)]
        if all(needed([found[n] for n in group], stacked=True, gap=GAPS[-1]) <= PAGE for group in groups):
            return groups
    return [[0, place] for place in others]


def _even(length: int, parts: int) -> list[tuple[int, int]]:
    ends = [length * part // parts for part in range(parts + 1)]
    return list(pairwise(ends))
