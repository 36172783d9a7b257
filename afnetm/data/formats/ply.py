"""PLY: triangles or quads with texture coordinates by vertex or by corner, as text or binary.

The header is read here and its counts compared with what follows, since trimesh allocates what a header asks for. It is
then given a header that says the same of what is needed and nothing of the rest.
"""

import re
from dataclasses import dataclass

import numpy as np

from afnetm.data.formats.meshes import TriangleMesh, load_triangles
from afnetm.data.formats.text import shown
from afnetm.errors import UserError

#: Bytes of a header are at most this many: a hundred properties take a twentieth.
MAX_HEADER = 2**16
_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"), **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"), **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"), **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"), **dict.fromkeys(("double", "float64"), "f8"),
}  # fmt: skip
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_CORNERS = ("vertex_indices", "vertex_index")
#: What programs call a vertex's texture coordinates.
_UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
_NOT_OF_NUMBERS = re.compile(rb"[^0-9eE.+\-\s]")


@dataclass(frozen=True, eq=False, kw_only=True)
class PlyMesh:
    """What a PLY file holds.

    Attributes:
        mesh: its surface.
        pictures: those it names (``comment TextureFile``), relative to its folder.
    """

    mesh: TriangleMesh
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class _Property:
    name: str
    kind: str  # of numpy, without byte order
    count: str | None = None  # of a list's length


@dataclass(frozen=True)
class _Element:
    name: str
    length: int
    properties: list[_Property]


def read_ply(content: bytes, name: str) -> PlyMesh:
    """What stands in a PLY file.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: it is none, holds something else than vertices and faces with texture coordinates, faces differ in
            their number of corners in a binary file, or the content is not what the header announces.
    """
    encoding, elements, pictures, start = _header(content, name)
    if sorted(element.name for element in elements) != ["face", "vertex"]:
        found = ", ".join(repr(element.name) for element in elements) or "nothing"
        raise UserError(f"{name}: its elements are {found} (allowed: 'vertex' and 'face', once each)")
    lean = [f"ply\nformat {encoding} 1.0\n"]
    wanted: set[str] = set()
    for element in elements:
        names = _needed(element, name)
        wanted |= {names[one.name] for one in element.properties if one.name in names}
        lean.append(f"element {element.name} {element.length}\n")
        for number, one in enumerate(element.properties):
            kind = f"list {_long(one.count)} {_long(one.kind)}" if one.count else _long(one.kind)
            lean.append(f"property {kind} {names.get(one.name, f'other{number}')}\n")
    if not wanted & {"s", "texcoord"}:
        known = ", ".join("/".join(pair) for pair in _UV)
        raise UserError(f"{name}: no texture coordinates (known: {known} of a vertex, 'texcoord' of a face)")
    body = content[start:]
    if encoding == "ascii":
        body = _checked_text(content, start, elements, name)
    else:
        _check_binary(body, elements, _FORMATS[encoding], name)
    mesh = load_triangles("".join([*lean, "end_header\n"]).encode() + body, name, "ply")
    return PlyMesh(mesh=mesh, pictures=tuple(dict.fromkeys(pictures)))


def _header(content: bytes, name: str) -> tuple[str, list[_Element], list[str], int]:
    """The encoding, the elements, the pictures named, and where the header ends."""
    end = re.search(rb"^end_header[ \t]*(?:\r\n|\n|\r)", content[:MAX_HEADER], re.MULTILINE)
    lines = content[: end.start() if end else 0].decode("utf-8", "replace").splitlines()
    if end is None or lines[0].strip().lower() != "ply":
        raise UserError(f"{name}: not PLY ('ply' in the first line, 'end_header' within {MAX_HEADER} bytes)")
    encoding, pictures = None, []
    elements: list[_Element] = []
    for number, line in enumerate(lines[1:], start=2):
        match line.split():
            case ["format", kind, "1.0"] if kind in _FORMATS and encoding is None:
                encoding = kind
            case ["comment", word, *_] if word.lower() == "texturefile":
                pictures.append(line.split(maxsplit=2)[2].strip() if len(line.split()) > 2 else "")
            case [] | ["comment" | "obj_info", *_]:
                pass
            case ["element", what, length] if re.fullmatch(r"[0-9]{1,10}", length, re.ASCII):
                elements.append(_Element(what, int(length), []))
            case ["property", "list", count, kind, what] if elements and {count, kind} <= _TYPES.keys():
                elements[-1].properties.append(_Property(what, _TYPES[kind], _TYPES[count]))
            case ["property", kind, what] if elements and kind in _TYPES:
                elements[-1].properties.append(_Property(what, _TYPES[kind]))
            case _:
                raise UserError(f"{name}, line {number}: {shown(line.encode())} is not understood in a PLY header")
    if encoding is None:
        raise UserError(f"{name}: its header names no format (allowed: {', '.join(_FORMATS)})")
    return encoding, [element for element in elements if element.length], pictures, end.end()


