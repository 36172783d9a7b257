"""The header of a PLY file: what elements follow, how many, and what each of their properties is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from afnetm.data.formats.text import shown
from afnetm.errors import UserError

#: Bytes of a header are at most this many: a hundred properties take a twentieth.
MAX_HEADER = 2**16
#: The encodings, and numpy's sign for the order of bytes in which each is given to trimesh.
ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"), **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"), **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"), **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"), **dict.fromkeys(("double", "float64"), "f8"),
}  # fmt: skip


@dataclass(frozen=True)
class Property:
    """A number, or a list of numbers, that every element of a kind has.

    Attributes:
        name: as it stands in the file.
        kind: numpy's sign for its type, without the order of bytes.
        count: that of a list's length; None for a single number.
    """

    name: str
    kind: str
    count: str | None = None

    def declared(self, name: str) -> str:
        """Its line in a header, under another name."""
        words = {short: long for long, short in _TYPES.items()}
        kind = f"list {words[self.count]} {words[self.kind]}" if self.count else words[self.kind]
        return f"property {kind} {name}\n"


@dataclass(frozen=True)
class Element:
    """How many of a kind there are, and what each has."""

    name: str
    length: int
    properties: list[Property]

    def layout(self, order: str, first: Callable[[np.dtype[Any], str], int]) -> np.dtype[Any]:
        """The type of a row, provided that lists are as long in every row as in the first.

        Args:
            order: numpy's sign for the order of bytes.
            first: the length of a list in the first row, from the layout of what is before it and the type it has.

        Returns:
            Two fields for a list, ``n...`` with its length and ``p...`` with its numbers, one ``p...`` for a number.
        """
        fields: list[tuple[str, str, tuple[int]]] = []
        for number, one in enumerate(self.properties):
            length = 1
            if one.count:
                length = first(np.dtype(fields), order + one.count)
                fields.append((f"n{number}", order + one.count, (1,)))
            fields.append((f"p{number}", order + one.kind, (length,)))
        return np.dtype(fields)


@dataclass(frozen=True)
class Header:
    """A header: the encoding, the elements of which there are any, the pictures named, and its own bytes."""

    encoding: str
    elements: list[Element]
    pictures: tuple[str, ...]
    size: int


def read_header(content: bytes, name: str) -> Header:
    """The header at the beginning of `content`; raises `UserError` that begins with `name` where there is none."""
    end = re.search(rb"^end_header[ \t]*(?:\r\n|\n|\r)", content[:MAX_HEADER], re.MULTILINE)
    lines = content[: end.start() if end else 0].decode("utf-8", "replace").splitlines()
    if end is None or lines[0].strip().lower() != "ply":
        raise UserError(f"{name}: not PLY ('ply' in the first line, 'end_header' within {MAX_HEADER} bytes)")
    encoding, pictures = None, []
    elements: list[Element] = []
    for number, line in enumerate(lines[1:], start=2):
        match line.split():
            case ["format", kind, "1.0"] if kind in ORDERS and encoding is None:
                encoding = kind
            case ["comment", word, *_] if word.lower() == "texturefile":
                pictures.append(line.split(maxsplit=2)[2].strip() if len(line.split()) > 2 else "")
            case [] | ["comment" | "obj_info", *_]:
                pass
            case ["element", what, length] if re.fullmatch(r"[0-9]{1,10}", length, re.ASCII):
                elements.append(Element(what, int(length), []))
            case ["property", "list", count, kind, what] if elements and {count, kind} <= _TYPES.keys():
                elements[-1].properties.append(Property(what, _TYPES[kind], _TYPES[count]))
            case ["property", kind, what] if elements and kind in _TYPES:
                elements[-1].properties.append(Property(what, _TYPES[kind]))
            case _:
                raise UserError(f"{name}, line {number}: {shown(line.encode())} is not understood in a PLY header")
    if encoding is None:
        raise UserError(f"{name}: its header names no format (allowed: {', '.join(ORDERS)})")
    there = [element for element in elements if element.length]
    return Header(encoding, there, tuple(dict.fromkeys(pictures)), end.end())
