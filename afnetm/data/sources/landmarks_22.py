"""Bosphorus's 22 landmarks from BU-3DFE's 83: the same face as an annotator of the other dataset would mark it."""

import numpy as np
from numpy.typing import NDArray

from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_83
from afnetm.data.pose import find_anchors, fit_anchors
from afnetm.data.regions import landmark_set

#: The 22 that are a row of the 83 as the synthetic source orders them.
_ROWS = {
    "Upper lip outer middle": "outer_mouth_3",
    "Upper lip inner middle": "inner_mouth_2",
    "Lower lip inner middle": "inner_mouth_6",
    "Lower lip outer middle": "outer_mouth_9",
    "Chin middle": "jaw_7",
}
#: The 22 that the pose fit holds on to, by its name for them.
_ANCHORS = {
    "eye_outer": "outer {} eye corner",
    "eye_inner": "inner {} eye corner",
    "nose_saddle": "nose saddle {}",
    "nose_wing": "{} nose peak",
}
#: Where the tip of the nose is looked for, mm: so far from the midline, and so far below and above the wings.
_TIP_ACROSS_MM, _TIP_BELOW_MM, _TIP_ABOVE_MM = 6.0, 15.0, 10.0


def landmarks_22_from_83(landmarks: NDArray[np.floating], vertices: NDArray[np.floating]) -> NDArray[np.float32]:
    """The 22 landmarks of a face of which the 83 are known. Left is the subject's left, found from coordinates.

    Eye corners and the nose's sides are those that the pose fit takes from the 83, so that both sets give one pose. The
    ends of brows and mouth are those of their outlines, a brow's middle is the outline's centre, and the tip of the
    nose is the point of the surface that protrudes most between the nose's sides.

    Args:
        landmarks: ``(83, 3)`` mm in the order of `LANDMARKS_83`, none missing.
        vertices: ``(V, 3)`` mm, the surface in the same frame, which may be turned anyhow.

    Returns:
        ``(22, 3)`` float32 mm in the order of `LANDMARKS_22`; the tip is NaN where the nose was not measured.
    """
    anchors = find_anchors(landmarks, landmark_set(LANDMARKS_83))
    pose = fit_anchors(anchors)
    points = np.asarray(landmarks, np.float32)
    across = pose.apply(points)[:, 0]
    found = {name: points[LANDMARKS_83.index(row)] for name, row in _ROWS.items()}
    for (kind, _), point in anchors.items():
        side = "left" if pose.apply(point)[0] > 0 else "right"
        found[_ANCHORS[kind].format(side).capitalize()] = point.astype(np.float32)

    brows = sorted((_rows("right_brow"), _rows("left_brow")), key=lambda rows: across[rows].mean())
    mouth = _rows("outer_mouth")
    for side, sign, brow in zip(("right", "left"), (-1, 1), brows, strict=True):
        found[f"Outer {side} eyebrow"] = points[brow[(sign * across[brow]).argmax()]]
        found[f"Middle {side} eyebrow"] = points[brow].mean(0)
        found[f"Inner {side} eyebrow"] = points[brow[(sign * across[brow]).argmin()]]
        found[f"{side.capitalize()} mouth corner"] = points[mouth[(sign * across[mouth]).argmax()]]

    wings = np.stack([pose.apply(point) for (kind, _), point in anchors.items() if kind == "nose_wing"])
    found["Nose tip"] = _tip(np.asarray(vertices, np.float32), pose.apply(vertices) - wings.mean(0))
    return np.stack([found[name] for name in LANDMARKS_22])


def _rows(group: str) -> NDArray[np.intp]:
    return np.flatnonzero([name.startswith(group) for name in LANDMARKS_83])


def _tip(vertices: NDArray[np.float32], from_wings: NDArray[np.float64]) -> NDArray[np.float32]:
    x, y, z = from_wings.T
    nose = (np.abs(x) < _TIP_ACROSS_MM) & (y > -_TIP_BELOW_MM) & (y < _TIP_ABOVE_MM)
    if not nose.any():
        return np.full(3, np.nan, np.float32)
    return np.asarray(vertices[np.where(nose, z, -np.inf).argmax()])
