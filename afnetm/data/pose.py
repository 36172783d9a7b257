"""The pose fit: a scan's landmarks to the rigid motion that makes the face frontal and centred. Scale is never touched.

The eye corners and the nose move least with expression. Their positions on an average face are the template; the
motion is the least-squares one (Kabsch 1976, with the reflection excluded as by Umeyama 1991, without his scale).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.regions import LandmarkSet, landmark_set
from afnetm.data.scan import Scan
from afnetm.errors import UserError

#: Positions on an average face, mm, in the frame of the window: x to the viewer's right, y up, z towards the viewer.
#: Outer and inner corner of the eye at the viewer's left, inner and outer corner of the other, centroid of the nose's
#: side at the viewer's left, of the other side, and of the nose's base. Measured as the mean of 24 neutral heads of the
#: synthetic source in their upright frame, rounded to half a millimetre and placed so that the window holds everything
#: from the forehead to a dropped chin.
TEMPLATE_MM = np.array(
    [[-42, 32, -4], [-15.5, 29, 0], [15.5, 29, 0], [42, 32, -4], [-11.5, 11, 10.5], [11.5, 11, 10.5], [0, -13, 14.5]]
)
#: The same rows for a scan whose first eye is the viewer's right one.
_MIRRORED = [3, 2, 1, 0, 5, 4, 6]
#: Largest root mean square misfit of a face, mm: adults stay below 6, another unit of length is far above.
MAX_MISFIT_MM = 15.0


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

    Which eye is the viewer's left one is not read from names: both ways are tried, and since no rotation makes a face
    its own mirror image, the wrong way fits far worse.

    Raises:
        UserError: landmarks of no known set, one missing that the fit needs, or no face in mm.
    """
    try:
        known = landmark_set(scan.landmark_names)
    except UserError as error:
        raise UserError(f"scan {scan.id}: {error}") from None
    needed = [row for part in (*known.eyes, *known.nose_sides, known.nose_base) for row in part]
    missing = [scan.landmark_names[row] for row in needed if not np.isfinite(scan.landmarks[row]).all()]
    if missing:
        raise UserError(f"scan {scan.id}: the pose fit needs every landmark of eyes and nose; missing: {missing}")
    anchors = _anchors(scan.landmarks.astype(np.float64), known)
    pose = min((_kabsch(anchors, TEMPLATE_MM[rows]) for rows in (slice(None), _MIRRORED)), key=lambda fit: fit.misfit)
    if pose.misfit > MAX_MISFIT_MM:
        raise UserError(
            f"scan {scan.id}: its eyes and nose miss an average face by {pose.misfit:.0f} mm "
            f"(root mean square; allowed: up to {MAX_MISFIT_MM:g}, lengths in mm)"
        )
    return pose


def _anchors(landmarks: NDArray[np.float64], known: LandmarkSet) -> NDArray[np.float64]:
    """The ``(7, 3)`` points of a scan in the order of `TEMPLATE_MM`, from the eye that `known` lists first."""
    first, second = (landmarks[list(rows)] for rows in known.eyes)
    # An eye is wider than high whatever the expression: its corners are its extremes along the line through both eyes.
    towards_second = second.mean(0) - first.mean(0)
    first_along, second_along = first @ towards_second, second @ towards_second
    corners = [first[first_along.argmin()], first[first_along.argmax()]]
    corners += [second[second_along.argmin()], second[second_along.argmax()]]
    sides = sorted((landmarks[list(rows)].mean(0) for rows in known.nose_sides), key=lambda side: side @ towards_second)
    return np.stack([*corners, *sides, landmarks[list(known.nose_base)].mean(0)])


def _kabsch(points: NDArray[np.float64], target: NDArray[np.float64]) -> Pose:
    centre, target_centre = points.mean(0), target.mean(0)
    u, _, vt = np.linalg.svd((target - target_centre).T @ (points - centre))
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    translation = target_centre - rotation @ centre
    misfit = np.sqrt(((points @ rotation.T + translation - target) ** 2).sum(-1).mean())
    return Pose(rotation, translation, float(misfit))
