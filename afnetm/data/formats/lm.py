"""``.lm2`` and ``.lm3``: the named landmarks of Bosphorus, in its photograph (pixels) and on its surface (mm).

Both are text of lines; blank lines and those with ``#`` say nothing. In ``.lm2`` the first number is a count, then come
``Labels:`` and the names, then ``2D Image coordinates:`` and the points. In ``.lm3``, ``N landmarks:`` is followed by a
name and a point in turn. Any subset of the names may be there. A point with a coordinate that is ``nan`` or the
background of a range image (`afnetm.data.formats.bnt`) was not measured, and its landmark is missing.
"""

import math
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.bnt import BACKGROUND
from afnetm.data.formats.text import without_mark
from afnetm.errors import UserError

#: Larger files are none of landmarks: 22 of them take 2 kB.
MAX_BYTES = 2**16
#: Coordinates further out are of no picture and no face.
MAX_COORDINATE = 1e5
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class NamedPoints:
    """Landmarks by name.

    Attributes:
        names: as the file spells them, with single spaces; no two differ in case only.
        points: ``(len(names), 2)`` float64 pixels or ``(len(names), 3)`` float64 mm; NaN where not measured.
    """

    names: tuple[str, ...]
    points: NDArray[np.float64]

    def pick(self, names: Iterable[str]) -> NDArray[np.float64]:
        """The points called `names`, whatever their case; NaN where there is none."""
        rows = {name.casefold(): row for row, name in enumerate(self.names)}
        picked = [rows.get(name.casefold(), -1) for name in names]
        return np.concatenate([self.points, np.full((1, self.points.shape[1]), np.nan)])[picked]


def read_lm2(content: bytes, name: str) -> NamedPoints:
    """The landmarks in the photograph, ``(n, 2)`` pixels.

    Names nobody knows are read like others (some files have ears): who wants certain ones picks them.

    Raises:
        UserError: begins with `name` and says in which line: no such text, a count that is wrong, a name given twice,
            or a coordinate that is no number.
    """
    lines = _Lines(content, name)
    count = lines.count(r"\D*(\d+)\b.*")
    lines.seek("labels:")
    labels = [lines.label() for _ in range(count)]
    lines.seek("2d image coordinates:")
    points = [lines.point(2) for _ in range(count)]
    lines.end()
    return NamedPoints(tuple(labels), np.array(points).reshape(-1, 2))


def read_lm3(content: bytes, name: str) -> NamedPoints:
    """The landmarks on the surface, ``(n, 3)`` mm; as `read_lm2` otherwise."""
    lines = _Lines(content, name)
    count = lines.count(r"(\d+) landmarks:")
    pairs = [(lines.label(), lines.point(3)) for _ in range(count)]
    lines.end()
    return NamedPoints(tuple(label for label, _ in pairs), np.array([point for _, point in pairs]).reshape(-1, 3))


def write_lm2(landmarks: NamedPoints) -> bytes:
    """The file of `landmarks`, ``(n, 2)`` pixels."""
    points = (f"{x:.4f} {y:.4f}" for x, y in landmarks.points)
    return _text(f"{len(landmarks.names)} landmarks", "Labels:", *landmarks.names, "2D Image coordinates:", *points)


def write_lm3(landmarks: NamedPoints) -> bytes:
    """The file of `landmarks`, ``(n, 3)`` mm."""
    points = (f"{x:.5f} {y:.5f} {z:.5f}" for x, y, z in landmarks.points)
    pairs = (line for pair in zip(landmarks.names, points, strict=True) for line in pair)
    return _text(f"{len(landmarks.names)} landmarks:", *pairs)


def _text(*lines: str) -> bytes:
    return "\r\n".join((*lines, "")).encode("ascii")


class _Lines:
    """The lines that say something, taken one after the other."""

    def __init__(self, content: bytes, name: str) -> None:
        self._name = name
        if len(content) > MAX_BYTES:
            raise UserError(f"{name}: {len(content)} bytes (allowed for landmarks: up to {MAX_BYTES})")
        lines = enumerate(without_mark(content).splitlines(), start=1)
        # Comments may be of any encoding; what is left is plain.
        self._lines = deque((number, line) for number, line in lines if line.strip() and b"#" not in line)
        self._number = 0
        self._seen: set[str] = set()

    def error(self, message: str) -> UserError:
        return UserError(f"{self._name}, line {self._number}: {message}")

    def take(self, wanted: str) -> str:
        if not self._lines:
            raise UserError(f"{self._name}: ends where {wanted} should be")
        self._number, line = self._lines.popleft()
        if not (line.isascii() and (text := " ".join(line.decode("ascii").split())).isprintable()):
            raise self.error(f"{line[:40]!r} is not plain text (allowed: {wanted})")
        return text

    def seek(self, heading: str) -> None:
        while self.take(repr(heading)).casefold() != heading:
            pass

    def count(self, pattern: str) -> int:
        """The number in the first line that is like `pattern`: so many landmarks follow."""
        match = None
        while not match:
            match = re.fullmatch(pattern, self.take("the number of landmarks"), re.IGNORECASE | re.ASCII)
        # More than there are lines would be found missing only after they were asked for one by one.
        if len(match[1]) > 5 or int(match[1]) > len(self._lines):
            raise self.error(f"{match[1][:20]} landmarks, and {len(self._lines)} lines follow")
        return int(match[1])

    def label(self) -> str:
        text = self.take("a landmark's name")
        if not text[0].isalpha():
            raise self.error(f"{text[:60]!r} is not the name of a landmark (allowed: one that begins with a letter)")
        if text.casefold() in self._seen:
            raise self.error(f"{text[:60]!r} is named twice")
        self._seen.add(text.casefold())
        return text

    def point(self, dimensions: int) -> list[float]:
        fields = self.take(f"a point of {dimensions} numbers").split()
        if len(fields) == dimensions and all(_NUMBER.fullmatch(field) for field in fields):
            point = [float(field) for field in fields]
            if any(value == BACKGROUND or math.isnan(value) for value in point):
                return [math.nan] * dimensions
            if max(map(abs, point)) <= MAX_COORDINATE:
                return point
        raise self.error(f"{' '.join(fields)[:60]!r} (allowed: {dimensions} numbers, up to {MAX_COORDINATE:g})")

    def end(self) -> None:
        if self._lines:
            raise self.error(f"{self.take('the end')[:60]!r} follows the last landmark (allowed: nothing)")
