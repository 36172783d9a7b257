"""Landmarks to regions: which landmarks outline which salient region, and which hold still enough for the pose fit.

A set of landmarks is one entry of `LANDMARK_SETS`; another annotation scheme is another entry. Names never say which
side of the face a landmark is on: datasets disagree on whose left is meant, so sides follow from coordinates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.hulls import distance_to_hull
from afnetm.data.landmarks import GROUPS_68, GROUPS_83, LANDMARKS_22, LANDMARKS_68, LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, WINDOW_MM
from afnetm.errors import UserError

#: How far a region reaches beyond the convex hull of its landmarks, mm: about three times the scatter (1.5 mm) with
#: which people place landmarks, so that the region's rim is inside even where it was clicked too far in.
MARGIN_MM = 4.0
#: Height of an eye of which only the corners are known, as a share of their distance: the ellipse between the corners
#: that overlaps best with what the 83 landmarks outline (intersection over union .81, margin included), found in steps
#: of .05 over 24 neutral and 36 strong expressions of the synthetic source.
EYE_HEIGHT = 0.4


@dataclass(frozen=True, kw_only=True)
class Part:
    """One connected part of a region: the convex hull of some landmarks.

    Attributes:
        rows: the landmarks without which there is no part.
        optional: landmarks that widen it where they are there.
        height: where `rows` are two corners alone, the height of the ellipse between them, a share of their distance.
    """

    rows: tuple[int, ...]
    optional: tuple[int, ...] = ()
    height: float = 0.0

    def outline(self, landmarks: NDArray[np.floating]) -> NDArray[np.float64] | None:
        """Points ``(n, 2)`` mm whose hull is the part, seen from the front; None where a landmark is missing."""
        flat = np.asarray(landmarks, np.float64)[:, :2]
        points = flat[list(self.rows)]
        if not np.isfinite(points).all():
            return None
        if self.height:
            first, second = points
            angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)[:, None]
            half = (second - first) / 2
            upright = self.height * half[::-1] * (-1, 1)
            return np.asarray((first + second) / 2 + np.cos(angle) * half + np.sin(angle) * upright)
        more = flat[list(self.optional)]
        return np.concatenate([points, more[np.isfinite(more).all(1)]])


@dataclass(frozen=True, kw_only=True)
class LandmarkSet:
    """Landmark numbers of one annotation scheme by what they mark; every number is a row of the landmarks.

    Attributes:
        parts: the parts of each region of `REGIONS`: a brow is a part, the mouth is one.
        anchors: the landmarks that the pose fit holds on to, by their kind (`afnetm.data.pose.TEMPLATE_MM`): those of
            one side of the face and those of the other, or those of the midline. Several rows are an outline, which
            has the anchor at one of its ends.
    """

    parts: dict[str, tuple[Part, ...]]
    anchors: dict[str, tuple[tuple[int, ...], ...]]


def _rows(groups: dict[str, int], *chosen: str) -> tuple[int, ...]:
    starts = dict(zip(groups, np.cumsum([0, *groups.values()]).tolist(), strict=False))
    return tuple(row for group in chosen for row in range(starts[group], starts[group] + groups[group]))


def _rows_83(*groups: str) -> tuple[int, ...]:
    return _rows(GROUPS_83, *groups)


def _rows_68(*groups: str) -> tuple[int, ...]:
    return _rows(GROUPS_68, *groups)


def _rows_22(*names: str) -> tuple[int, ...]:
    return tuple(LANDMARKS_22.index(name) for name in names)


_EYES_83 = _rows_83("right_eye"), _rows_83("left_eye")
_NOSE_83 = _rows_83("right_nose"), _rows_83("left_nose")
_EYES_68 = _rows_68("right_eye"), _rows_68("left_eye")

#: The known sets, by the names of their rows. That the upper ends of the 83's nose sides are Bosphorus's nose saddles
#: and their lower ends its nose peaks is a reading of the two schemes' pictures; neither says so.
LANDMARK_SETS = {
    LANDMARKS_83: LandmarkSet(
        parts={
            "brows": (Part(rows=_rows_83("right_brow")), Part(rows=_rows_83("left_brow"))),
            "eyes": tuple(Part(rows=eye) for eye in _EYES_83),
            "nose": (Part(rows=_rows_83("right_nose", "left_nose", "nostrils")),),
            "mouth": (Part(rows=_rows_83("outer_mouth", "inner_mouth")),),
        },
        anchors={"eye_outer": _EYES_83, "eye_inner": _EYES_83, "nose_saddle": _NOSE_83, "nose_wing": _NOSE_83},
    ),
    LANDMARKS_22: LandmarkSet(
        parts={
            "brows": tuple(
                Part(rows=_rows_22(f"Outer {side} eyebrow", f"Inner {side} eyebrow"),
                     optional=_rows_22(f"Middle {side} eyebrow"))
                for side in ("left", "right")
            ),
            "eyes": tuple(
                Part(rows=_rows_22(f"Outer {side} eye corner", f"Inner {side} eye corner"), height=EYE_HEIGHT)
                for side in ("left", "right")
            ),
            "nose": (
                Part(rows=_rows_22("Nose saddle left", "Nose saddle right", "Left nose peak", "Right nose peak"),
                     optional=_rows_22("Nose tip")),
            ),
            "mouth": (
                Part(rows=_rows_22("Left mouth corner", "Right mouth corner",
                                   "Upper lip outer middle", "Lower lip outer middle"),
                     optional=_rows_22("Upper lip inner middle", "Lower lip inner middle")),
            ),
        },
        anchors={
            "eye_outer": (_rows_22("Outer left eye corner"), _rows_22("Outer right eye corner")),
            "eye_inner": (_rows_22("Inner left eye corner"), _rows_22("Inner right eye corner")),
            "nose_saddle": (_rows_22("Nose saddle left"), _rows_22("Nose saddle right")),
            "nose_wing": (_rows_22("Left nose peak"), _rows_22("Right nose peak")),
        },
    ),
    LANDMARKS_68: LandmarkSet(
        parts={
            "brows": (Part(rows=_rows_68("right_brow")), Part(rows=_rows_68("left_brow"))),
            "eyes": tuple(Part(rows=eye) for eye in _EYES_68),
            "nose": (Part(rows=_rows_68("nose_bridge", "nose_base")),),
            "mouth": (Part(rows=_rows_68("outer_mouth"), optional=_rows_68("inner_mouth")),),
        },
        anchors={
            "eye_outer": _EYES_68,
            "eye_inner": _EYES_68,
            "nose_root": (_rows_68("nose_bridge")[:1],),
            "nose_tip": (_rows_68("nose_bridge")[-1:],),
            "nose_base": (_rows_68("nose_base")[:1], _rows_68("nose_base")[-1:]),
        },
    ),
}  # fmt: skip


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
    """Region bits of every pixel: each part's outline, seen from the front, grown by `MARGIN_MM`.

    Args:
        landmarks: ``(L, 3)`` mm in the pose-normalised frame. A part that lacks a landmark (NaN) it needs is left out.
        known: what the rows stand for.
        size: pixels along a side of the window.

    Returns:
        ``(S, S)`` uint8, bits as in `PLANES`; never the ``valid`` bit.
    """
    planes = np.zeros((size, size), np.uint8)
    pixel = WINDOW_MM / size
    for region in REGIONS:
        for part in known.parts[region]:
            points = part.outline(landmarks)
            if points is None:
                continue
            # Only the pixels around the part are measured.
            low = np.floor((points.min(0) - MARGIN_MM + WINDOW_MM / 2) / pixel).astype(int).clip(0, size)
            high = np.ceil((points.max(0) + MARGIN_MM + WINDOW_MM / 2) / pixel).astype(int).clip(0, size)
            x = (np.arange(low[0], high[0]) + 0.5) * pixel - WINDOW_MM / 2
            y = (np.arange(low[1], high[1]) + 0.5)[::-1] * pixel - WINDOW_MM / 2
            near = distance_to_hull(points, np.stack(np.meshgrid(x, y), -1)) <= MARGIN_MM
            planes[size - high[1] : size - low[1], low[0] : high[0]] |= near * np.uint8(PLANES[region])
    return planes
