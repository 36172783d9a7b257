"""Triangles with texture coordinates, read by trimesh; for the formats whose own files here look at what it is given.

Trimesh reads geometry alone: it opens no picture and no second file, and it is given nothing whose counts were not
compared with the content, since what it allocates follows from them.
"""

import io
import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from afnetm.errors import UserError

# Its warnings are about content that is refused here.
logging.getLogger("trimesh").setLevel(logging.CRITICAL)

#: How far texture coordinates may lie outside the picture, as a share of it: what rounding and padding cause. Beyond,
#: they mean a picture that repeats, or one of several.
UV_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False, kw_only=True)
class TriangleMesh:
    """A mesh whose corners have texture coordinates.

    Attributes:
        vertices: ``(V, 3)`` float32, in the file's unit.
        faces: ``(F, 3)`` int32, rows of `vertices` and of `uv`, at least one.
        uv: ``(V, 2)`` float32, 0 to 1, origin at the picture's lower left corner.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]


def load_triangles(content: bytes, name: str, kind: str, **options: bool) -> TriangleMesh:
    """The mesh in `content`, its parts moved to their places and joined.

    Args:
        content: of a file of the format `kind`, such as ``"obj"``, without pictures.
        name: begins every error.
        kind: as trimesh calls it.
        options: of trimesh's reader.

    Raises:
        UserError: trimesh cannot read it, there is no face, or a part lacks texture coordinates.
    """
    try:
        with warnings.catch_warnings(action="error"), np.errstate(all="raise", under="ignore"):
            parts = _parts(content, kind, options)
    except Exception as error:  # whatever damaged content makes it stumble over
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{name}: damaged, or not {kind.upper()} ({reason[:120]})") from None
    if not parts:
        raise UserError(f"{name}: there is no face in it")
    for vertices, faces, uv in parts:
        if uv.shape != (len(vertices), 2):
            raise UserError(f"{name}: a part of it has no texture coordinates")
        if faces.min() < 0 or faces.max() >= len(vertices):
            raise UserError(
                f"{name}: its faces name vertices {faces.min()} to {faces.max()} (allowed: 0 to {len(vertices) - 1})"
            )
    starts = np.cumsum([0, *(len(vertices) for vertices, _, _ in parts)])
    with np.errstate(over="ignore"):  # told below
        mesh = TriangleMesh(
            vertices=np.concatenate([vertices for vertices, _, _ in parts]).astype(np.float32),
            faces=np.concatenate([faces + at for (_, faces, _), at in zip(parts, starts, strict=False)]).astype(
                np.int32
            ),
            uv=np.concatenate([uv for _, _, uv in parts]).astype(np.float32),
        )
    if not (np.isfinite(mesh.vertices).all() and np.isfinite(mesh.uv).all()):
        raise UserError(f"{name}: a coordinate is not a finite number")
    used = mesh.uv[mesh.faces]
    if used.min() < -UV_TOLERANCE or used.max() > 1 + UV_TOLERANCE:
        raise UserError(
            f"{name}: texture coordinates reach from {used.min():g} to {used.max():g} (allowed: 0 to 1, one picture)"
        )
    return mesh


_Part = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def _parts(content: bytes, kind: str, options: dict[str, bool]) -> list[_Part]:
    """Vertices, faces and texture coordinates of every part, in the scene's frame."""
    scene = trimesh.load_scene(io.BytesIO(content), file_type=kind, process=False, **options)
    parts = []
    for node in scene.graph.nodes_geometry:
        motion, geometry = scene.graph[node]
        part = scene.geometry[geometry]
        if not isinstance(part, trimesh.Trimesh) or not len(part.faces):
            continue
        faces = np.asarray(part.faces, np.int64)
        if np.linalg.det(motion[:3, :3]) < 0:  # a mirror turns the surface inside out
            faces = faces[:, ::-1]
        uv = getattr(part.visual, "uv", None)
        if "_ply_raw" in part.metadata:
            _check_references(part.metadata["_ply_raw"]["face"]["data"]["vertex_indices"])
        vertices = np.asarray(part.vertices) @ motion[:3, :3].T + motion[:3, 3]
        parts.append((vertices, faces, np.zeros((0, 2)) if uv is None else np.asarray(uv, np.float64)))
    return parts


def _check_references(rows: NDArray[Any]) -> None:
    """PLY's references as they stand in the file: what is below 0 was taken for counted from the end."""
    rows = rows["f1"] if rows.dtype.names else rows
    if min(int(row.min()) for row in rows) < 0 if rows.dtype == object else rows.min() < 0:
        raise ValueError("a face names a vertex below 0")
