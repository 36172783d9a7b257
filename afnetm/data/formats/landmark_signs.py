"""Whether a file that was found by its name alone may hold landmarks, or is a note or another program's settings."""

import json
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from afnetm.data.formats.landmark_table import AROUND, MAX_BYTES
from afnetm.data.formats.text import decoded, without_mark

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?|nan"
#: A row that ends with two numbers, as a point does, and one that names their columns.
_ROW = re.compile(rf"(?:.*[\s,;])?\"?(?:{_NUMBER})\"?[\s,;]+\"?(?:{_NUMBER})\"?[\s,;]*", re.IGNORECASE)
_HEADER = re.compile(r"(?:.*[\s,;])?\"?x\"?[\s,;]+\"?y\b.*", re.IGNORECASE)
#: A point of JSON that is damaged: its first two numbers, or a coordinate by its name.
_POINT = re.compile(rf"\[\s*(?:{_NUMBER})\s*,\s*(?:{_NUMBER})\b|\"x\"\s*:", re.IGNORECASE)
#: Keys of JSON that landmarks are within.
_WITHIN = ("landmarks", "points", "markups", "groups")


def may_be_landmarks(content: bytes, name: str) -> bool:
    """Whether a file beside a mesh, of its name, is to be read as its landmarks; its reader then refuses what is wrong.

    Most lines of a table (``.csv``, ``.tsv``, ``.txt``, ``.pts``) must end with two numbers, empty lines and comments
    aside; most members of a ``.json`` must be points, or it has a key that landmarks are within; a ``.pp`` must have
    picked points. Files of other kinds (``.bnd``, ``.lm3``, ``.fcsv``, ``.ljson``) are of landmarks alone.
    """
    sign = _SIGNS.get(PurePosixPath(name).suffix.lower())
    return sign is None or sign(content)


def _in_rows(content: bytes) -> bool:
    lines = [line.strip() for line in decoded(content[:MAX_BYTES]).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return _most([any(sign.fullmatch(line) for sign in (_ROW, _HEADER, AROUND)) for line in lines])


def _in_json(content: bytes) -> bool:
    content = content[:MAX_BYTES]  # more is refused by the reader
    try:
        tree = json.loads(without_mark(content))
    except (RecursionError, ValueError):
        return bool(_POINT.search(decoded(content)))
    if isinstance(tree, dict):
        return any(isinstance(tree.get(key), dict | list) for key in _WITHIN) or _most(
            list(map(_is_point, tree.values()))
        )
    return isinstance(tree, list) and _most(list(map(_is_point, tree)))


def _picked(content: bytes) -> bool:
    return "<point" in decoded(content[:MAX_BYTES]).casefold()


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        return {"x", "y"} <= value.keys()
    return (
        isinstance(value, list) and len(value) in (2, 3) and all(isinstance(one, int | float | None) for one in value)
    )


def _most(signs: list[bool]) -> bool:
    return sum(signs) > len(signs) / 2


_SIGNS: dict[str, Callable[[bytes], bool]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".pts"), _in_rows),
    ".json": _in_json,
    ".pp": _picked,
}
