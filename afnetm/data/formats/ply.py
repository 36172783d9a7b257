"""PLY: triangles or polygons of one size with texture coordinates by vertex or by corner, as text or binary.

What the header announces is compared with what follows, since trimesh allocates by the header. It is then given a
binary file that has what is needed under names of which it knows the meaning, and the rest under others.
"""

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.meshes import TriangleMesh, load_triangles
from afnetm.data.formats.ply_header import ORDERS, Element, Header, read_header
from afnetm.data.formats.text import shown
from afnetm.errors import UserError

_CORNERS = ("vertex_indices", "vertex_index")
#: What programs call a vertex's texture coordinates.
_UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
#: Numbers of a face's list: two texture coordinates for each of four corners.
MAX_LIST = 8
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


def read_ply(content: bytes, name: str) -> PlyMesh:
    """What stands in a PLY file.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: it is none, holds something else than vertices and faces with texture coordinates, its faces differ
            in their number of corners, or the content is not what the header announces.
    """
    header = read_header(content, name)
    if sorted(element.name for element in header.elements) != ["face", "vertex"]:
        found = ", ".join(repr(element.name) for element in header.elements) or "nothing"
        raise UserError(f"{name}: its elements are {found} (allowed: 'vertex' and 'face', once each)")
    encoding = "binary_little_endian" if header.encoding == "ascii" else header.encoding
    lean = [f"ply\nformat {encoding} 1.0\n"]
    wanted: set[str] = set()
    for element in header.elements:
        names = _needed(element, name)
        wanted |= {names[one.name] for one in element.properties if one.name in names}
        lean.append(f"element {element.name} {element.length}\n")
        lean += [one.declared(names.get(one.name, f"other{at}")) for at, one in enumerate(element.properties)]
    if not wanted & {"s", "texcoord"}:
        known = ", ".join("/".join(pair) for pair in _UV)
        raise UserError(f"{name}: no texture coordinates (known: {known} of a vertex, 'texcoord' of a face)")
    body = _packed(content, header, name) if header.encoding == "ascii" else content[header.size :]
    _check(body, header, name)
    lean.append("end_header\n")
    # Coordinates by corner may need a vertex twice; those by vertex never do.
    mesh = load_triangles(
        "".join(lean).encode() + body, name, "ply", skip_materials=True, fix_texture="texcoord" in wanted
    )
    return PlyMesh(mesh=mesh, pictures=header.pictures)


def _needed(element: Element, name: str) -> dict[str, str]:
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


def _packed(content: bytes, header: Header, name: str) -> bytes:
    """The numbers of a text file as a binary one has them: trimesh makes an array of every line of text."""
    if wrong := _NOT_OF_NUMBERS.search(content, header.size):
        line = content.count(b"\n", 0, wrong.start()) + 1
        raise UserError(f"{name}, line {line}: {shown(wrong[0])} is not of a number")
    try:
        with warnings.catch_warnings(action="error"):
            numbers = np.fromstring(content[header.size :].decode("ascii"), sep=" ")
    except (ValueError, DeprecationWarning):
        raise UserError(f"{name}: not everything after its header is a number") from None
    packed, at = [], 0
    for element in header.elements:

        def first(before: np.dtype[Any], _: str, at: int = at) -> int:
            place = at + _width(before)
            return _list_length(numbers[place] if place < len(numbers) else 0, name)

        layout = element.layout(ORDERS[header.encoding], first)
        width = _width(layout)
        block = numbers[at : at + element.length * width]
        if len(block) < element.length * width:
            raise UserError(
                f"{name}: {len(numbers)} numbers after its header are too few for {element.length} of element "
                f"{element.name!r}, {width} numbers each"
            )
        packed.append(_converted(block.reshape(element.length, width), layout, f"{name}: element {element.name!r}"))
        at += block.size
    if at != len(numbers):
        raise UserError(f"{name}: {len(numbers)} numbers after its header, which announces {at} (faces of one size)")
    return b"".join(packed)


def _list_length(length: float, name: str) -> int:
    if not 0 <= length <= MAX_LIST:
        raise UserError(f"{name}: a face with a list of {length:g} numbers (allowed: {MAX_LIST})")
    return int(length)


def _width(layout: np.dtype[Any]) -> int:
    """Numbers of a row."""
    return sum(layout[field].shape[0] for field in layout.names or ())


def _converted(block: NDArray[np.float64], layout: np.dtype[Any], where: str) -> bytes:
    rows, column = np.zeros(len(block), layout), 0
    for field in layout.names or ():
        values = block[:, column : column + layout[field].shape[0]]
        column += values.shape[1]
        with np.errstate(all="ignore"):
            rows[field] = values
        if layout[field].base.kind != "f" and (rows[field] != values).any():
            raise UserError(f"{where} has a number that is no integer or too large for its type")
    return rows.tobytes()


def _check(body: bytes, header: Header, name: str) -> None:
    """Whether the bytes after the header are what it announces, with lists as long in every row as in the first."""
    at = 0
    for element in header.elements:

        def first(before: np.dtype[Any], kind: str, at: int = at, what: str = element.name) -> int:
            place = at + before.itemsize
            if place + np.dtype(kind).itemsize > len(body):
                raise UserError(f"{name}: it ends before its first {what!r}")
            return _list_length(np.frombuffer(body, kind, 1, place)[0], name)

        layout = element.layout(ORDERS[header.encoding], first)
        if at + element.length * layout.itemsize > len(body):
            raise UserError(
                f"{name}: {len(body)} bytes after its header are too few for {element.length} of element "
                f"{element.name!r}, {layout.itemsize} bytes each"
            )
        rows = np.frombuffer(body, layout, element.length, at)
        for field in layout.names or ():
            if field.startswith("n") and (rows[field] != rows[field][0]).any():
                raise UserError(
                    f"{name}: its faces differ in their number of corners (allowed: 3 or 4, the same in all)"
                )
        lists = {one.name: layout[f"p{number}"].shape[0] for number, one in enumerate(element.properties) if one.count}
        corners = next((length for what, length in lists.items() if what in _CORNERS), 3)
        if corners not in (3, 4) or lists.get("texcoord", 2 * corners) != 2 * corners:
            raise UserError(f"{name}: its faces have {corners} corners (allowed: 3 or 4, two 'texcoord' each)")
        at += element.length * layout.itemsize
    if at != len(body):
        raise UserError(f"{name}: {len(body)} bytes after its header, which announces {at}")
