"""Surfaces as a browser draws them: one list of vertices, each with its normal and its place in a picture."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.pose import Pose
from afnetm.data.scan import Scan, Wrap

#: A step from a pixel to the next that is longer than this, mm, is an edge behind which there is something else.
MAX_STEP_MM = 12.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Surface:
    """A textured surface in the frontal pose, mm: x to the viewer's right, y up, z towards the viewer.

    Attributes:
        positions: ``(n, 3)`` float32.
        normals: ``(n, 3)`` float32, of unit length.
        triangles: ``(m, 3)`` uint32, counter-clockwise seen from outside.
        uv: ``(n, 2)`` float32, origin at the picture's lower left corner; None where the vertices have colours.
        picture: ``(H, W, 3)`` uint8 sRGB; or ``(n, 3)``, the colours of the vertices.
        wrap: what the picture does beyond its edges along u and along v.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    uv: NDArray[np.float32] | None
    picture: NDArray[np.uint8]
    wrap: tuple[Wrap, Wrap] = ("clamp", "clamp")


def surface_of(scan: Scan, pose: Pose) -> Surface:
    """The mesh of `scan`, moved by `pose`; a vertex with several places in the texture becomes as many."""
    positions = pose.apply(scan.vertices).astype(np.float32)
    normals = _normals(positions, scan.faces)
    if scan.texture.ndim == 2:
        return Surface(
            positions=positions,
            normals=normals,
            triangles=scan.faces.astype(np.uint32),
            uv=None,
            picture=scan.texture,
        )
    pairs = scan.faces.astype(np.int64) * len(scan.uv) + scan.uv_faces
    corners, triangles = np.unique(pairs, return_inverse=True)
    vertex, place = np.divmod(corners, len(scan.uv))
    return Surface(
        positions=positions[vertex],
        normals=normals[vertex],
        triangles=triangles.reshape(-1, 3).astype(np.uint32),
        uv=scan.uv[place],
        picture=scan.texture,
        wrap=scan.wrap,
    )


def relief_of(texture: NDArray[np.uint8], depth: NDArray[np.uint16]) -> Surface:
    """The depth map ``(1, S, S)`` as a relief with the texture map ``(3, S, S)`` on it: a vertex a pixel."""
    code, size = depth[0].astype(np.float32), depth.shape[-1]
    along = (np.arange(size, dtype=np.float32) + 0.5) / size
    column, row = np.meshgrid(along, along)
    z = DEPTH_ZERO_MM + (code - 1) * DEPTH_STEP_MM
    points = np.stack([(column - 0.5) * WINDOW_MM, (0.5 - row) * WINDOW_MM, z], -1).reshape(-1, 3)
    uv = np.stack([column, 1 - row], -1).reshape(-1, 2)
    corner = (np.arange(size - 1)[:, None] * size + np.arange(size - 1)).ravel()
    right, below, across = corner + 1, corner + size, corner + size + 1
    triangles = np.concatenate([np.stack([corner, below, across], 1), np.stack([corner, across, right], 1)])
    heights = z.ravel()[triangles]
    whole = (code.ravel()[triangles] > 0).all(1) & (np.ptp(heights, axis=1) <= MAX_STEP_MM)
    used, index = np.unique(triangles[whole], return_inverse=True)
    faces = index.reshape(-1, 3)
    return Surface(
        positions=points[used],
        normals=_normals(points[used], faces),
        triangles=faces.astype(np.uint32),
        uv=uv[used],
        picture=np.ascontiguousarray(np.moveaxis(texture, 0, -1)),
    )


def _normals(positions: NDArray[np.float32], faces: NDArray[np.integer]) -> NDArray[np.float32]:
    """``(n, 3)``: the mean direction of the triangles around each vertex."""
    return np.asarray(trimesh.Trimesh(positions, faces, process=False).vertex_normals, np.float32)
