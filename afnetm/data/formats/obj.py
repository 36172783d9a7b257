"""Wavefront OBJ and its material library MTL: polygons with texture coordinates, and the pictures they name.

Every line is looked at here; trimesh is given the lines that it needs, in the one way of writing them that it reads
right whatever else stands in the file.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from afnetm.data.formats.meshes import TriangleMesh, load_triangles
from afnetm.data.formats.text import shown
from afnetm.errors import UserError

_NUMBER = rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_REFERENCE = rb"-?[1-9]\d{0,9}"
_VERTEX = re.compile(rb"v\s+(%b\s+%b\s+%b)(?:\s+%b)*" % ((_NUMBER,) * 4))
_TEXTURE_VERTEX = re.compile(rb"vt\s+(%b\s+%b)(?:\s+%b)?" % ((_NUMBER,) * 3))
_FACE = re.compile(rb"f((?:\s+%b/%b(?:/%b)?){3,})" % ((_REFERENCE,) * 3))
_NORMAL = re.compile(rb"(/%b)/%b" % ((_REFERENCE,) * 2))
_NAMING = re.compile(rb"(mtllib|usemtl)\s+(.+)")
#: Statements without a meaning for a textured surface: normals, names of groups, smoothing, lines, points, displaying.
_IDLE = re.compile(rb"(?:vn|vp|g|o|s|l|p|mg|lod|bevel|c_interp|d_interp)(?:\s.*)?")
#: Options before the name of a picture in an MTL file, and how many words each takes (the format's own description).
_OPTIONS = {"-blendu": 1, "-blendv": 1, "-boost": 1, "-bm": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1, "-mm": 2}


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjMesh:
    """What an OBJ file holds.

    Attributes:
        mesh: its surface.
        libraries: the MTL files that it names, relative to its folder.
        materials: those its faces use, in the order of first use; ``""`` where faces come before any is named.
    """

    mesh: TriangleMesh
    libraries: tuple[str, ...]
    materials: tuple[str, ...]


def read_obj(content: bytes, name: str) -> ObjMesh:
    """What stands in an OBJ file.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: a line is none of the format, a corner is without texture coordinates or names a point that is not
            there, or there is no face.
    """
    points = {b"v": _Points(), b"vt": _Points()}
    faces, highest = bytearray(), {b"v": (0, 0), b"vt": (0, 0)}
    libraries: dict[str, None] = {}
    materials: dict[str, None] = {}
    material = ""
    for number, line in _lines(content):
        if found := _FACE.fullmatch(line):
            corners = [int(part) for part in _NORMAL.sub(rb"\1", found[1]).replace(b"/", b" ").split()]
            for key, references in ((b"v", corners[::2]), (b"vt", corners[1::2])):
                there = points[key].count
                absolute = [at if at > 0 else there + 1 + at for at in references]
                if min(absolute) < 1:
                    raise UserError(f"{name}, line {number}: {shown(line)} names a point before the first")
                highest[key] = max(highest[key], (max(absolute), number))
                corners[key == b"vt" :: 2] = absolute
            faces += b"f %b\n" % b" ".join(b"%d/%d" % pair for pair in zip(corners[::2], corners[1::2], strict=True))
            materials[material] = None
        elif found := _VERTEX.fullmatch(line) or _TEXTURE_VERTEX.fullmatch(line):
            key = line.split(maxsplit=1)[0]
            points[key].count += 1
            points[key].text += b"%b %b\n" % (key, found[1])
        elif found := _NAMING.fullmatch(line):
            value = found[2].decode("utf-8", "replace")
            if found[1] == b"usemtl":
                material = value
            else:
                libraries[value] = None
        elif not _IDLE.fullmatch(line):
            why = "; every corner needs texture coordinates: 'f 1/1 2/2 3/3'" if line.startswith(b"f") else ""
            raise UserError(f"{name}, line {number}: {shown(line)} is not understood{why}")
    if not faces:
        raise UserError(f"{name}: there is no face in it")
    for key, (reference, number) in highest.items():
        if reference > points[key].count:
            raise UserError(
                f"{name}, line {number}: there is no '{key.decode()}' number {reference}, only {points[key].count}"
            )
    mesh = load_triangles(bytes(points[b"v"].text + points[b"vt"].text + faces), name, "obj")
    return ObjMesh(mesh=mesh, libraries=tuple(libraries), materials=tuple(materials))


def read_mtl(content: bytes, name: str) -> dict[str, str]:
    """The picture of each material that has one (``map_Kd``) in an MTL file, relative to its folder, by material.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: a picture before the first material, or one whose options are not known.
    """
    pictures: dict[str, str] = {}
    material = None
    for number, line in _lines(content):
        key, _, value = line.decode("utf-8", "replace").partition(" ")
        if key == "newmtl":
            material = value.strip()
        elif key.lower() == "map_kd":
            if material is None:
                raise UserError(f"{name}, line {number}: a picture of no material")
            words = value.split()
            while words and words[0] in _OPTIONS:
                words = words[1 + _OPTIONS[words[0]] :]
            if not words or words[0].startswith("-"):
                raise UserError(f"{name}, line {number}: {shown(line)} names no picture, or moves it")
            pictures[material] = value[value.index(words[0]) :].strip()
    return pictures


@dataclass
class _Points:
    count: int = 0
    text: bytearray = field(default_factory=bytearray)


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that say something, each with its number; one that goes on after a backslash counts as its last."""
    begun = b""
    for number, line in enumerate(io.BytesIO(content), start=1):
        whole = begun + line.strip()
        begun = whole[:-1] + b" " if whole.endswith(b"\\") else b""
        if whole and not begun and not whole.startswith(b"#"):
            yield number, whole
