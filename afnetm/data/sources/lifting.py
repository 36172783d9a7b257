"""Landmarks in a scan's picture, lifted to its surface: the points of the mesh that are painted with these pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from afnetm.data.formats.surface import Surface
from afnetm.errors import UserError

#: A landmark further from every painted point has no place on the surface, and places further apart are two, mm.
MAX_DISTANCE_MM = 5.0
#: Rounding in texture coordinates, as a share of a triangle.
_SLACK = 1e-6


def lifted(
    pixels: NDArray[np.floating], surface: Surface, *, picture_size: tuple[int, int], name: str
) -> NDArray[np.float32]:
    """The points of `surface` that `pixels` of its picture are on.

    Args:
        pixels: ``(L, 2)`` to the right and down from the picture's upper left corner, NaN where missing.
        surface: in mm; only what its texture coordinates say within 0..1 is looked at.
        picture_size: width and height.
        name: of the landmarks' file, begins the error.

    Returns:
        ``(L, 3)`` float32 mm; NaN where `pixels` is. A pixel in a hole of the surface gets the nearest painted point
        up to `MAX_DISTANCE_MM` away, NaN further from it.

    Raises:
        UserError: a pixel is outside of the picture, or painted on several places of the surface.
    """
    found = np.full((len(pixels), 3), np.nan, np.float32)
    uv = np.asarray(pixels, np.float64) / picture_size * (1, -1) + (0, 1)
    corners = surface.uv[surface.uv_faces].astype(np.float64)
    low, high = corners.min(1), corners.max(1)
    # A photograph paints what its camera does not see, too: what faces away, the other way round.
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]
    front = areas * areas.sum() > 0
    known = np.flatnonzero(np.isfinite(uv).all(1))
    for row in known:
        if not ((uv[row] >= 0) & (uv[row] <= 1)).all():
            x, y = pixels[row]
            size = " x ".join(map(str, picture_size))
            raise UserError(f"{name}: point {row + 1} is at {x:g}, {y:g} of a picture of {size} pixels")
        near = np.flatnonzero(((low <= uv[row]) & (uv[row] <= high)).all(1))
        weights = _barycentric(uv[row], corners[near])
        inside = (weights >= -_SLACK).all(1)
        inside = inside & front[near] if (inside & front[near]).any() else inside
        points = (weights[inside][..., None] * surface.vertices[surface.faces[near[inside]]]).sum(1)
        if len(points):
            apart = float(np.ptp(points, axis=0).max())
            if apart > MAX_DISTANCE_MM:
                raise UserError(
                    f"{name}: point {row + 1} is on places of the mesh that are {apart:.0f} mm apart and that its "
                    "texture coordinates paint alike (allowed: one place)"
                )
            found[row] = points.mean(0)
    missing = known[~np.isfinite(found[known]).all(1)]
    if len(missing):
        texels = corners.reshape(-1, 2) * picture_size
        distance, nearest = map(np.asarray, cKDTree(texels).query(uv[missing] * picture_size))
        near_enough = distance * _pixel_mm(surface, texels) <= MAX_DISTANCE_MM
        found[missing[near_enough]] = surface.vertices[surface.faces.ravel()[nearest[near_enough]]]
    return found


def _barycentric(point: NDArray[np.float64], triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights ``(n, 3)`` of the corners of `triangles` ``(n, 3, 2)`` at `point`; not finite where one is flat."""
    origin = triangles[:, 0]
    (ax, ay), (bx, by), (px, py) = (triangles[:, 1] - origin).T, (triangles[:, 2] - origin).T, (point - origin).T
    with np.errstate(divide="ignore", invalid="ignore"):
        second, third = (px * by - py * bx) / (ax * by - ay * bx), (ax * py - ay * px) / (ax * by - ay * bx)
        return np.stack([1 - second - third, second, third], axis=1)


def _pixel_mm(surface: Surface, texels: NDArray[np.float64]) -> float:
    """The side of the picture's pixels on the surface, mm: what edges span in both, in the median."""
    ends = surface.vertices[surface.faces], texels.reshape(-1, 3, 2)
    millimetres, pixels = (np.median(np.linalg.norm(one[:, 0] - one[:, 1], axis=1)) for one in ends)
    return float(millimetres / pixels) if pixels > 0 else np.inf
