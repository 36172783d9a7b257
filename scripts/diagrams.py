"""Schematic pictures of strategies, SVG, from a few lines of text each.

A line is a row of the picture: most often the texture stream, what lies between the streams, and the depth stream.
Cells are separated by two blanks or more and stand in columns; ``.`` leaves a place free. In a row the flow goes from
left to right, from cell to cell::

    texture    an input                       4        a stage of an encoder
    fc         another layer                  class    a classifier
    (sum)      an operation without weights   [gate]   a learnt gate, weight or attention
    {tokens}   a transformer over tokens      //       no gradient passes

Before a cell ``>`` says that it reads the rows above and below it as they are in its column, ``<`` that it changes
them, ``<>`` both. It also reads the cell before it, unless that is joined to rows as well and changes them or exists
in training alone. Behind it ``~`` says that it exists in training alone, ``*`` that masks enter there, and ``*~`` that
they do in training alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

from reports.pictures.theme import COLOURS

#: Pixels: of a picture's width, its margin, between rows, of a cell's height, and between columns at most.
WIDTH, MARGIN, PITCH, HEIGHT, GAP = 340, 12, 39, 21, 15
INPUTS = ("texture", "depth", "masks", "landmarks")

_CELL = re.compile(r"(?P<arrow><>|<|>)?(?P<body>\[.+\]|\(.+\)|\{.+\}|[^][(){}<>~*]+)(?P<training>~)?(?P<masks>\*~?)?")
_BRACKETS = {"(": "plain", "[": "learnt", "{": "tokens"}
_CSS = (Path(__file__).parents[1] / "reports/page/templates/style.css").read_text(encoding="utf-8")
_DARK = dict(re.findall(r"--(\w+): (#\w+)", _CSS.partition("scheme: dark")[2]))


@dataclass(frozen=True)
class Cell:
    """A cell of a picture.

    Attributes:
        row, column: its place.
        text: what is written in it.
        kind: ``input``, ``stage``, ``layer``, ``class``, ``plain``, ``learnt``, ``tokens`` or ``stop``.
        arrow: how it is joined to the rows above and below: ``>``, ``<``, ``<>`` or not at all.
        training: whether it exists in training alone.
        masks: where masks enter: ``*``, in training alone ``*~``, or nowhere.
    """

    row: int
    column: int
    text: str
    kind: str
    arrow: str
    training: bool
    masks: str

    @property
    def width(self) -> float:
        """Pixels."""
        fixed = {"stop": 8.0, "stage": 17.0}
        return fixed.get(self.kind, _length(self.text) + (8 if self.kind == "input" else 12))


def parsed(picture: str) -> list[Cell]:
    """The cells of a picture.

    Raises:
        ValueError: a cell cannot be read.
    """
    cells = []
    for row, line in enumerate(picture.strip("\n").splitlines()):
        for column, text in enumerate(re.split(r" {2,}", line.strip())):
            if text == ".":
                continue
            if (found := _CELL.fullmatch(text)) is None:
                raise ValueError(f"'{text}' is no cell")
            body, kind = found["body"], _BRACKETS.get(found["body"][0], "")
            body = body[1:-1] if kind else body
            if not kind:
                kind = {"//": "stop", "class": "class"}.get(body, "layer")
                kind = "input" if body in INPUTS else "stage" if body.isdigit() else kind
            cells.append(
                Cell(row, column, body, kind, found["arrow"] or "", bool(found["training"]), found["masks"] or "")
            )
    return cells


class Diagram:
    """The cells of a picture in their places, and the wires between them."""

    def __init__(self, picture: str) -> None:
        self.cells = parsed(picture)
        self.rows = max(cell.row for cell in self.cells) + 1
        count = max(cell.column for cell in self.cells) + 1
        widths = [max((cell.width for cell in self.cells if cell.column == k), default=0.0) for k in range(count)]
        gap = min(GAP, (WIDTH - 2 * MARGIN - sum(widths)) / max(count - 1, 1))
        if gap < 5:
            raise ValueError(f"the picture is {(5 - gap) * (count - 1):.0f} pixels too wide")
        self.top = MARGIN + (8 if any(cell.masks for cell in self.cells) else 16 if self.rows == 1 else 0)
        left = (WIDTH - sum(widths) - gap * (count - 1)) / 2
        self.x = [left + sum(widths[:k]) + gap * k + widths[k] / 2 for k in range(count)]

    @property
    def height(self) -> int:
        """Pixels."""
        return PITCH * (self.rows - 1) + HEIGHT + 2 * self.top

    def y(self, row: int) -> float:
        """The middle of a row."""
        return self.top + HEIGHT / 2 + PITCH * row

    def row(self, row: int) -> list[Cell]:
        """The cells of a row from left to right."""
        return [cell for cell in self.cells if cell.row == row]

    @cached_property
    def links(self) -> list[tuple[Cell, int]]:
        """Cells that are joined to another row, each with one of these rows."""
        return [
            (cell, row)
            for cell in self.cells
            if cell.arrow
            for row in (cell.row - 1, cell.row + 1)
            if any(other.column <= cell.column and not other.arrow for other in self.row(row))
        ]

    def wires(self) -> Iterator[str]:
        """Lines along the rows: solid as far as anything reads them that is there at test time."""
        for row in range(self.rows):
            cells = self.row(row)
            pieces: list[list[Cell]] = []  # of cells that read each other
            for cell in cells:
                before = pieces[-1][-1] if pieces else None
                beside = before and cell.arrow and before.arrow and ("<" in before.arrow or before.training)
                if before is None or "<" in cell.arrow or beside:
                    pieces.append([cell])
                else:
                    pieces[-1].append(cell)
            for number, piece in enumerate(pieces):
                last = len(pieces) == number + 1
                ends = [(cell.column, cell.training) for cell in piece]
                if not any(cell.arrow for cell in piece):
                    ends += [(cell.column, cell.training) for cell, other in self.links if other == row and last]
                start = piece[0].column
                solid = max([start, *(column for column, training in ends if not training)])
                end = max(column for column, _ in ends)
                yield from self._line(row, start, solid)
                yield from self._line(row, solid, end, " training")

    def _line(self, row: int, start: int, end: int, style: str = "") -> Iterator[str]:
        if end > start:
            yield f'<path class="wire{style}" d="M{self.x[start]:.1f} {self.y(row):.1f}H{self.x[end]:.1f}"/>'

    def joins(self) -> Iterator[str]:
        """Lines between rows, with their heads."""
        for cell, row in self.links:
            x, down = self.x[cell.column], 1 if row > cell.row else -1
            taken = any(other.column == cell.column for other in self.row(row))
            near, far = self.y(cell.row) + down * HEIGHT / 2, self.y(row) - down * (HEIGHT / 2 if taken else 0)
            style = " training" if cell.training else ""
            yield f'<path class="wire{style}" d="M{x:.1f} {near:.1f}V{far:.1f}"/>'
            if ">" in cell.arrow:
                yield _head(x, near, -down)
            if "<" in cell.arrow:
                yield _head(x, far, down)

    def document(self, title: str) -> str:
        """The picture as an SVG document."""
        parts = [*self.wires(), *self.joins()]
        for cell in self.cells:
            outside = -1 if 2 * cell.row < self.rows else 1
            parts += shape(cell, self.x[cell.column], self.y(cell.row), outside)
        return document(WIDTH, self.height, title, parts)


def shape(cell: Cell, x: float, y: float, outside: int = -1) -> Iterator[str]:
    """A cell around a point; `outside` says whether masks enter from above (-1) or from below (1)."""
    if cell.kind == "stop":
        yield f'<path class="wire" d="M{x - 4:.1f} {y + 6:.1f}l4 -12m0 12l4 -12"/>'
        return
    if cell.masks:
        tip, style = y + outside * (HEIGHT / 2 + 7), " training" if cell.masks == "*~" else ""
        yield f'<path class="masks{style}" d="M{x:.1f} {y:.1f}V{tip:.1f}m-4 0l4 -4l4 4l-4 4z"/>'
    style, width = f"{cell.kind}{' training' if cell.training else ''}", cell.width
    if cell.kind != "input":
        radius = HEIGHT / 2 if cell.kind in ("plain", "class") else 3
        yield (
            f'<rect class="{style}" x="{x - width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{width:.1f}" '
            f'height="{HEIGHT}" rx="{radius:g}"/>'
        )
    else:
        yield f'<rect class="under" x="{x - width / 2:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="16"/>'
    yield f'<text class="{style}" x="{x:.1f}" y="{y + 3.8:.1f}">{escape(cell.text)}</text>'


def legend(samples: Sequence[tuple[str, str]]) -> str:
    """Cells with what they mean, in two columns, as an SVG document."""
    parts, half = [], (len(samples) + 1) // 2
    for number, (text, meaning) in enumerate(samples):
        x, y = 46 + WIDTH * (number // half), MARGIN + HEIGHT / 2 + 35 * (number % half)
        (cell,) = parsed(text)
        if cell.kind == "stop" or cell.arrow:
            parts.append(f'<path class="wire" d="M{x - 22} {y}h44"/>')
        parts += [*shape(cell, x, y), f'<text class="words" x="{x + 46}" y="{y + 3.8}">{escape(meaning)}</text>']
    return document(2 * WIDTH, 35 * (half - 1) + HEIGHT + 2 * MARGIN, "Legend", parts)


def document(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """An SVG document that follows the reader's choice of light or dark."""
    light, dark = (";".join(f"--{name}:{of[name]}" for name in COLOURS) for of in (COLOURS, _DARK))
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<title>{escape(title)}</title>",
            f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}{_STYLE}</style>",
            f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _length(text: str) -> float:
    """About how wide a text is in the fonts that readers have."""
    return sum(3.2 if letter in "fijlrt " else 8.0 if letter in "mw" or letter.isupper() else 5.9 for letter in text)


