"""Ray casting: what each pixel of the window sees of a mesh. Orthographic, one ray a pixel.

embreex keeps of what a ray meets the surface in front, with its triangle and the barycentric coordinates. Interpolating
scattered points instead would invent surface at silhouettes and folds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.maps import WINDOW_MM


@dataclass(frozen=True, eq=False)
class Hits:
    """Hits of ``n`` rays on a mesh.

    Attributes:
        seen: ``(S, S)`` bool, the pixels whose ray hit; the other arrays are in the order of ``seen``'s true pixels.
        triangle: ``(n,)`` rows of the mesh's faces.
        second: ``(n,)`` weight of the triangle's second corner, 0..1.
        third: ``(n,)`` weight of its third corner; the first one has the rest.
    """

    seen: NDArray[np.bool_]
    triangle: NDArray[np.intp]
    second: NDArray[np.float64]
    third: NDArray[np.float64]

    def interpolate(self, points: NDArray[np.floating], faces: NDArray[np.int32]) -> NDArray[np.float64]:
        """`points` ``(V, C)``, given at the corners of `faces`, interpolated at the hits: ``(C, S, S)``, else 0."""
        corners = points[faces[self.triangle]].astype(np.float64)
        first = corners[:, 0]
        along, across = corners[:, 1] - first, corners[:, 2] - first
        planes = np.zeros((points.shape[1], *self.seen.shape))
        planes[:, self.seen] = (first + self.second[:, None] * along + self.third[:, None] * across).T
        return planes


def cast_rays(vertices: NDArray[np.float64], faces: NDArray[np.int32], *, size: int) -> Hits:
    """A ray along -z through the middle of each of the window's ``size x size`` pixels, row 0 at the top.

    Triangles that face away (clockwise as seen) or are edge-on are left out: behind a hole in the face there is
    nothing, not the inside of the head. Building the scene costs most, and this halves it too.
    """
    # Here, for machines that train on datasets made elsewhere have no embreex, and import this module.
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    corners = vertices[faces, :2]
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    forward = np.flatnonzero(edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0] > 0)
    scene = EmbreeScene(robust=True)  # or a ray may slip through between two triangles
    TriangleMesh(scene, vertices.astype(np.float32), faces[forward])

    middle = (np.arange(size) + 0.5) * WINDOW_MM / size - WINDOW_MM / 2
    origins = np.empty((size, size, 3), np.float32)
    origins[..., 0], origins[..., 1], origins[..., 2] = middle, -middle[:, None], vertices[:, 2].max() + 10
    towards = np.zeros((size * size, 3), np.float32)
    towards[:, 2] = -1
    found = scene.run(origins.reshape(-1, 3), towards, query="INTERSECT", output=True)
    hit = found["primID"] >= 0
    second, third = (found[weight][hit].astype(np.float64) for weight in ("u", "v"))
    return Hits(hit.reshape(size, size), forward[found["primID"][hit]], second, third)
