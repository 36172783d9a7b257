"""The values of VRML fields: numbers, strings, and the polygons of an IndexedFaceSet, checked and cut into triangles.

Numbers are legal or not by a regular expression a token, for Python's own `float` would take more than the standard
allows (``nan``, ``inf``, ``1_000``, digits of other scripts). That is slow, so Arrow takes whole arrays first: of the
characters of decimal numbers it takes nothing that is not legal, and what it does not take is looked at one by one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import csv

from afnetm.data.formats.surface import fans
from afnetm.data.formats.text import Text, decoded, formatted
from afnetm.data.formats.vrml_syntax import Entry
from afnetm.errors import UserError

_FLOAT = re.compile(rb"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_INTEGER = re.compile(rb"[+-]?(?:0[xX][0-9a-fA-F]++|[0-9]++)")
_TOKEN = re.compile(rb"[^ \t\r\n,]++")
_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(rb'\\(["\\])')
_LINES = bytes.maketrans(b", \t\r", b"\n\n\n\n")
#: Whatever is larger is out of every range.
_HUGE = 2**31 - 1
#: Shorter fields are read one by one, bytes: a table takes 0.3 ms to set up.
_MANY = 4096


def floats(text: Text, entry: Entry, width: int) -> NDArray[np.float32]:
    """The rows of a field of vectors, ``(N, width)`` float32.

    Raises:
        UserError: something is no number or larger than float32 holds, or the last row is short.
    """
    values = _at_once(entry.within(text), pyarrow.float64(), b"0123456789+-.eE\n")
    if values is None:
        values = np.fromiter((float(token) for token in _tokens(text, entry, _FLOAT, "a number")), np.float64)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        raise token_error(text, entry, int(np.argmin(finite)), "is too large")
    if len(values) % width:
        raise text.error(entry.start, f"{entry.field} has {len(values)} numbers (allowed: multiples of {width})")
    return values.reshape(-1, width)


def integers(text: Text, entry: Entry) -> NDArray[np.int32]:
    """The values of a field of integers, ``(N,)`` int32; those beyond int32 are its ends.

    Raises:
        UserError: something is no integer.
    """
    values = _at_once(entry.within(text), pyarrow.int32(), b"0123456789+-\n")
    if values is None:
        return np.fromiter(map(_integer, _tokens(text, entry, _INTEGER, "an integer")), np.int32)
    return values


def strings(text: Text, entry: Entry) -> tuple[str, ...]:
    """The strings of a field, quotes and escapes undone."""
    found = _STRING.finditer(text.content, entry.start, entry.end)
    return tuple(decoded(_ESCAPED.sub(rb"\1", string[1]) if b"\\" in string[1] else string[1]) for string in found)


def token_error(text: Text, entry: Entry, index: int, reason: str) -> UserError:
    """The error that number `index` of a field is wrong, with its line."""
    for number, token in enumerate(_TOKEN.finditer(text.content, entry.start, entry.end)):
        if number == index:
            return text.error(token.start(), f"{formatted(token[0])} in {entry.field} {reason}")
    raise IndexError(index)


def _at_once(content: bytes, kind: pyarrow.DataType, characters: bytes) -> NDArray[Any] | None:
    """All numbers of `content`, read as a table of one column; None where one needs a closer look, or they are few."""
    if len(content) < _MANY:
        return None
    lines = content.translate(_LINES)
    if lines.translate(None, characters):
        return None
    try:
        table = csv.read_csv(
            pyarrow.BufferReader(lines),
            csv.ReadOptions(use_threads=False, block_size=len(lines) + 1, column_names=["number"]),
            csv.ParseOptions(quote_char=False),
            csv.ConvertOptions(column_types={"number": kind}, null_values=[]),
        )
    except pyarrow.ArrowInvalid:
        return None
    return np.asarray(table["number"])


def _tokens(text: Text, entry: Entry, legal: re.Pattern[bytes], kind: str) -> Iterator[bytes]:
    for token in _TOKEN.finditer(text.content, entry.start, entry.end):
        if not legal.fullmatch(token[0]):
            raise text.error(token.start(), f"{formatted(token[0])} in {entry.field} is not {kind}")
        yield token[0]


def _integer(token: bytes) -> int:
    hexadecimal = b"x" in token or b"X" in token
    # As a float, since Python's own integers refuse thousands of digits; exact as far as it matters.
    return int(max(-_HUGE, min(int(token, 16) if hexadecimal else float(token), _HUGE)))


@dataclass(frozen=True, eq=False)
class Polygons:
    """The polygons of one index field.

    Attributes:
        text: of the file, for errors.
        entry: the field.
        index: ``(N,)`` int32, corners and a -1 after every polygon, the last one too.
        starts: ``(P,)`` int64, where in `index` each polygon begins.
        sizes: ``(P,)`` int64, how many corners each has.
    """

    text: Text
    entry: Entry
    index: NDArray[np.int32]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @staticmethod
    def read(text: Text, entry: Entry) -> "Polygons":
        """The polygons of `entry`; the last one's -1 may be missing.

        Raises:
            UserError: a value is no integer, or there is no polygon.
        """
        index = integers(text, entry)
        if not len(index):
            raise text.error(entry.start, f"{entry.field} is empty")
        if index[-1] != -1:
            index = np.append(index, np.int32(-1))
        ends = np.flatnonzero(index == -1)
        starts = np.append(0, ends[:-1] + 1)
        return Polygons(text, entry, index, starts, ends - starts)

    def check(self, count: int) -> None:
        """Refuses what is no polygon over `count` vertices.

        Scanners' meshes hold triangles with a corner twice: they cover nothing, so that no ray can meet them, and stay.

        Raises:
            UserError: one has fewer than 3 corners or more than there are vertices, or a corner that does not exist.
        """
        self._check_range(count)
        if (few := self.sizes < 3).any():
            raise self._error(few, "allowed: 3 and more")
        if (many := self.sizes > count).any():
            raise self._error(many, f"allowed: up to {count}, the number of vertices")

    def check_places(self, others: "Polygons", count: int) -> None:
        """Refuses texture polygons that are not, corner by corner, those of the surface.

        Raises:
            UserError: their corners differ in number, or one is none of the `count` texture coordinates.
        """
        self._check_range(count)
        same = min(len(self.sizes), len(others.sizes))
        if (differs := self.sizes[:same] != others.sizes[:same]).any():
            raise self._error(differs, f"allowed: as many as in {others.entry.field}")
        if len(self.sizes) != len(others.sizes):
            reason = f"{self.entry.field} has {len(self.sizes)} polygons (allowed: {len(others.sizes)})"
            raise self.text.error(self.entry.start, reason)

    def check_triangles(self) -> None:
        """Refuses polygons of more than 3 corners: fans are right for convex ones only."""
        if (many := self.sizes > 3).any():
            raise self._error(many, "allowed with convex FALSE: 3")

    def triangles(self) -> NDArray[np.int32]:
        """Fans from each polygon's first corner, ``(F, 3)`` int32, in the order of the polygons."""
        return self.index[self.index >= 0][fans(self.sizes)]

    def _check_range(self, count: int) -> None:
        if (outside := (self.index < -1) | (self.index >= count)).any():
            reason = f"is out of range (allowed: 0 to {count - 1})"
            raise token_error(self.text, self.entry, int(np.argmax(outside)), reason)

    def _error(self, wrong: NDArray[np.bool], allowed: str) -> UserError:
        """The error about the first of the `wrong` polygons, ``(P,)`` or fewer."""
        polygon = int(np.argmax(wrong))
        reason = f"begins a polygon of {self.sizes[polygon]} corners ({allowed})"
        return token_error(self.text, self.entry, int(self.starts[polygon]), reason)
