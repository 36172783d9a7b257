"""PLY: polygons with texture coordinates by vertex or corner, or colours, as text or binary, with whatever else."""

import re
import struct
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.surface import Paint, Surface, as_shares, fans, surface
from afnetm.data.formats.text import formatted, without_mark
from afnetm.errors import UserError

#: Bytes of a header are at most this many: a hundred properties take a twentieth.
MAX_HEADER = 2**16
#: The encodings, with the order of bytes as `struct` and numpy write it; a text is turned into numbers of this machine.
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
#: The types of numbers, as `struct` and numpy both call them.
_KINDS = {
    **dict.fromkeys(("char", "int8"), "b"), **dict.fromkeys(("uchar", "uint8"), "B"),
    **dict.fromkeys(("short", "int16"), "h"), **dict.fromkeys(("ushort", "uint16"), "H"),
    **dict.fromkeys(("int", "int32"), "i"), **dict.fromkeys(("uint", "uint32"), "I"),
    **dict.fromkeys(("float", "float32"), "f"), **dict.fromkeys(("double", "float64"), "d"),
}  # fmt: skip
#: What programs call a face's vertices, a vertex's colour and its texture coordinates.
_CORNERS = ("vertex_indices", "vertex_index")
_COLOURS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texcoord_u", "texcoord_v"))


@dataclass
class _Element:
    """Number of elements of a kind, and their properties: a number's type, or those of a list's length and numbers."""

    length: int
    properties: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class _Column:
    """A property of all elements of a kind: its numbers, and how many of them each has where it is a list."""

    numbers: NDArray[Any]
    sizes: NDArray[np.int64] | None = None


_Columns = dict[str, _Column]


def read_ply(content: bytes, name: str) -> Surface:
    """The surface in a PLY file; its pictures are those named as ``comment TextureFile``.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: it is none, holds no faces with texture coordinates or colours, or the content is not what the header
            announces.
    """
    content = without_mark(content)
    elements, order, pictures, at = _header(content, name)
    columns: dict[str, _Columns] = {}
    try:
        if order == "=":
            content, at = np.fromstring(content[at:].decode("ascii"), sep=" ").tobytes(), 0
        for what, element in elements.items():
            columns[what], at = _columns(element, content, at, order)
        if at != len(content):
            raise ValueError("more follows")
        kinds = elements["vertex"].properties if "vertex" in elements else {}
        with np.errstate(all="raise", under="ignore"):
            return _surface(columns.get("vertex", {}), columns.get("face", {}), pictures, name, kinds)
    except (ArithmeticError, ValueError, struct.error) as error:
        raise UserError(f"{name}: its content is not what its header announces ({error})") from None


def _header(content: bytes, name: str) -> tuple[dict[str, _Element], str, tuple[str, ...], int]:
    """The elements of which there are any, the order of bytes, the names of pictures, and where the header ends."""
    end = re.search(rb"[\r\n]end_header[ \t]*(?:\r\n|\n|\r)", content[:MAX_HEADER])
    lines = content[: end.start() if end else 0].decode("utf-8", "replace").splitlines()
    if end is None or lines[0].strip().lower() != "ply":
        raise UserError(f"{name}: not PLY ('ply' in the first line, 'end_header' within {MAX_HEADER} bytes)")
    order, pictures = "", []
    elements: dict[str, _Element] = {}
    for number, line in enumerate(lines[1:], start=2):
        properties = [*elements.values()][-1].properties if elements else {}
        match line.split():
            case ["format", encoding, "1.0"] if encoding in _ORDERS:
                order = _ORDERS[encoding]
            case ["comment", word, _, *_] if word.lower() == "texturefile":
                pictures.append(line.split(maxsplit=2)[2].strip())
            case [] | ["comment" | "obj_info", *_]:
                pass
            case ["element", what, length] if re.fullmatch(r"[0-9]{1,10}", length, re.ASCII) and what not in elements:
                elements[what] = _Element(int(length))
            case ["property", "list", size, kind, what] if elements and {size, kind} <= _KINDS.keys():
                properties[what] = (_KINDS[size], _KINDS[kind])
            case ["property", kind, what] if elements and kind in _KINDS and what not in properties:
                properties[what] = (_KINDS[kind],)
            case _:
                raise UserError(f"{name}, line {number}: {formatted(line)} is not understood in a PLY header")
    if not order:
        raise UserError(f"{name}: its header names no format (allowed: {', '.join(_ORDERS)})")
    there = {what: element for what, element in elements.items() if element.length and element.properties}
    return there, order, tuple(dict.fromkeys(pictures)), end.end()


