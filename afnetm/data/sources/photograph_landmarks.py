"""Landmarks of a photograph looked up on the surface that was measured with it."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from afnetm.data.sources.range_surface import Surface

#: A landmark further from every measured point has no place on the surface, mm: eyes and the open mouth, which range
#: sensors miss, end within this of a landmark on their rim; further away the point next to it says another thing.
MAX_DISTANCE_MM = 5.0


def landmarks_on_surface(
    pixels: NDArray[np.float64], surface: Surface, *, picture_size: tuple[int, int]
) -> NDArray[np.float64]:
    """The vertices that lie next to `pixels` in the photograph.

    Args:
        pixels: ``(L, 2)`` x to the right and y down from the photograph's upper left corner, NaN where missing.
        surface: of one face or more; its uv has its origin at the photograph's lower left corner.
        picture_size: the photograph's width and height.

    Returns:
        ``(L, 3)`` float64 mm; NaN where `pixels` is, or where no vertex is within `MAX_DISTANCE_MM`.
    """
    texels = np.abs(surface.uv - (0, 1)) * picture_size
    known = np.isfinite(pixels).all(1)
    distance, nearest = map(np.asarray, cKDTree(texels).query(pixels[known]))
    near = distance * _pixel_mm(surface, texels) <= MAX_DISTANCE_MM
    found = np.full((len(pixels), 3), np.nan)
    found[np.flatnonzero(known)[near]] = surface.vertices[nearest[near]]
    return found


def _pixel_mm(surface: Surface, texels: NDArray[np.float64]) -> float:
    """The side of the photograph's pixels on the face, mm: what edges of the surface span in both, in the median."""
    edges = surface.faces[:, :2]
    spans = (np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1) for points in (surface.vertices, texels))
    millimetres, pixels = (np.median(span) for span in spans)
    return float(millimetres / pixels) if pixels > 0 else np.inf
