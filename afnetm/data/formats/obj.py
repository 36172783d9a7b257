"""Wavefront OBJ and its material library MTL: polygons with texture coordinates, and the pictures they name.

Every line is looked at here; trimesh is given the lines that it needs, in the one way of writing them that it reads
right whatever else stands in the file.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from afnetm.data.formats.meshes import TriangleMesh, load_triangles
from afnetm.data.formats.text import shown
from afnetm.errors import UserError

_NUMBER = rb"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
_REFERENCE = rb"-?[1-9]\d{0,9}+"
#: Corners of a face, at most: a polygon of a scan has three to six.
MAX_CORNERS = 255
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
    kept = _Kept(name)
    for number, line in _lines(content):
        if found := _FACE.fullmatch(line):
            kept.face(found[1], number)
        elif found := _VERTEX.fullmatch(line):
            kept.vertices.add(found[1])
        elif found := _TEXTURE_VERTEX.fullmatch(line):
            kept.texture_vertices.add(found[1])
        elif found := _NAMING.fullmatch(line):
            kept.naming(found[1], found[2].decode("utf-8", "replace"))
        elif not _IDLE.fullmatch(line):
            why = "; every corner needs texture coordinates: 'f 1/1 2/2 3/3'" if line.startswith(b"f") else ""
            raise UserError(f"{name}, line {number}: {shown(line)} is not understood{why}")
    mesh = load_triangles(kept.whole(), name, "obj", skip_materials=True)
    return ObjMesh(mesh=mesh, libraries=tuple(kept.libraries), materials=tuple(kept.materials))


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
        key, value = [*line.decode("utf-8", "replace").split(maxsplit=1), ""][:2]
        if key == "newmtl":
            material = value
        elif key.lower() == "map_kd":
            if material is None:
                raise UserError(f"{name}, line {number}: a picture of no material")
            words = value.split()
            while words and words[0] in _OPTIONS:
                words = words[1 + _OPTIONS[words[0]] :]
            if not words or words[0].startswith("-"):
                raise UserError(f"{name}, line {number}: {shown(line)} names no picture, or moves it")
            pictures[material] = value[value.index(words[0]) :]
    return pictures


@dataclass
class _Points:
    """The points of one kind: as text, how many, and the highest that a face names, with the line that does."""

    kind: bytes
    text: bytearray = field(default_factory=bytearray)
    count: int = 0
    highest: tuple[int, int] = (0, 0)

    def add(self, numbers: bytes) -> None:
        self.count += 1
        self.text += b"%b %b\n" % (self.kind, numbers)

    def named(self, references: list[int], number: int) -> list[int]:
        """References as they count from the first point, where some count back from the last."""
        absolute = [at if at > 0 else self.count + 1 + at for at in references]
        self.highest = max(self.highest, (max(absolute), number))
        return absolute


@dataclass
class _Kept:
    """What of a file trimesh is given, and the names in it."""

    name: str
    vertices: _Points = field(default_factory=lambda: _Points(b"v"))
    texture_vertices: _Points = field(default_factory=lambda: _Points(b"vt"))
    faces: bytearray = field(default_factory=bytearray)
    libraries: dict[str, None] = field(default_factory=dict)
    materials: dict[str, None] = field(default_factory=dict)
    material: str = ""

    def face(self, text: bytes, number: int) -> None:
        """Keeps a polygon as a fan of triangles: all that trimesh reads without detours."""
        where = f"{self.name}, line {number}"
        if (count := len(text.split(maxsplit=MAX_CORNERS))) > MAX_CORNERS:
            raise UserError(f"{where}: a face of more than {count - 1} corners")
        references = [int(part) for part in _NORMAL.sub(rb"\1", text).replace(b"/", b" ").split()]
        v, vt = (
            points.named(references[first::2], number)
            for first, points in enumerate((self.vertices, self.texture_vertices))
        )
        if min(v + vt) < 1:
            raise UserError(f"{where}: the face names a point before the first")
        corners = [b" %d/%d" % pair for pair in zip(v, vt, strict=True)]
        for second, third in pairwise(corners[1:]):
            self.faces += b"f" + corners[0] + second + third + b"\n"
        self.materials[self.material] = None

    def naming(self, key: bytes, value: str) -> None:
        if key == b"usemtl":
            self.material = value
        else:
            self.libraries[value] = None

    def whole(self) -> bytes:
        for points in (self.vertices, self.texture_vertices):
            reference, number = points.highest
            if reference > points.count:
                what = f"'{points.kind.decode()}' number {reference}"
                raise UserError(f"{self.name}, line {number}: there is no {what}, only {points.count} of them")
        if not self.faces:
            raise UserError(f"{self.name}: there is no face in it")
        return bytes(self.vertices.text + self.texture_vertices.text + self.faces)


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that say something, each with its number; one that goes on after a backslash counts as its last."""
    begun: list[bytes] = []
    for number, part in enumerate(io.BytesIO(content), start=1):
        line = part.strip()
        if line.endswith(b"\\"):
            begun.append(line[:-1])
            continue
        if begun:
            line, begun = b" ".join([*begun, line]).strip(), []
        if line and not line.startswith(b"#"):
            yield number, line
