"""A surface with texture coordinates or colours, as OBJ, PLY and GLB hold it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.scan import Wrap
from afnetm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Paint:
    """Colour or texture of some faces of a surface.

    Attributes:
        faces: what errors call them, such as ``"material 'skin'"``.
        picture: its content, where it is within the mesh's own file; its name, relative to that file; None for none.
        wrap: what it does beyond its edges along u and v.
    """

    faces: str
    picture: bytes | str | None
    wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")


@dataclass(frozen=True, eq=False, kw_only=True)
class Surface:
    """A mesh every corner of which has texture coordinates, or every vertex of which has a colour.

    Attributes:
        vertices: ``(V, 3)`` float32, in the file's unit.
        faces: ``(F, 3)`` int32, rows of `vertices`, at least one.
        uv: ``(T, 2)`` float32, origin at the picture's lower left corner; one for all where there are only
            colours.
        uv_faces: ``(F, 3)`` int32, rows of `uv`, corner by corner as in `faces`.
        paints: what its faces are painted with, one or more.
        painted: ``(F,)`` int64, the row of `paints` of each face; all 0 where the file does not say.
        textured: whether the file has texture coordinates.
        colours: ``(V, 3)`` uint8 of the vertices, as they stand in the file; None where it has none.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    paints: tuple[Paint, ...]
    painted: NDArray[np.int64]
    textured: bool = True
    colours: NDArray[np.uint8] | None = None


def surface(
    name: str,
    *,
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    uv: NDArray[np.floating] | None,
    uv_faces: NDArray[np.integer],
    paints: tuple[Paint, ...],
    painted: NDArray[np.integer] | None = None,
    colours: NDArray[np.floating] | None = None,
) -> Surface:
    """The surface of these arrays, checked; see `Surface`. Without `uv`, `uv_faces` is not looked at.

    Raises:
        UserError: there is no face, one names what is not there, a coordinate is no finite number in float32, or a
            colour is out of range; begins with `name`.
    """
    if not len(faces):
        raise UserError(f"{name}: it contains no faces")
    textured = uv is not None
    if uv is None:
        uv, uv_faces = np.zeros((1, 2)), np.zeros_like(faces)
    for what, rows, points in (("vertices", faces, vertices), ("texture coordinates", uv_faces, uv)):
        if rows.min() < 0 or rows.max() >= len(points):
            raise UserError(
                f"{name}: its faces refer to {what} {rows.min()} to {rows.max()}, counted from 0 "
                f"(allowed: 0 to {len(points) - 1})"
            )
    with np.errstate(over="ignore"):
        points32, uv32 = vertices.astype(np.float32), uv.astype(np.float32)
    if not (np.isfinite(points32).all() and np.isfinite(uv32).all()):
        raise UserError(f"{name}: a coordinate is not a finite number")
    return Surface(
        vertices=points32,
        faces=faces.astype(np.int32),
        uv=uv32,
        uv_faces=uv_faces.astype(np.int32),
        paints=paints,
        painted=np.zeros(len(faces), np.int64) if painted is None else painted.astype(np.int64),
        textured=textured,
        colours=None if colours is None else _bytes(colours, name),
    )


def as_shares(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours of 0..1 as they are, those of 0..255, which some are where any is above 1, divided."""
    return colours / 255 if colours.max(initial=0) > 1 else colours


def _bytes(shares: NDArray[np.floating], name: str) -> NDArray[np.uint8]:
    if not ((shares >= 0) & (shares <= 1)).all():
        raise UserError(f"{name}: a vertex's colour is out of range (allowed: 0 to 1 or 0 to 255)")
    return np.asarray(np.rint(shares * 255), np.uint8)


def fans(sizes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Polygons as triangles that share the first corner: ``(F, 3)`` places in the list of all polygons' corners.

    Args:
        sizes: ``(P,)`` corners of each polygon, 3 or more; the list has those of the first, then the second and so on.
    """
    many = sizes - 2
    first = np.repeat(np.cumsum(sizes) - sizes, many)
    step = np.arange(len(first)) - np.repeat(np.cumsum(many) - many, many)
    return np.stack([first, first + step + 1, first + step + 2], axis=1)
