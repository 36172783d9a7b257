"""Landmarks to regions: which landmarks outline which salient region, and which hold still enough for the pose fit.

A set of landmarks is one entry of `LANDMARK_SETS`; another annotation scheme is another entry. Names never say which
side of the face a landmark is on: data sets disagree on whose left is meant, so sides follow from coordinates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.hulls import distance_to_hull
from afnetm.data.landmarks import GROUPS_83, LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, WINDOW_MM
from afnetm.errors import UserError

#: How far a region reaches beyond the convex hull of its landmarks, mm: about three times the scatter (1.5 mm) with
#: which people place landmarks, so that the region's rim is inside even where it was clicked too far in.
MARGIN_MM = 4.0


@dataclass(frozen=True, kw_only=True)
class LandmarkSet:
    """What the rows of one annotation scheme stand for; every number is a row of the landmarks.

    Attributes:
        parts: the connected parts of each region of `REGIONS`: a brow is a part, the mouth is one.
        eyes: the outlines of both eyes, in either order; their outermost points are the corners.
        nose_sides: the rows of both sides of the nose, in either order.
        nose_base: the rows around the nostrils.
    """

    parts: dict[str, tuple[tuple[int, ...], ...]]
    eyes: tuple[tuple[int, ...], tuple[int, ...]]
    nose_sides: tuple[tuple[int, ...], tuple[int, ...]]
    nose_base: tuple[int, ...]


def _rows_83(*groups: str) -> tuple[int, ...]:
    starts = dict(zip(GROUPS_83, np.cumsum([0, *GROUPS_83.values()]).tolist(), strict=False))
    return tuple(row for group in groups for row in range(starts[group], starts[group] + GROUPS_83[group]))


#: The known sets, by the names of their rows.
LANDMARK_SETS = {
    LANDMARKS_83: LandmarkSet(
        parts={
            "brows": (_rows_83("right_brow"), _rows_83("left_brow")),
            "eyes": (_rows_83("right_eye"), _rows_83("left_eye")),
            "nose": (_rows_83("right_nose", "left_nose", "nostrils"),),
            "mouth": (_rows_83("outer_mouth", "inner_mouth"),),
        },
        eyes=(_rows_83("right_eye"), _rows_83("left_eye")),
        nose_sides=(_rows_83("right_nose"), _rows_83("left_nose")),
        nose_base=_rows_83("nostrils"),
    )
}


def landmark_set(names: tuple[str, ...]) -> LandmarkSet:
    """The set whose rows are called `names`, in this order.

    Raises:
        UserError: no known set has these rows.
    """
    try:
        return LANDMARK_SETS[names]
    except KeyError:
        known = "; ".join(f"{len(rows)} rows from {rows[0]} to {rows[-1]}" for rows in LANDMARK_SETS)
        raise UserError(f"landmarks: {len(names)} rows from {names[:1]} are no known set (known: {known})") from None


def region_planes(landmarks: NDArray[np.floating], known: LandmarkSet, *, size: int) -> NDArray[np.uint8]:
    """Region bits of every pixel: the convex hull of each part's landmarks, seen from the front, grown by `MARGIN_MM`.

    Args:
        landmarks: ``(L, 3)`` mm in the pose-normalised frame. A part with a missing (NaN) landmark is left out.
        known: what the rows stand for.
        size: pixels along a side of the window.

    Returns:
        ``(S, S)`` uint8, bits as in `PLANES`; never the ``valid`` bit.
    """
    planes = np.zeros((size, size), np.uint8)
    pixel = WINDOW_MM / size
    for region in REGIONS:
        for rows in known.parts[region]:
            points = np.asarray(landmarks, np.float64)[list(rows), :2]
            if not np.isfinite(points).all():
                continue
            # Only the pixels around the part are measured.
            low = np.floor((points.min(0) - MARGIN_MM + WINDOW_MM / 2) / pixel).astype(int).clip(0, size)
            high = np.ceil((points.max(0) + MARGIN_MM + WINDOW_MM / 2) / pixel).astype(int).clip(0, size)
            x = (np.arange(low[0], high[0]) + 0.5) * pixel - WINDOW_MM / 2
            y = (np.arange(low[1], high[1]) + 0.5)[::-1] * pixel - WINDOW_MM / 2
            near = distance_to_hull(points, np.stack(np.meshgrid(x, y), -1)) <= MARGIN_MM
            planes[size - high[1] : size - low[1], low[0] : high[0]] |= near * np.uint8(PLANES[region])
    return planes
