"""Wavefront OBJ: polygons with texture coordinates or colours, the material libraries it names and those it uses."""

from array import array
from dataclasses import dataclass

import numpy as np

from afnetm.data.formats.surface import Paint, Surface, as_shares, fans, surface
from afnetm.data.formats.text import decoded, formatted, lines
from afnetm.errors import UserError

#: Statements without a meaning for a textured surface: normals, names of groups, smoothing, lines, points, displaying.
_IDLE = frozenset(("vn", "vp", "g", "o", "s", "l", "p", "mg", "lod", "bevel", "c_interp", "d_interp"))


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjMesh:
    """Content of an OBJ file.

    Attributes:
        surface: its polygons as triangles; its paints are those of `materials`, whose pictures stand elsewhere.
        materials: those its faces use, in the order of first use; ``""`` where faces come before any is named.
        libraries: what stands after each ``mtllib``: the name of an MTL file, or several.
    """

    surface: Surface
    materials: tuple[str, ...]
    libraries: tuple[str, ...]


def read_obj(content: bytes, name: str) -> ObjMesh:
    """Reads the content of an OBJ file.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: a line is none of the format, a corner is without texture coordinates and not all vertices have
            colours, a corner names a point that is not
            there, or there is no face.
    """
    vertices, uv, colours = array("d"), array("d"), array("d")
    sizes, corners, uv_corners, painted = array("q"), array("q"), array("q"), array("q")
    materials: dict[str, int] = {}
    libraries: list[str] = []
    material, bare, first_bare = "", 0, 0
    for number, line in lines(decoded(content)):
        key, *words = line.partition("#")[0].split() if "#" in line else line.split()
        try:
            if key == "v":
                x, y, z = words[:3]
                vertices.extend((float(x), float(y), float(z)))
                if len(words) >= 6:  # as many programs write it, beyond the format
                    colours.extend(float(word) for word in words[3:6])
            elif key == "vt":
                u, v = words[:2]
                uv.extend((float(u), float(v)))
            elif key == "f":
                places = [word.split("/") for word in words]
                if len(places) < 3:
                    raise ValueError(line)
                sizes.append(len(places))
                corners.extend(_counted(place[0], len(vertices) // 3) for place in places)
                textured = all(len(place) > 1 and place[1] for place in places)
                uv_corners.extend(_counted(place[1], len(uv) // 2) for place in places if textured)
                bare, first_bare = bare + (not textured), first_bare or (0 if textured else number)
                painted.append(materials.setdefault(material, len(materials)))
            elif key == "usemtl":
                material = line[len(key) :].strip()
            elif key == "mtllib":
                libraries.append(line[len(key) :].strip())
            elif key not in _IDLE:
                raise ValueError(line)
        except ValueError:
            raise UserError(f"{name}, line {number}: {formatted(line)} is not understood") from None
    coloured = len(colours) == len(vertices)
    if bare and (not coloured or bare < len(sizes)):
        raise UserError(
            f"{name}, line {first_bare}: a face without texture coordinates, the first such of {bare} among "
            f"{len(sizes)} (needed at every corner: 'f 1/1 2/2 3/3')"
        )
    many = np.array(sizes)
    fan = fans(many)
    return ObjMesh(
        surface=surface(
            name,
            vertices=np.array(vertices).reshape(-1, 3),
            faces=np.array(corners)[fan],
            uv=None if bare else np.array(uv).reshape(-1, 2),
            uv_faces=fan if bare else np.array(uv_corners)[fan],
            paints=tuple(Paint(faces=f"material {formatted(one)}", picture=None) for one in materials),
            painted=np.repeat(np.array(painted), many - 2),
            colours=as_shares(np.array(colours).reshape(-1, 3)) if coloured else None,
        ),
        materials=tuple(materials),
        libraries=tuple(libraries),
    )


def _counted(reference: str, count: int) -> int:
    """The row that a reference means, where it counts from the first of `count` points or back from the last."""
    number = int(reference)
    if not number or number < -count:
        raise ValueError(reference)
    return number - 1 if number > 0 else count + number
