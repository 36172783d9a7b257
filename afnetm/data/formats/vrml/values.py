"""The values of VRML 2.0 fields. Numbers are taken in bulk: one regular expression checks them, NumPy converts them.

Python's own `float` would take more than the standard allows: ``nan``, ``inf``, ``1_000``, digits of other scripts.
"""

import re

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.text import Text, shown
from afnetm.data.formats.vrml.syntax import Entry
from afnetm.errors import UserError

_END = rb"(?![^ \t\r\n,])"
_FLOATS = re.compile(
    rb"(?:[ \t\r\n,]*+[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?" + _END + rb")*+[ \t\r\n,]*+"
)
_INTEGERS = re.compile(rb"(?:[ \t\r\n,]*+[+-]?(?:0[xX][0-9a-fA-F]++|[0-9]++)" + _END + rb")*+[ \t\r\n,]*+")
_TOKEN = re.compile(rb"[^ \t\r\n,]++")
_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(rb'\\(["\\])')
_COMMAS = bytes.maketrans(b",", b" ")
#: Whatever is larger is out of every range.
_HUGE = 2**31 - 1


def floats(text: Text, entry: Entry, width: int) -> NDArray[np.float32]:
    """The rows of a field of vectors, ``(N, width)`` float32.

    Raises:
        UserError: something is no number or larger than float32 holds, or the last row is short.
    """
    content = _checked(text, entry, _FLOATS)
    with np.errstate(over="ignore"):
        values = np.fromstring(content.translate(_COMMAS), sep=" ").astype(np.float32)
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
    content = _checked(text, entry, _INTEGERS)
    if b"x" in content or b"X" in content:
        values = np.fromiter(map(_integer, _TOKEN.finditer(content)), np.int64)
    else:
        values = np.fromstring(content.translate(_COMMAS), dtype=np.int64, sep=" ")
    return values.clip(-_HUGE, _HUGE, out=values).astype(np.int32)


def strings(text: Text, entry: Entry) -> tuple[str, ...]:
    """The strings of a field, quotes and escapes undone.

    Raises:
        UserError: one is no UTF-8.
    """
    found = []
    for string in _STRING.finditer(text.content, entry.start, entry.end):
        try:
            found.append((_ESCAPED.sub(rb"\1", string[1]) if b"\\" in string[1] else string[1]).decode())
        except UnicodeDecodeError:
            raise text.error(string.start(), f"{shown(string[1])} in {entry.field} is not UTF-8") from None
    return tuple(found)


def token_error(text: Text, entry: Entry, index: int, reason: str) -> UserError:
    """The error that number `index` of a field is wrong, with its line."""
    for number, token in enumerate(_TOKEN.finditer(text.content, entry.start, entry.end)):
        if number == index:
            return text.error(token.start(), f"{shown(token[0])} in {entry.field} {reason}")
    raise IndexError(index)


def _checked(text: Text, entry: Entry, allowed: re.Pattern[bytes]) -> bytes:
    content = entry.within(text)
    found = allowed.match(content)
    if found and found.end() < len(content):
        wrong = _TOKEN.match(content, found.end())
        kind = "a number" if allowed is _FLOATS else "an integer"
        raise text.error(
            entry.start + found.end(), f"{shown(wrong[0] if wrong else b'')} in {entry.field} is not {kind}"
        )
    return content


def _integer(found: re.Match[bytes]) -> int:
    hexadecimal = b"x" in found[0] or b"X" in found[0]
    # As a float, since Python's own integers refuse thousands of digits; exact as far as it matters.
    return int(max(-_HUGE, min(int(found[0], 16) if hexadecimal else float(found[0]), _HUGE)))
