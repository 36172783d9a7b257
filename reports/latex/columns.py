"""What a table's columns hold, and how wide they are: what is decided before a line of LaTeX is written.

Cells are read as people read them: a score, its interval in brackets, a mark. An interval stands beside its score where
the table has room for that, or else below it; a table too wide for that too is cut into several.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from reports import formats
from reports.latex.text import LONGEST, ems
from reports.markup import FormattedTable

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

_SIGNED = rf"[+<>{formats.MINUS}]?\d[\d.]*"
_UNIT = r"(?: (?:[kMGT]?B|[kMGT]|h|min|s))"
_CELL = re.compile(
    rf"(?P<value>{formats.NOTHING}|{_SIGNED}(?: ± [\d.{formats.NOTHING}]+|{_UNIT})?|\d+(?: / \d+)+)"
    rf"(?: \((?P<interval>{_SIGNED}(?:, {_SIGNED})?)\))?"
    rf"(?P<mark> [{formats.ALIKE}{formats.DIFFERS}])?"
    rf"(?: (?P<more>{_SIGNED}))?"
)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: its title.
        cells: from the top, as they are shown.
        places: of each, ``"best"``, ``"second"`` or nothing.
        first: whether it is the first, which has names and takes what room is left.
    """

    heading: str
    cells: Sequence[str]
    places: Sequence[str]
    first: bool = False

    @cached_property
    def scores(self) -> Sequence[Mapping[str, str]]:
        """The cells' value, interval, mark and more, each of them maybe empty; nothing where any cell is no number."""
        found = [_CELL.fullmatch(cell) for cell in self.cells]
        return [one.groupdict("") for one in found if one] if all(found) and not self.first else []

    @property
    def paired(self) -> bool:
        """Whether scores have intervals."""
        return any(one["interval"] for one in self.scores)

    @property
    def text(self) -> bool:
        """Whether cells are broken into lines."""
        return self.first or (not self.scores and max(map(ems, self.cells), default=0.0) > _SHORT)

    def width(self, *, stacked: bool, gap: float = 0.0) -> float:
        """Points that it needs at least, `gap` among them."""
        head = SIZE * max(map(ems, self.heading.split(" ")))
        return max(NARROWEST if self.text else self.content(stacked=stacked), min(head, NARROWEST)) + 2.0 * gap

    def content(self, *, stacked: bool) -> float:
        """Points of its widest cell, on one line."""
        if not self.scores:
            return SIZE * max(map(ems, self.cells), default=0.0)
        values, intervals, more = (max(ems(one[part]) for one in self.scores) for part in ("value", "interval", "more"))
        intervals += ems("()") if self.paired else 0.0
        more += ems("p=") if more else 0.0
        if stacked:
            return max(SIZE * values, SMALL * intervals, SMALL * more)
        return SIZE * (values + intervals + more) + (2.0 * NARROW_SPACE if intervals or more else 0.0)

    def lines(self, row: int, *, width: float, stacked: bool) -> int:
        """How many lines a cell has in a column of so many points."""
        if self.scores:
            one = self.scores[row]
            return sum(map(bool, (one["value"], one["interval"], one["more"]))) if stacked else 1
        # Words do not fill their lines.
        needed = SIZE * ems(self.cells[row])
        return 1 if needed <= width else 1 + int(needed / (0.8 * width))


@dataclass(frozen=True)
class Layout:
    """How a table's columns are laid out.

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


def columns(formatted: FormattedTable) -> list[Column]:
    """The columns of a table."""
    text = formatted.text
    marks = formatted.marks if formatted.marks is not None else text.map(lambda _: "")
    return [
        Column(str(name), text.iloc[:, place].tolist(), marks.iloc[:, place].tolist(), first=not place)
        for place, name in enumerate(text.columns)
    ]


def widths(found: Sequence[Column], plan: "Layout") -> list[float]:
    """Points of each column of a table that is laid out: those of text share what the others leave."""
    own = [column.width(stacked=plan.stacked) for column in found]
    texts = sum(column.text for column in found)
    left = (PAGE if plan.wide else COLUMN) - sum(own) - 2.0 * plan.gap * (len(found) - 1)
    return [width + left / texts if column.text else width for column, width in zip(found, own, strict=True)]


def layout(found: Sequence[Column]) -> Layout:
    """The smallest of those that fit: a column, a page, a page with intervals below scores, several parts of these."""
    every = [*range(len(found))]
    for wide, stacked in ((False, False), (False, True), (True, False), (True, True)):
        for gap in GAPS:
            if needed(found, stacked=stacked, gap=gap) <= (PAGE if wide else COLUMN):
                return Layout(wide, stacked, gap, [every])
    groups = _groups(found)
    fits = (gap for gap in GAPS if all(needed([found[n] for n in g], stacked=True, gap=gap) <= PAGE for g in groups))
    return Layout(True, True, next(fits, GAPS[-1]), groups)


def needed(found: Sequence[Column], *, stacked: bool, gap: float) -> float:
    """Points that columns need beside one another; there is nothing before the first and behind the last."""
    return sum(column.width(stacked=stacked, gap=gap) for column in found) - 2.0 * gap


def _groups(found: Sequence[Column]) -> list[list[int]]:
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
