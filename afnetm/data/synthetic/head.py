"""The head every subject is made from: the cropped and subdivided base mesh, its parts and its texture atlas.

The skin is painted in the front plane of the base head (x and y of the base mesh in mm, the neck pulled down from
behind the chin), so that places on a face have the same coordinates for everybody and paint moves with the surface.
Eyes, teeth, tongue, the inside of the mouth and the eye sockets have patches of their own beside it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from trimesh import Trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from afnetm.data.synthetic.assets import GROUPS, BaseMesh, read_base
from afnetm.data.synthetic.subdivision import loop_matrix

#: What a face of the head belongs to, by index.
PARTS = ("skin", "mouth", "socket", "left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue")
#: Rows and columns of the texture image.
TEXTURE_SHAPE = (320, 304)
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


@dataclass(frozen=True)
class Patch:
    """A rectangle of the atlas: `row`, `column`, `height`, `width` in texels, showing a window of the front plane.

    `x` and `y` are the window's centre (mm, base frame), `span_x` and `span_y` its size.
    """

    row: int
    column: int
    height: int
    width: int
    x: float
    y: float
    span_x: float
    span_y: float

    @property
    def window(self) -> tuple[slice, slice]:
        """The patch's rows and columns of the atlas."""
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)

    def grid(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """x and y of every texel's centre, two ``(height, width)`` float32 arrays, mm, base frame."""
        x = self.x + ((np.arange(self.width) + 0.5) / self.width - 0.5) * self.span_x
        y = self.y - ((np.arange(self.height) + 0.5) / self.height - 0.5) * self.span_y
        across, down = np.meshgrid(x, y)
        return across.astype(np.float32), down.astype(np.float32)


#: The atlas. The skin has 0.84 mm a texel, an eye 0.5 mm.
PATCHES = {
    "skin": Patch(0, 0, 320, 256, 0.0, 697.0, 216.0, 270.0),
    "left_eye": Patch(0, 256, 48, 48, 30.8, 728.4, 24.0, 24.0),
    "right_eye": Patch(48, 256, 48, 48, -30.8, 728.4, 24.0, 24.0),
    "upper_teeth": Patch(96, 256, 32, 48, 0.0, 671.5, 64.0, 26.0),
    "lower_teeth": Patch(128, 256, 32, 48, 0.0, 656.5, 64.0, 31.0),
    "tongue": Patch(160, 256, 48, 48, 0.0, 650.0, 54.0, 46.0),
    "mouth": Patch(208, 256, 64, 48, 0.0, 661.0, 76.0, 80.0),
    "socket": Patch(272, 256, 48, 48, 0.0, 728.3, 96.0, 34.0),
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
        texels: ``(H * W, V)`` sparse: what a vertex attribute is at every texel (the nearest surface elsewhere).
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
        """Which vertices ``(V,)`` belong to any of `parts`."""
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
    uv, uv_faces, vertex_of_uv = _unwrap(vertices, faces, part)
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
        texels=_texels(vertices, uv, uv_faces, vertex_of_uv),
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
    body_part = np.where((v < 0.14) & (u > 0.7), 1, np.where((u < 0.16) & (v > 0.5) & (v < 0.7), 2, 0))
    part = np.where(base.groups == 0, body_part, base.groups + 2)
    is_eye = (part == 3) | (part == 4)
    eye_z = base.vertices[np.unique(base.quads[base.groups == 1]), 2]
    keep = np.where(base.groups == 0, (y.min(axis=1) > LOWEST) & (z.max(axis=1) > BACKMOST), True)
    keep &= ~is_eye | (z.max(axis=1) > (eye_z.min() + eye_z.max()) / 2)  # the back half of an eyeball is never seen
    return base.quads[keep], part[keep]


def _unwrap(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], part: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
    """uv, uv faces, and the vertex behind each uv: a front projection of every part into its patch."""
    pairs = np.stack([np.repeat(part, 3), faces.reshape(-1)], axis=1)
    unique, index = np.unique(pairs, axis=0, return_inverse=True)
    uv = np.empty((len(unique), 2))
    rows, columns = TEXTURE_SHAPE
    for number, name in enumerate(PARTS):
        patch, mine = PATCHES[name], unique[:, 0] == number
        x, y, z = vertices[unique[mine, 1]].T
        if name == "skin":
            y = _unfold(y, z)
        column = patch.column + ((x - patch.x) / patch.span_x + 0.5) * patch.width
        row = patch.row + (0.5 - (y - patch.y) / patch.span_y) * patch.height
        # Half a texel inside its patch, so that interpolating never mixes neighbours.
        uv[mine, 0] = np.clip(column, patch.column + 0.5, patch.column + patch.width - 0.5) / columns
        uv[mine, 1] = 1 - np.clip(row, patch.row + 0.5, patch.row + patch.height - 0.5) / rows
    return uv.astype(np.float32), index.reshape(-1, 3).astype(np.int32), unique[:, 1]


def _unfold(y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pulls the underside of the chin and the neck down from behind the jaw, where the front plane would hide them."""
    share = np.clip((646.0 - y) / 22.0, 0.0, 1.0)
    return y - 0.6 * share**2 * np.clip(142.0 - z, 0.0, 55.0)


def _texels(
    vertices: NDArray[np.float64],
    uv: NDArray[np.float32],
    uv_faces: NDArray[np.int32],
    vertex_of_uv: NDArray[np.int64],
) -> csr_array:
    """Barycentric weights of the front-most surface at every texel."""
    rows, columns = TEXTURE_SHAPE
    flat = np.column_stack([uv[:, 0] * columns, (1 - uv[:, 1]) * rows, vertices[vertex_of_uv, 2]])
    down, across = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
    origins = np.column_stack([across.ravel(), down.ravel(), np.full(across.size, 500.0)])
    caster = RayMeshIntersector(Trimesh(flat, uv_faces, process=False))
    hit = caster.intersects_first(origins, np.tile([0.0, 0.0, -1.0], (len(origins), 1))).reshape(rows, columns)
    nearest = ndimage.distance_transform_edt(hit < 0, return_distances=False, return_indices=True)
    # A texel off the surface takes the weights of the nearest one on it, so that nothing dark bleeds in at rims.
    point = origins[:, :2].reshape(rows, columns, 2)[tuple(nearest)].reshape(-1, 2)
    corners = uv_faces[hit[tuple(nearest)].ravel()]
    weights = barycentric(point, flat[corners, :2])
    shape = (rows * columns, len(vertices))
    owner = np.repeat(np.arange(rows * columns), 3)
    return csr_array((weights.ravel(), (owner, vertex_of_uv[corners].ravel())), shape=shape)


def barycentric(point: NDArray[np.float64], triangle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights ``(N, 3)`` of `point` ``(N, 2)`` in `triangle` ``(N, 3, 2)``."""
    a, b, c = triangle[:, 0], triangle[:, 1], triangle[:, 2]
    ab, ac, ap = b - a, c - a, point - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    v = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) / area
    w = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) / area
    return np.clip(np.stack([1 - v - w, v, w], axis=1), 0.0, 1.0)
