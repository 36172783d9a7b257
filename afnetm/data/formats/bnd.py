"""BU-3DFE's ``.bnd`` files: 83 landmarks, each with its vertex."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.text import Text, formatted, without_mark
from afnetm.errors import UserError

#: How many landmarks a file has.
LANDMARKS = 83
_LARGEST = float(np.finfo(np.float32).max)
_LINE = re.compile(rb"[^\r\n]++")
_INTEGER = re.compile(rb"[0-9]{1,9}+")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")


@dataclass(frozen=True, eq=False)
class Bnd:
    """The landmarks of one scan.

    Attributes:
        indices: ``(83,)`` int64, the 0-based vertex of each landmark in the ``_F3D`` mesh.
        points: ``(83, 3)`` float32, in the mesh's frame and unit.
    """

    indices: NDArray[np.int64]
    points: NDArray[np.float32]


def read_bnd(content: bytes, name: str) -> Bnd:
    """The landmarks in the file with this content; `name` begins every error.

    A row is the vertex's index, then x, y and z; any white space between them, any line end, blank lines anywhere.

    Raises:
        UserError: a row is anything else, or there are not 83.
    """
    content = without_mark(content)
    text = Text(content, name)
    indices: list[int] = []
    points: list[list[float]] = []
    for line in _LINE.finditer(content):
        row = line[0].split()
        if not row:
            continue
        if len(indices) == LANDMARKS:
            raise text.error(line.start(), f"one landmark too many (allowed: {LANDMARKS})")
        index, point = _row(text, line.start(), row)
        indices.append(index)
        points.append(point)
    if len(indices) < LANDMARKS:
        raise UserError(f"{name}: {len(indices)} landmarks (allowed: {LANDMARKS})")
    return Bnd(np.array(indices, np.int64), np.array(points, np.float32))


def write_bnd(bnd: Bnd) -> bytes:
    """The content of a ``.bnd`` file with these landmarks; `read_bnd` reads back the same."""
    rows = zip(bnd.indices.tolist(), bnd.points.tolist(), strict=True)
    return "".join(f"{index}\t\t{x:.9g} {y:.9g} {z:.9g}\r\n" for index, (x, y, z) in rows).encode()


def _row(text: Text, offset: int, row: list[bytes]) -> tuple[int, list[float]]:
    if len(row) != 4:
        raise text.error(offset, f"{len(row)} numbers (allowed: 4, a vertex's index and its x, y, z)")
    if not _INTEGER.fullmatch(row[0]):
        raise text.error(offset, f"{formatted(row[0])} is not a vertex's index")
    for number in row[1:]:
        if not _NUMBER.fullmatch(number) or not abs(float(number)) <= _LARGEST:
            raise text.error(offset, f"{formatted(number)} is not a valid coordinate")
    return int(row[0]), [float(number) for number in row[1:]]
