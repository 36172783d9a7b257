"""Convex hulls in the plane, and how far points are from them; degenerate ones (a point, a segment) included."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError


def distance_to_hull(points: NDArray[np.float64], queries: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each of the `queries` ``(..., 2)`` to the convex hull of the `points` ``(n, 2)``; 0 inside it.

    The hull of one point is the point, of points in a row the segment.
    """
    hull = convex_hull(points)
    start, along = hull, np.roll(hull, -1, 0) - hull
    offset = queries[..., None, :] - start
    length = np.maximum((along**2).sum(-1), np.finfo(np.float64).tiny)
    share = ((offset * along).sum(-1) / length).clip(0, 1)
    distance: NDArray[np.float64] = np.sqrt(((offset - share[..., None] * along) ** 2).sum(-1).min(-1))
    left_of_edge = along[:, 0] * offset[..., 1] - along[:, 1] * offset[..., 0] >= 0
    inside = left_of_edge.all(-1) & (len(hull) > 2)
    return np.where(inside, 0.0, distance)


def convex_hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners ``(h, 2)`` of the hull of `points` ``(n, 2)``, counter-clockwise; both ends where they are in a row."""
    ordered = np.unique(points, axis=0)
    try:
        return np.asarray(ordered[ConvexHull(ordered).vertices])
    except QhullError:  # fewer than three points, or all in a row
        return ordered[[0, -1]]