def _head(x: float, y: float, direction: int) -> str:
    """An arrow's head at a point, down (1) or up (-1)."""
    return f'<path class="head" d="M{x:.1f} {y:.1f}l-3.5 {-6 * direction}h7z"/>'


_STYLE = "".join(
    (
        'text{font:11px system-ui,"Segoe UI",Roboto,"Liberation Sans",sans-serif;text-anchor:middle;fill:var(--ink)}',
        "rect{stroke-width:1.2}",
        ".card{fill:var(--paper);stroke:var(--rule)}",
        ".under{fill:var(--paper)}",
        ".wire{fill:none;stroke:var(--muted);stroke-width:1.2}",
        ".head{fill:var(--muted)}",
        "rect.stage,rect.layer{fill:var(--rule);stroke:var(--context)}",
        "rect.plain{fill:var(--paper);stroke:var(--ink)}",
        "rect.learnt{fill:var(--accent);stroke:var(--accent)}",
        "text.learnt,text.class{fill:var(--paper)}",
        "rect.tokens{fill:var(--paper);stroke:var(--accent);stroke-width:2}",
        "rect.class{fill:var(--ink);stroke:var(--ink)}",
        ".masks{fill:var(--accent);stroke:var(--accent)}",
        ".masks.training{fill:var(--paper)}",
        "rect.training{fill:var(--paper);stroke:var(--muted)}",
        "rect.training,.wire.training{stroke-dasharray:3 2.5}",
        "text.training{fill:var(--ink)}",
        "text.words{text-anchor:start}",
    )
)
