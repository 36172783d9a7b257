"""A textured surface as OBJ, PLY and GLB hold it."""

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
    """A mesh every corner of which has texture coordinates.

    Attributes:
        vertices: ``(V, 3)`` float32, in the file's unit.
        faces: ``(F, 3)`` int32, rows of `vertices`, at least one.
        uv: ``(T, 2)`` float32, origin at the picture's lower left corner.
        uv_faces: ``(F, 3)`` int32, rows of `uv`, corner by corner as in `faces`.
        paints: what its faces are painted with, one or more.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    paints: tuple[Paint, ...]


def surface(
    name: str,
    *,
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    uv: NDArray[np.floating],
    uv_faces: NDArray[np.integer],
    paints: tuple[Paint, ...],
) -> Surface:
    """The surface of these arrays, checked; see `Surface`.

    Raises:
        UserError: there is no face, one names what is not there, or a coordinate is no finite number in float32; begins
            with `name`.
    """
    if not len(faces):
        raise UserError(f"{name}: it contains no faces")
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
    )


def fans(sizes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Polygons as triangles that share the first corner: ``(F, 3)`` places in the list of all polygons' corners.

    Args:
        sizes: ``(P,)`` corners of each polygon, 3 or more; the list has those of the first, then the second and so on.
    """
    many = sizes - 2
    first = np.repeat(np.cumsum(sizes) - sizes, many)
    step = np.arange(len(first)) - np.repeat(np.cumsum(many) - many, many)
    return np.stack([first, first + step + 1, first + step + 2], axis=1)
