"""Surfaces of maps: depth in mm, and back into codes as a scan with such a surface would have been rendered."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.holes import MAX_HOLE_MM2, enclosed, fill
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, WINDOW_MM, RenderedMaps


def measured(maps: RenderedMaps) -> NDArray[np.bool_]:
    """The pixels ``(S, S)`` whose depth was measured, and not filled in."""
    return np.asarray((maps.planes[0] & PLANES["valid"]) > 0)


def millimetres(maps: RenderedMaps) -> NDArray[np.float64]:
    """Depth ``(S, S)`` in mm towards the viewer; far behind the face where there is none."""
    return np.asarray(DEPTH_ZERO_MM + (maps.depth[0].astype(np.float64) - 1) * DEPTH_STEP_MM)


def with_surface(maps: RenderedMaps, z: NDArray[np.float64], seen: NDArray[np.bool_]) -> RenderedMaps:
    """`maps` as if the range sensor had measured another surface.

    As in rendering (`afnetm.data.rendering`), what lies beyond the range of the codes is not measured, and holes that
    the face encloses are filled smoothly up to `MAX_HOLE_MM2`, which does not make them ``valid``.

    Args:
        maps: of the scan.
        z: ``(S, S)`` mm; read where it is `seen`.
        seen: ``(S, S)``, what the sensor measured.
    """
    code = (z - DEPTH_ZERO_MM) / DEPTH_STEP_MM + 1
    seen = seen & (code >= 1) & (code <= np.iinfo(np.uint16).max)
    holes, areas = enclosed(seen)
    small = (holes > 0) & (areas * (WINDOW_MM / len(z)) ** 2 <= MAX_HOLE_MM2)[holes]
    depth = np.where(seen | small, np.rint(fill(code[None], small)), 0).astype(np.uint16)
    valid = np.uint8(PLANES["valid"])
    return replace(maps, depth=depth, planes=(maps.planes & ~valid) | seen[None] * valid)


def smoothed(values: NDArray[np.float64], there: NDArray[np.bool_], *, width_mm: float) -> NDArray[np.float64]:
    """`values` ``(..., S, S)`` filtered by a Gaussian over the pixels that are `there`; of use at these alone.

    What is beside them has no weight (normalised convolution), so that nothing of it bleeds into the face.
    """
    pixels = width_mm * there.shape[-1] / WINDOW_MM
    axes = (-2, -1)
    weight = ndimage.gaussian_filter(there.astype(np.float64), pixels, mode="constant")
    total = ndimage.gaussian_filter(np.where(there, values, 0.0), pixels, axes=axes, mode="constant")
    return np.asarray(total / np.maximum(weight, 1e-9))