def _needed(element: _Element, name: str) -> dict[str, str]:
    """What of an element is needed, by the name it has, and what trimesh shall call it."""
    single = {one.name for one in element.properties if one.count is None}
    lists = [one for one in element.properties if one.count is not None]
    if element.name == "vertex":
        pair = next((pair for pair in _UV if single >= set(pair)), None)
        if lists or not single >= set("xyz"):
            raise UserError(f"{name}: a vertex needs x, y and z and no lists")
        return {axis: axis for axis in "xyz"} | (dict(zip(pair, "st", strict=True)) if pair else {})
    corners = [one.name for one in lists if one.name in _CORNERS]
    others = {one.name for one in lists} - {*corners, "texcoord"}
    if len(corners) != 1 or others or any(one.count and one.count[0] == "f" for one in lists):
        raise UserError(f"{name}: a face needs one list {_CORNERS[0]!r} and no others but 'texcoord'")
    return {corners[0]: _CORNERS[0], "texcoord": "texcoord"}


def _checked_text(content: bytes, start: int, elements: list[_Element], name: str) -> bytes:
    """The rows of a text file; there are as many as the header says, and nothing but numbers in them."""
    if wrong := _NOT_OF_NUMBERS.search(content, start):
        line = content.count(b"\n", 0, wrong.start()) + 1
        raise UserError(f"{name}, line {line}: {shown(wrong[0])} is not of a number")
    body = content[start:].replace(b"\r\n", b"\n").strip()
    rows, announced = body.count(b"\n") + 1, sum(element.length for element in elements)
    if rows != announced:
        raise UserError(f"{name}: {rows} rows after the header, which announces {announced}")
    return body + b"\n"


def _check_binary(body: bytes, elements: list[_Element], order: str, name: str) -> None:
    at = 0
    for element in elements:
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        size, lengths = 0, {}
        for number, one in enumerate(element.properties):
            if one.count:  # as long in every face as in the first
                kind = np.dtype(order + one.count)
                first = body[at + size : at + size + kind.itemsize]
                if len(first) < kind.itemsize:
                    raise UserError(f"{name}: cut off at offset {len(body)} after the header")
                length = lengths[f"n{number}"] = int(np.frombuffer(first, kind)[0])
                fields.append((f"n{number}", order + one.count))
                size += kind.itemsize
            else:
                length = 1
            if not 0 <= length * np.dtype(one.kind).itemsize <= len(body):
                raise UserError(f"{name}, offset {at} after the header: a list of {length} is longer than the file")
            fields.append((f"p{number}", order + one.kind, (length,)))
            size += length * np.dtype(one.kind).itemsize
        if at + element.length * size > len(body):
            raise UserError(
                f"{name}: {len(body)} bytes after the header are too few for {element.length} of element "
                f"{element.name!r}, {size} bytes each"
            )
        rows = np.frombuffer(body, np.dtype(fields), element.length, at)
        if any((rows[field] != length).any() for field, length in lengths.items()):
            raise UserError(f"{name}: its faces differ in their number of corners (allowed in a text file only)")
        at += element.length * size
    if at != len(body):
        raise UserError(f"{name}: {len(body) - at} bytes too many at its end")


def _long(kind: str | None) -> str:
    return next(name for name, short in _TYPES.items() if short == kind)
