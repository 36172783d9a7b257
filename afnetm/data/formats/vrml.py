"""VRML 2.0 files of one surface, textured as in BU-3DFE, or with colours.

Read is what a scan needs: one IndexedFaceSet with its coordinates, texture coordinates and picture names, or colours.
Everything else is passed over; what would move the surface and is not done here is refused rather than ignored.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.text import Text, formatted
from afnetm.data.formats.vrml_syntax import Entry, entries, without_comments
from afnetm.data.formats.vrml_values import Polygons, floats, strings
from afnetm.data.scan import Wrap
from afnetm.errors import UserError


@dataclass(frozen=True, eq=False)
class VrmlMesh:
    """One textured surface.

    Attributes:
        vertices: ``(V, 3)`` float32, as they stand in the file.
        faces: ``(F, 3)`` int32, indices into `vertices`, counter-clockwise seen from outside.
        uv: ``(T, 2)`` float32, origin at the texture's lower left corner; outside 0..1 as `wrap` says. All 0
            where the file has colours instead.
        uv_faces: ``(F, 3)`` int32, indices into `uv`, corner by corner as in `faces`.
        textures: the urls of the file's ImageTextures, in its order.
        wrap: what a texture does beyond its edges along u and v: by the standard it repeats unless told not to.
        colours: ``(V, 3)`` float32 of the vertices, 0..1; None where there are texture coordinates.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    textures: tuple[str, ...]
    wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")
    colours: NDArray[np.float32] | None = None


#: What may be around the surface: nothing of it depends on a viewer or a choice.
_AROUND = ("Shape", "Group", "Transform")
_USE = re.compile(rb"USE(?=[ \t\r\n,])")
#: The fields in which geometry stands, and the scene itself.
_GEOMETRY = ("", "children", "geometry", "coord", "texCoord")
#: Fields that move the surface or its texture, and where they leave it; rotations have an axis first, which is free.
_STILL: dict[str, dict[str, tuple[float | None, ...]]] = {
    "Transform": {"translation": (0, 0, 0), "scale": (1, 1, 1), "rotation": (None, None, None, 0)},
    "TextureTransform": {"translation": (0, 0), "scale": (1, 1), "rotation": (0,)},
}
_COORDINATES, _UV = ("Coordinate", "point"), ("TextureCoordinate", "point")
_INDEX, _UV_INDEX = ("IndexedFaceSet", "coordIndex"), ("IndexedFaceSet", "texCoordIndex")
_CCW, _CONVEX = ("IndexedFaceSet", "ccw"), ("IndexedFaceSet", "convex")
_REPEATS = (("ImageTexture", "repeatS"), ("ImageTexture", "repeatT"))
_COLOURS, _COLOUR_INDEX = ("Color", "color"), ("IndexedFaceSet", "colorIndex")
_BY_VERTEX = ("IndexedFaceSet", "colorPerVertex")
_FIELDS = (_COORDINATES, _UV, _INDEX, _UV_INDEX, _CCW, _CONVEX, _COLOURS, _COLOUR_INDEX, _BY_VERTEX)


def read_vrml(content: bytes, name: str) -> VrmlMesh:
    """The surface in the VRML file with this content; `name` begins every error.

    Polygons become triangles by fans from their first corner. Vertices that no face uses stay: landmarks count them.

    Raises:
        UserError: the file is damaged; holds none or several IndexedFaceSets, one without coordinates or without both
            texture coordinates and a colour for every vertex, or one that is moved (Transform other than the identity)
            or used again (USE); or a polygon has fewer than three corners, one corner twice or a corner that does not
            exist.
    """
    text = without_comments(content, name)
    fields: dict[tuple[str, str], Entry] = {}
    textures: list[str] = []
    opening: Entry | None = None
    for entry in entries(text):
        node = entry.path[-1] if entry.path else ""
        if (node, entry.field) == ("IndexedFaceSet", ""):
            if opening:
                raise text.error(entry.start, "a second IndexedFaceSet (allowed: one)")
            opening = entry
            if around := [outer for outer in entry.path[:-1] if outer not in _AROUND]:
                raise text.error(entry.start, f"an IndexedFaceSet in a {around[0]} (allowed: in {', '.join(_AROUND)})")
        elif (node, entry.field) == ("ImageTexture", "url"):
            textures += strings(text, entry)
        elif (node, entry.field) in _REPEATS:
            fields[node, entry.field] = entry
        elif node in _STILL and entry.field in _STILL[node]:
            _stays(text, entry, _STILL[node][entry.field])
        elif entry.field in _GEOMETRY and _USE.match(text.content, entry.start):
            raise text.error(entry.start, "USE of geometry (allowed: nodes that are written out)")
        elif "IndexedFaceSet" in entry.path and (key := (node, entry.field)) in _FIELDS:
            if key in fields:
                raise text.error(entry.start, f"a second {entry.field} of the {node}")
            fields[key] = entry
    if not opening:
        raise UserError(f"{name}: no IndexedFaceSet")
    return _mesh(text, opening, fields, tuple(textures))


