"""Landmarks as points with or without names, in the spellings of tables, of JSON and of programs that pick points."""

import json
import re
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.csv_rows import DELIMITERS, csv_rows, table_text
from afnetm.data.formats.text import without_mark
from afnetm.errors import UserError

#: Larger files are none of landmarks, bytes: 83 of them take 5 kB.
MAX_BYTES = 2**16
#: Coordinates further out are of no face, mm.
MAX_COORDINATE = 1e5
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_AXES, _NAMES = ("x", "y", "z"), ("name", "label", "landmark")
#: Lines of ``.pts`` around its points, and the line of ``.fcsv`` that says which columns it has.
_AROUND = re.compile(r"\s*(?:version\s*:.*|n_points\s*:.*|[{}])\s*", re.IGNORECASE)
_COLUMNS = re.compile(r"#\s*columns\s*=(.*)")


@dataclass(frozen=True, eq=False)
class LandmarkTable:
    """The points of a file.

    Attributes:
        names: a name a point, no two differ in case only; None where there are no names.
        points: ``(n, 3)`` float64 mm, NaN where a point's coordinates are empty.
    """

    names: tuple[str, ...] | None
    points: NDArray[np.float64]


#: A point as it is read: where it stands, its name, empty where there are none, and its coordinates.
_Row = tuple[str, str, list[str]]


def read_landmark_table(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in a table: ``.csv``, ``.tsv``, ``.txt``, ``.pts``, and ``.fcsv`` of 3D Slicer.

    Between cells are tabs, semicolons, commas, or else spaces; then a name may have spaces too. The first row says
    which columns there are (x, y, z, and name), where it is not a point itself: else they are (name,) x, y, z.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: other columns, a name that is empty or duplicated, a coordinate that is no number, or no row.
    """
    _check_size(content, name)
    columns: list[str] = []
    lines = table_text(content, name).splitlines()
    for at, line in enumerate(lines):
        if found := _COLUMNS.match(line):
            columns = [cell.strip().casefold() for cell in found[1].split(",")]
        if line.startswith("#") or _AROUND.fullmatch(line):
            lines[at] = ""  # so that the others keep their numbers
    first = next((line for line in lines if line.strip()), "")
    if any(mark in first for mark in DELIMITERS):
        rows = csv_rows("\n".join(lines), name)
    else:
        rows = [(number, _between_spaces(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise UserError(f"{name}: it contains no landmarks")
    if not columns:
        columns, headed = _columns(rows[0][1], f"{name}, line {rows[0][0]}")
        rows = rows[headed:]
    for number, row in rows:
        if len(row) != len(columns):
            raise UserError(f"{name}, line {number}: {len(row)} cells (allowed: x, y, z or name, x, y, z in every row)")
    named = next((columns.index(column) for column in _NAMES if column in columns), None)
    axes = [columns.index(axis) for axis in _AXES]
    return _table(
        [
            (f", line {number}", "" if named is None else row[named], [row[axis] for axis in axes])
            for number, row in rows
        ],
        name,
    )


def read_landmark_json(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in JSON: ``{name: [x, y, z]}``, ``[[x, y, z]]``, or as 3D Slicer writes them (``.mrk.json``).

    Raises:
        UserError: as of `read_landmark_table`.
    """
    _check_size(content, name)
    try:
        tree = json.loads(without_mark(content))
        if isinstance(tree, dict) and "markups" in tree:
            points = [point for markup in tree["markups"] for point in markup["controlPoints"]]
            found = [(str(point["label"]), point["position"]) for point in points]
        else:
            found = list(tree.items()) if isinstance(tree, dict) else [("", point) for point in tree]
        rows = [
            (f", point {at}", named, [""] * 3 if point is None else [str(number) for number in point])
            for at, (named, point) in enumerate(found, start=1)
        ]
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{name}: no landmarks in it ({type(error).__name__}; allowed: {{name: [x, y, z]}})") from None
    return _table(rows, name)


def read_picked_points(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in a ``.pp`` file of MeshLab; a point that is not active is missing.

    Raises:
        UserError: as of `read_landmark_table`, or no such file.
    """
    _check_size(content, name)
    try:
        if b"<!ENTITY" in content.replace(b"\0", b""):  # in whichever encoding
            raise ElementTree.ParseError("entities")
        points = list(ElementTree.fromstring(content).iter("point"))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(f"{name}: not a file of picked points ({error})") from None
    return _table(
        [
            (
                f", point {at}",
                point.get("name", ""),
                [point.get(axis, "?") if point.get("active", "1") == "1" else "" for axis in _AXES],
            )
            for at, point in enumerate(points, start=1)
        ],
        name,
    )


def _check_size(content: bytes, name: str) -> None:
    if len(content) > MAX_BYTES:
        raise UserError(f"{name}: {len(content)} bytes (allowed for landmarks: up to {MAX_BYTES})")


def _columns(first: list[str], where: str) -> tuple[list[str], bool]:
    """The columns that a first row names or, as a point, has; and whether it names them."""
    columns = [cell.casefold() for cell in first]
    if not set(_AXES) <= set(columns):
        return [*_AXES] if len(columns) == 3 else ["name", *_AXES], False
    for column in columns:
        if column not in (*_AXES, *_NAMES) or columns.count(column) > 1:
            raise UserError(f"{where}: column {column[:60]!r} is unknown or duplicated (allowed: name, x, y, z)")
    return columns, True


def _between_spaces(line: str) -> list[str]:
    """The last three words of a line and, before them, the name."""
    words = line.split()
    return [" ".join(words[:-3]), *words[-3:]] if len(words) > 3 else words


def _table(rows: list[_Row], file: str) -> LandmarkTable:
    if not rows:
        raise UserError(f"{file}: it contains no landmarks")
    named = any(name for _, name, _ in rows)
    names: dict[str, str] = {}
    for where, name, _ in rows if named else ():
        if not name or name.casefold() in names:
            raise UserError(f"{file}{where}: the landmark's name {name[:60]!r} is empty or duplicated")
        names[name.casefold()] = name
    # A comma is a decimal mark where there is no other; where there are both, either may be of thousands.
    decimal = "," if not any("." in cell for _, _, cells in rows for cell in cells) else "."
    points = [_point([cell.replace(decimal, ".") for cell in cells], f"{file}{where}") for where, _, cells in rows]
    return LandmarkTable(tuple(names.values()) if named else None, np.array(points))


def _point(cells: list[str], where: str) -> list[float]:
    if len(cells) != 3:
        raise UserError(f"{where}: {len(cells)} coordinates (allowed: 3)")
    if all(cell.casefold() in {"", "nan"} for cell in cells):
        return [np.nan] * 3
    for cell in cells:
        if not _NUMBER.fullmatch(cell) or abs(float(cell)) > MAX_COORDINATE:
            raise UserError(f"{where}: {cell[:40]!r} is not a coordinate (allowed: a number of mm, or all three empty)")
    return [float(cell) for cell in cells]
