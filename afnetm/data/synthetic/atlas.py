"""The texture atlas: where on the texture image each part of the head is painted.

The skin is painted in the front plane of the base head (x and y of the base mesh in mm, the neck pulled down from
behind the chin), so that places on a face have the same coordinates for everybody and paint moves with the surface.
Eyes, teeth, tongue, the inside of the mouth and the eye sockets have patches of their own beside it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from trimesh import Trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

#: What a face of the head belongs to, by index.
PARTS = ("skin", "mouth", "socket", "left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue")
#: Rows and columns of the texture image.
TEXTURE_SHAPE = (320, 304)


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


def unwrap(
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


def texel_weights(
    vertices: NDArray[np.float64],
    uv: NDArray[np.float32],
    uv_faces: NDArray[np.int32],
    vertex_of_uv: NDArray[np.int64],
) -> csr_array:
    """Barycentric weights of the front-most surface at every texel, ``(H * W, V)`` float32."""
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
    weights = barycentric(point, flat[corners, :2]).astype(np.float32)
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
