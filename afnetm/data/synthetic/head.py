"""The head every subject is made from: the base mesh cropped, subdivided and unwrapped."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from afnetm.data.synthetic.assets import GROUPS, BaseMesh, read_base
from afnetm.data.synthetic.atlas import PARTS, texel_weights, unwrap
from afnetm.data.synthetic.subdivision import loop_matrix

#: Centre of the face in the base mesh's frame, mm; becomes the scan's origin.
ORIGIN = np.array([0.0, 700.0, 110.0])
#: Skin below `LOWEST` or behind `BACKMOST` (mm, base frame) is cut away: a scanner in front sees none of it.
LOWEST, BACKMOST = 545.0, 0.0
#: Moves, mm, that keep tongue and teeth from poking through the lips of some faces.
RETREAT = {
    "helper-tongue": (0.0, -3.0, -8.0),
    "helper-upper-teeth": (0.0, 0.0, -2.0),
    "helper-lower-teeth": (0.0, -0.5, -2.0),
}


@dataclass(frozen=True, eq=False)
class Head:
    """The head model's fixed part.

    Attributes:
        kept: ``(C,)`` indices of the base mesh's vertices that the coarse head keeps.
        coarse: ``(C, 3)`` float64 their positions, mm, base frame.
        subdivide: ``(V, C)`` the Loop subdivision.
        triangles: ``(G, 3)`` the coarse faces; they index the subdivided vertices as well, which begin with the coarse
            ones, and so make a light stand-in for the head.
        vertices: ``(V, 3)`` float64 the subdivided base head, mm, base frame.
        faces: ``(F, 3)`` int32.
        part: ``(F,)`` int8 indices into `PARTS`.
        uv: ``(T, 2)`` float32, 0..1, origin at the lower left.
        uv_faces: ``(F, 3)`` int32 indices into `uv`.
        texels: ``(H * W, V)`` sparse float32: a vertex attribute at every texel (of the nearest surface elsewhere).
        gather: ``(V, F)`` sparse incidence of vertices and faces, for vertex normals.
    """

    kept: NDArray[np.int64]
    coarse: NDArray[np.float64]
    subdivide: csr_array
    triangles: NDArray[np.int64]
    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    part: NDArray[np.int8]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texels: csr_array
    gather: csr_array

    def normals(self, vertices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Unit normals ``(V, 3)`` of the head at `vertices` ``(V, 3)``, weighted by the faces' areas."""
        a, b, c = (vertices[self.faces[:, i]] for i in range(3))
        sums = self.gather @ np.cross(b - a, c - a)
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))

    def members(self, *parts: str) -> NDArray[np.bool_]:
        """Mask of the vertices ``(V,)`` that belong to any of `parts`."""
        mask = np.zeros(len(self.vertices), dtype=bool)
        mask[self.faces[np.isin(self.part, [PARTS.index(part) for part in parts])]] = True
        return mask


@cache
def head() -> Head:
    """The head model, built once in a process (about a second)."""
    base = read_base()
    quads, quad_part = _crop(base)
    kept, quads = np.unique(quads, return_inverse=True)
    quads = quads.reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    subdivide, faces = loop_matrix(triangles, len(kept))
    part = np.repeat(quad_part, 8)
    coarse = base.vertices[kept]
    for group, offset in RETREAT.items():
        coarse[np.isin(kept, base.quads[base.groups == GROUPS.index(group)])] += offset
    vertices = np.asarray(subdivide @ coarse)
    uv, uv_faces, vertex_of_uv = unwrap(vertices, faces, part)
    corners = faces.reshape(-1)
    gather = csr_array(
        (np.ones(corners.size), (corners, np.repeat(np.arange(len(faces)), 3))), shape=(len(vertices), len(faces))
    )
    return Head(
        kept=kept,
        coarse=coarse,
        subdivide=subdivide,
        triangles=triangles,
        vertices=vertices,
        faces=faces.astype(np.int32),
        part=part.astype(np.int8),
        uv=uv,
        uv_faces=uv_faces,
        texels=texel_weights(vertices, uv, uv_faces, vertex_of_uv),
        gather=gather,
    )


@cache
def average() -> csr_array:
    """A sparse matrix ``(V, V)`` that averages each vertex with its neighbours."""
    touch = (head().gather @ head().gather.T).tocsr()
    touch.data[:] = 1.0
    return csr_array(touch.multiply(1 / touch.sum(axis=1)[:, None]))


def _crop(base: BaseMesh) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The quads of the head and the part of each."""
    y, z = base.vertices[base.quads, 1], base.vertices[base.quads, 2]
    u, v = base.sheet.T
    # The base mesh's texture sheet keeps the inside of the mouth and the sockets in islands of their own.
    mouth, socket = (v < 0.14) & (u > 0.7), (u < 0.16) & (v > 0.5) & (v < 0.7)
    body_part = np.select([mouth, socket], [PARTS.index("mouth"), PARTS.index("socket")], PARTS.index("skin"))
    # The groups after the body are the parts after the socket, in the same order.
    part = np.where(base.groups == 0, body_part, base.groups + PARTS.index("socket"))
    is_eye = np.isin(part, [PARTS.index("left_eye"), PARTS.index("right_eye")])
    eye_z = base.vertices[np.unique(base.quads[base.groups == 1]), 2]
    keep = np.where(base.groups == 0, (y.min(axis=1) > LOWEST) & (z.max(axis=1) > BACKMOST), True)
    keep &= ~is_eye | (z.max(axis=1) > (eye_z.min() + eye_z.max()) / 2)  # the back half of an eyeball is never seen
    return base.quads[keep], part[keep]
