"""Landmarks as CSV: a row a point, either ``name,x,y,z`` or ``x,y,z`` in the order of a known set."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.csv_rows import read_csv
from afnetm.errors import UserError

#: Larger files are none of landmarks, bytes: 83 of them take 5 kB.
MAX_BYTES = 2**16
#: Coordinates further out are of no face, mm.
MAX_COORDINATE = 1e5
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, eq=False)
class LandmarkTable:
    """The rows of a table.

    Attributes:
        names: a name a row, no two differ in case only; None where the table has no names.
        points: ``(n, 3)`` float64 mm, NaN where a row's coordinates are empty.
    """

    names: tuple[str, ...] | None
    points: NDArray[np.float64]


def read_landmark_table(content: bytes, name: str) -> LandmarkTable:
    """The landmarks in a CSV file (UTF-8); the first row says which columns it has, where it is not a point itself.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: other columns, a name that is empty or there twice, a coordinate that is no number, or no row.
    """
    if len(content) > MAX_BYTES:
        raise UserError(f"{name}: {len(content)} bytes (allowed for landmarks: up to {MAX_BYTES})")
    rows = read_csv(content, name)
    header = [cell.casefold() for cell in rows[0][1]] if rows else []
    if header in (["name", "x", "y", "z"], ["x", "y", "z"]):
        rows = rows[1:]
    named = len(header) == 4
    if not rows:
        raise UserError(f"{name}: there is no landmark in it")
    names: dict[str, str] = {}
    points = []
    for number, row in rows:
        if len(row) != 3 + named:
            raise UserError(f"{name}, line {number}: {len(row)} cells (allowed: x, y, z or name, x, y, z in every row)")
        if named and (not row[0] or row[0].casefold() in names):
            raise UserError(f"{name}, line {number}: the landmark's name {row[0][:60]!r} is empty or there twice")
        names[row[0].casefold()] = row[0]
        points.append(_point(row[-3:], f"{name}, line {number}"))
    return LandmarkTable(tuple(names.values()) if named else None, np.array(points))


def _point(cells: list[str], where: str) -> list[float]:
    if not any(cells):
        return [np.nan] * 3
    for cell in cells:
        if not _NUMBER.fullmatch(cell) or abs(float(cell)) > MAX_COORDINATE:
            raise UserError(f"{where}: {cell[:40]!r} is no coordinate (allowed: a number of mm, or all three empty)")
    return [float(cell) for cell in cells]