def _mesh(text: Text, opening: Entry, fields: dict[tuple[str, str], Entry], textures: tuple[str, ...]) -> VrmlMesh:
    """The surface of the IndexedFaceSet that begins at `opening`."""
    coloured = _COLOURS in fields and _UV not in fields
    for node, field in (_COORDINATES, *(() if coloured else (_UV,)), _INDEX):
        if (node, field) not in fields:
            raise text.error(opening.start, f"an incomplete IndexedFaceSet (missing: {node}.{field})")
    vertices = floats(text, fields[_COORDINATES], 3)
    uv = np.zeros_like(vertices[:, :2]) if coloured else floats(text, fields[_UV], 2)
    polygons = Polygons.read(text, fields[_INDEX])
    uv_polygons = polygons  # where there are none of their own, or an empty list of them, by the standard
    if not coloured and _has_numbers(text, fields, _UV_INDEX):
        uv_polygons = Polygons.read(text, fields[_UV_INDEX])
    polygons.check(len(vertices))
    uv_polygons.check_places(polygons, len(uv))
    if not _is_true(text, fields, _CONVEX):
        polygons.check_triangles()
    turn = 1 if _is_true(text, fields, _CCW) else -1
    faces, uv_faces = (np.ascontiguousarray(p.triangles()[:, ::turn]) for p in (polygons, uv_polygons))
    along_u: Wrap
    along_v: Wrap
    along_u, along_v = ("repeat" if _is_true(text, fields, key) else "clamp" for key in _REPEATS)
    colours = _colours(text, fields, len(vertices)) if coloured else None
    return VrmlMesh(vertices, faces, uv, uv_faces, textures, (along_u, along_v), colours)


def _colours(text: Text, fields: dict[tuple[str, str], Entry], vertices: int) -> NDArray[np.float32]:
    """The colours of the vertices, one each."""
    entry = fields[_COLOURS]
    colours = floats(text, entry, 3)
    if not _is_true(text, fields, _BY_VERTEX) or _has_numbers(text, fields, _COLOUR_INDEX) or len(colours) != vertices:
        raise text.error(
            entry.start, f"{len(colours)} colours, {vertices} vertices (allowed: one each, in their order)"
        )
    if not ((colours >= 0) & (colours <= 1)).all():
        raise text.error(entry.start, "a colour is out of range (allowed: 0 to 1)")
    return colours


def _has_numbers(text: Text, fields: dict[tuple[str, str], Entry], key: tuple[str, str]) -> bool:
    return key in fields and bool(fields[key].within(text).strip(b" \t\r\n,"))


def _is_true(text: Text, fields: dict[tuple[str, str], Entry], key: tuple[str, str]) -> bool:
    """Whether a field is ``TRUE``, which it is where it is absent."""
    if key not in fields:
        return True
    entry = fields[key]
    word = entry.within(text)
    if word not in (b"TRUE", b"FALSE"):
        raise text.error(entry.start, f"{formatted(word)} in {entry.field} (allowed: TRUE, FALSE)")
    return word == b"TRUE"


def _stays(text: Text, entry: Entry, identity: tuple[float | None, ...]) -> None:
    values = floats(text, entry, len(identity))
    if len(values) != 1 or any(want not in (None, got) for want, got in zip(identity, values[0].tolist(), strict=True)):
        reason = f"a {entry.path[-1]} with a {entry.field} (allowed: none, surfaces stay as written)"
        raise text.error(entry.start, reason)


def write_vrml(mesh: VrmlMesh) -> bytes:
    """The content of a ``.wrl`` file with this surface; `read_vrml` reads back the same.

    Nine digits a number: enough for float32 to come back as it was.
    """
    urls = " ".join('"' + url.replace("\\", "\\\\").replace('"', '\\"') + '"' for url in mesh.textures)
    return "\n".join(
        (
            "#VRML V2.0 utf8",
            "Shape {",
            " appearance Appearance {",
            f"  texture ImageTexture {{ url [ {urls} ] }}",
            " }",
            " geometry IndexedFaceSet {",
            "  coord Coordinate {",
            _field("point", _vectors(mesh.vertices)),
            "  }",
            "  texCoord TextureCoordinate {",
            _field("point", _vectors(mesh.uv)),
            "  }",
            _field("coordIndex", _polygons(mesh.faces)),
            _field("texCoordIndex", _polygons(mesh.uv_faces)),
            " }",
            "}",
            "",
        )
    ).encode()


def _field(name: str, rows: Iterable[str]) -> str:
    return f"   {name} [\n" + ",\n".join(rows) + "\n   ]"


def _vectors(values: NDArray[Any]) -> Iterable[str]:
    return (" ".join(f"{number:.9g}" for number in row) for row in values.tolist())


def _polygons(faces: NDArray[Any]) -> Iterable[str]:
    return (f"{a}, {b}, {c}, -1" for a, b, c in faces.tolist())
