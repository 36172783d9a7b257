"""The pose fit: a scan's landmarks to the rigid motion that makes the face frontal and centred. Scale is never touched.

The eye corners and the sides of the nose move least with expression. Their positions on an average face are the
template; the motion is the least-squares one (Kabsch 1976, with the reflection excluded as by Umeyama 1991, without
his scale). Every set of landmarks is fitted to the same template by the anchors that it has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.regions import LandmarkSet, landmark_set
from afnetm.data.scan import Scan
from afnetm.errors import UserError

#: Positions on an average face by the kind of anchor, mm, in the frame of the window: x to the viewer's right, y up, z
#: towards the viewer; the side at the viewer's right, of which the other is the mirror image. Measured as the mean of
#: 24 neutral heads of the synthetic source in their upright frame, rounded to half a millimetre and placed so that the
#: window holds everything from the forehead to a dropped chin. The last three serve the 68 landmarks; that they are
#: the midline between the saddles, where the nose protrudes most, and the nostrils' outer ends is our reading.
TEMPLATE_MM = {
    "eye_outer": (41.0, 31.5, -4.0),
    "eye_inner": (15.5, 29.0, 0.0),
    "nose_saddle": (7.0, 26.0, 8.0),
    "nose_wing": (17.0, -3.0, 8.5),
    "nose_root": (0.0, 24.0, 13.0),
    "nose_tip": (0.0, -5.0, 30.0),
    "nose_base": (13.0, -10.5, 12.0),
}
_EYES = ("eye_outer", "eye_inner")
_NOSE_MIDDLE = ("nose_saddle", "nose_root", "nose_tip")
_NOSE_LOW = ("nose_wing", "nose_base")
#: What the fit cannot do without. Such points are well out of one plane: on the average face, whichever of the anchors
#: are missing, the mirror image misses by 4.9 mm (root mean square) or more, which tells the sides apart.
NEEDS = "a corner of each eye, a point of the nose's root or tip, and one of its wings"
#: Largest root mean square misfit of a face, mm. Of 900 synthetic scans, those of failing sensors included, the worst
#: has 6.6, and the one real face that was tried 8.5 (by its 68 landmarks). With the nose's rows in another order
#: (`afnetm.data.sources.nose_order`), which turns most heads by 4 to 11 degrees, the best of 900 of the generator's
#: version 1 has 10.7.
MAX_MISFIT_MM = 10.0

#: Anchors by kind and side. Side 0 and 1 are whichever the set lists first and second; on the midline there is only 0.
Anchors = dict[tuple[str, int], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Pose:
    """A rigid motion of points ``(n, 3)``.

    Attributes:
        rotation: ``(3, 3)`` float64, proper.
        translation: ``(3,)`` float64, mm.
        misfit: root mean square distance of the anchors to the template after the motion, mm.
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    misfit: float

    def apply(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """The moved `points`, ``(n, 3)`` mm."""
        return np.asarray(points, np.float64) @ self.rotation.T + self.translation


def fit_pose(scan: Scan) -> Pose:
    """The motion that takes `scan` to the frontal, centred pose.

    Landmarks may be missing as long as `NEEDS` are there; an outline that lacks a point has no anchor.

    Raises:
        UserError: landmarks of no known set, too few of them, or no face in mm.
    """
    try:
        known = landmark_set(scan.landmark_names)
    except UserError as error:
        raise UserError(f"scan {scan.id}: {error}") from None
    missing = [scan.landmark_names[row] for row in lacks(scan.landmarks, known)]
    if missing:
        raise UserError(f"scan {scan.id}: the pose fit needs {NEEDS}; missing: {missing}")
    pose = fit_anchors(find_anchors(scan.landmarks, known))
    if pose.misfit > MAX_MISFIT_MM:
        raise UserError(
            f"scan {scan.id}: its eyes and nose differ from an average face by {pose.misfit:.1f} mm "
            f"(root mean square; allowed: up to {MAX_MISFIT_MM:g}, lengths in mm)"
        )
    return pose


def find_anchors(landmarks: NDArray[np.floating], known: LandmarkSet) -> Anchors:
    """The anchors that `landmarks` ``(L, 3)`` have, each ``(3,)`` float64 mm; `NEEDS` must be among them."""
    points = np.asarray(landmarks, np.float64)
    first, second = (_centre(points, [known.anchors[kind][side] for kind in _EYES]) for side in (0, 1))
    across, between = second - first, (first + second) / 2
    found: Anchors = {}
    for kind, sides in known.anchors.items():
        ends = {
            side: _end(kind, points[list(rows)], across if side else -across, between)
            for side, rows in enumerate(sides)
            if _whole(points, rows)
        }
        if kind not in _EYES and len(ends) == 2 and (ends[1] - ends[0]) @ across < 0:
            ends = {0: ends[1], 1: ends[0]}  # the nose's sides are named otherwise than the eyes
        found |= {(kind, side): point for side, point in ends.items()}
    return found


def fit_anchors(anchors: Anchors) -> Pose:
    """The motion that takes `anchors` closest to the template.

    Whether side 0 is at the viewer's left is not read from names: both ways are tried, and since no rotation makes a
    face its own mirror image, the wrong way fits far worse.
    """
    points = np.stack(list(anchors.values()))
    target = np.array([TEMPLATE_MM[kind] for kind, _ in anchors])
    side = np.array([[2.0 * side - 1, 1, 1] for _, side in anchors])
    return min((_kabsch(points, target * side * (way, 1, 1)) for way in (1, -1)), key=lambda fit: fit.misfit)


def lacks(landmarks: NDArray[np.floating], known: LandmarkSet) -> list[int]:
    """The missing rows of every one of `NEEDS` that `landmarks` ``(L, 3)`` do not meet; empty where they suffice."""
    eyes = [[known.anchors[kind][side] for kind in _EYES] for side in (0, 1)]
    nose = [[rows for kind in kinds for rows in known.anchors.get(kind, ())] for kinds in (_NOSE_MIDDLE, _NOSE_LOW)]
    unmet = [need for need in (*eyes, *nose) if not any(_whole(landmarks, rows) for rows in need)]
    return sorted({row for need in unmet for rows in need for row in rows if not _whole(landmarks, (row,))})


def _whole(landmarks: NDArray[np.floating], rows: tuple[int, ...]) -> bool:
    return bool(np.isfinite(landmarks[list(rows)]).all())


def _end(
    kind: str, outline: NDArray[np.float64], outwards: NDArray[np.float64], between: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The end of an `outline` ``(n, 3)``, in whichever order its points are, that is the anchor `kind`.

    An eye is wider than high whatever the expression, so that its corners are its extremes along the line through both
    eyes. The side of the nose leads away from the point `between` them.
    """
    away = outline @ outwards if kind in _EYES else np.linalg.norm(outline - between, axis=-1)
    return np.asarray(outline[(away if kind in {"eye_outer", "nose_wing"} else -away).argmax()])


def _centre(points: NDArray[np.float64], outlines: list[tuple[int, ...]]) -> NDArray[np.float64]:
    """The mean of the points that are there."""
    some = points[sorted({row for rows in outlines for row in rows})]
    return np.asarray(some[np.isfinite(some).all(1)].mean(0))


def _kabsch(points: NDArray[np.float64], target: NDArray[np.float64]) -> Pose:
    """The least-squares motion of `points` ``(n, 3)`` to `target`.

    SciPy's `Rotation.align_vectors` finds the same rotation to within rounding (4e-16) in 2.2 times the time, and a
    scan with 83 landmarks takes some twenty fits to find the order of its nose's rows.
    """
    centre, target_centre = points.mean(0), target.mean(0)
    u, _, vt = np.linalg.svd((target - target_centre).T @ (points - centre))
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    translation = target_centre - rotation @ centre
    misfit = np.sqrt(((points @ rotation.T + translation - target) ** 2).sum(-1).mean())
    return Pose(rotation, translation, float(misfit))
