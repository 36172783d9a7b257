"""The 83 landmarks, chosen once on the base head and carried along by every identity and expression."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from trimesh import Trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from afnetm.data.synthetic.atlas import PARTS, barycentric
from afnetm.data.synthetic.head import head

#: One side's points (x >= 0 is the subject's left), mm, in the front plane of the base head.
EYE = (
    (44.6, 729.3),
    (40.0, 733.4),
    (33.0, 735.2),
    (25.5, 733.6),
    (17.0, 727.0),
    (23.0, 723.9),
    (32.0, 722.9),
    (40.0, 725.0),
)
BROW = (
    *((10.0, 749.5), (20.0, 752.5), (31.0, 755.0), (41.0, 755.0), (51.5, 749.0)),
    *((50.0, 746.5), (40.0, 750.0), (30.5, 749.5), (20.0, 746.5), (10.5, 743.5)),
)
NOSE_SIDE = ((7.5, 724.0), (10.5, 706.0), (17.0, 692.0))
NOSTRIL = ((13.0, 684.0), (8.0, 681.8), (2.5, 679.6))
OUTER_MOUTH = ((26.2, 661.3), (18.0, 667.6), (8.0, 669.8), (0.0, 667.4), (14.0, 651.3), (7.5, 649.9), (0.0, 649.5))
INNER_MOUTH = ((24.8, 661.0), (11.0, 662.6), (0.0, 662.0), (11.0, 659.6), (0.0, 659.4))
JAW = (
    (63.5, 706.0),
    (61.5, 690.0),
    (57.5, 675.0),
    (50.5, 657.0),
    (42.0, 644.0),
    (31.0, 633.0),
    (16.5, 625.5),
    (0.0, 622.5),
)


def front_points() -> NDArray[np.float64]:
    """The landmarks in the front plane of the base head, ``(83, 2)`` mm, in the order of `LANDMARKS_83`."""

    def right(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
        return [(-x, y) for x, y in points]

    corner, u1, u2, middle_up, d1, d2, middle_down = OUTER_MOUTH
    upper, lower = (u1, u2), (d1, d2)
    inner_corner, inner_up, inner_middle_up, inner_down, inner_middle_down = INNER_MOUTH
    points = [
        *right(EYE),
        *EYE,
        *right(BROW),
        *BROW,
        *right(NOSE_SIDE),
        *NOSE_SIDE,
        *right(NOSTRIL),
        *reversed(NOSTRIL),
        *[*right((corner, *upper)), middle_up, *reversed(upper), corner],
        *[*lower, middle_down, *right(tuple(reversed(lower)))],
        *[*right((inner_corner, inner_up)), inner_middle_up, inner_up, inner_corner],
        *[inner_down, inner_middle_down, *right((inner_down,))],
        *right(JAW),
        *reversed(JAW[:-1]),
    ]
    return np.array(points)


@dataclass(frozen=True, eq=False)
class Anchors:
    """Positions of landmarks on a head: `faces` ``(83,)`` of it and `weights` ``(83, 3)`` of their corners."""

    faces: NDArray[np.int64]
    weights: NDArray[np.float64]

    def locate(self, vertices: NDArray[np.float64]) -> NDArray[np.float64]:
        """The landmarks ``(83, 3)`` on the head at `vertices` ``(V, 3)``."""
        return np.asarray(np.einsum("lc,lcd->ld", self.weights, vertices[head().faces[self.faces]]))


@cache
def anchors() -> Anchors:
    """The landmarks' places on the head."""
    model = head()
    skin = np.flatnonzero(model.part == PARTS.index("skin"))
    mesh = Trimesh(model.vertices, model.faces[skin], process=False)
    points = front_points()
    origins = np.column_stack([points, np.full(len(points), 500.0)])
    hits = RayMeshIntersector(mesh).intersects_first(origins, np.tile([0.0, 0.0, -1.0], (len(origins), 1)))
    assert (hits >= 0).all(), "a landmark misses the base head"
    faces = skin[hits]
    return Anchors(faces, barycentric(points, model.vertices[model.faces[faces], :2]))
