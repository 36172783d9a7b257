"""The values of VRML 2.0 fields.

Numbers are legal or not by a regular expression a token, for Python's own `float` would take more than the standard
allows (``nan``, ``inf``, ``1_000``, digits of other scripts). That is slow, so Arrow takes whole arrays first: of the
characters of decimal numbers it takes nothing that is not legal, and what it does not take is looked at one by one.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import csv

from afnetm.data.formats.text import Text, decoded, formatted
from afnetm.data.formats.vrml.syntax import Entry
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
        raise token_error(text, entry, int(np.argmin(finite)), "is too large a number")
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