def _columns(element: _Element, body: bytes, at: int, order: str) -> tuple[_Columns, int]:
    """The properties of an element that begins at `at`, and where the next one begins."""
    kinds = {what: ("d",) * len(kinds) if order == "=" else kinds for what, kinds in element.properties.items()}
    if all(len(kind) == 1 for kind in kinds.values()):
        layout = np.dtype([(what, order + kind[0]) for what, kind in kinds.items()])
        rows = np.frombuffer(body, layout, element.length, at)
        return {what: _Column(rows[what]) for what in kinds}, at + rows.nbytes
    numbers = {what: array("d") for what in kinds}
    sizes = {what: array("q") for what, kind in kinds.items() if len(kind) == 2}
    for _ in range(element.length):
        for what, kind in kinds.items():
            size = 1
            if what in sizes:
                size = int(struct.unpack_from(order + kind[0], body, at)[0])
                at += struct.calcsize(order + kind[0])
                sizes[what].append(size)
            layout_of_list = f"{order}{size}{kind[-1]}"
            numbers[what].extend(struct.unpack_from(layout_of_list, body, at))
            at += struct.calcsize(layout_of_list)
    return {
        what: _Column(np.array(numbers[what]), np.array(sizes[what]) if what in sizes else None) for what in kinds
    }, at


def _surface(
    vertex: _Columns, face: _Columns, pictures: tuple[str, ...], name: str, kinds: dict[str, tuple[str, ...]]
) -> Surface:
    corners = next((face[what] for what in _CORNERS if what in face), None)
    if not set("xyz") <= vertex.keys() or corners is None or corners.sizes is None:
        raise UserError(f"{name}: it contains no faces (needed: vertices with x, y, z and faces with {_CORNERS[0]})")
    if corners.sizes.min() < 3:
        raise UserError(f"{name}: a face of {corners.sizes.min()} corners (allowed: 3 or more)")
    if (corners.numbers % 1 != 0).any():
        raise UserError(f"{name}: a face refers to a vertex by a number that is not an integer")
    fan = fans(corners.sizes)
    faces = corners.numbers.astype(np.int64)[fan]
    wedges = face.get("texcoord", _Column(np.zeros(0)))
    colours = _colours(vertex, kinds)
    uv: NDArray[np.floating] | None = None
    uv_faces = faces
    pair = next((pair for pair in _UV if set(pair) <= vertex.keys()), None)
    if wedges.sizes is not None and wedges.sizes.any():
        if bare := int((wedges.sizes != 2 * corners.sizes).sum()):
            raise UserError(
                f"{name}: {bare} of its {len(corners.sizes)} faces have no texture coordinates "
                "(needed: 'texcoord' with two for every corner)"
            )
        uv, uv_faces = wedges.numbers.reshape(-1, 2), fan
    elif pair:
        uv, uv_faces = np.stack([vertex[what].numbers for what in pair], axis=1), faces
    elif colours is None:
        known = ", ".join("/".join(names) for names in _UV)
        raise UserError(f"{name}: no texture coordinates (known: {known}, or a face's 'texcoord') and no colours")
    vertices = np.stack([vertex[axis].numbers for axis in "xyz"], axis=1)
    paints, painted = _paints(face, pictures)
    return surface(
        name,
        vertices=vertices,
        faces=faces,
        uv=uv,
        uv_faces=uv_faces,
        paints=paints,
        painted=None if painted is None else np.repeat(painted, corners.sizes - 2),
        colours=colours,
    )


def _colours(vertex: _Columns, kinds: dict[str, tuple[str, ...]]) -> NDArray[np.float64] | None:
    """Red, green and blue of every vertex; integers as shares of the largest of their type, 0..1."""
    names = next((names for names in _COLOURS if set(names) <= vertex.keys()), None)
    if names is None:
        return None
    numbers = np.stack([vertex[what].numbers for what in names], axis=1).astype(np.float64)
    kind = kinds[names[0]][0]
    return as_shares(numbers) if kind in "fd" else numbers / np.iinfo(kind).max


def _paints(face: _Columns, pictures: tuple[str, ...]) -> tuple[tuple[Paint, ...], NDArray[np.int64] | None]:
    """The pictures that faces name by number, and which one each has; all of the file where they name none."""
    if "texnumber" not in face:
        return tuple(Paint(faces="its surface", picture=picture) for picture in pictures or (None,)), None
    numbered = dict(enumerate(pictures))
    used, painted = np.unique(face["texnumber"].numbers, return_inverse=True)
    return tuple(Paint(faces=f"texnumber {n:g}", picture=numbered.get(n)) for n in used.tolist()), painted
