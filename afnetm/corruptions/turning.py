"""Poses of a head that is turned away from the viewer."""

import numpy as np
from scipy.spatial.transform import Rotation

from afnetm.data.pose import Pose

#: The head is turned around this point of the frontal frame, mm: between the eyes and the ears, so that the face stays
#: in the window, as if whatever cuts faces out had followed it.
PIVOT_MM = np.array([0.0, 0.0, -40.0])


def turned(pose: Pose, axis: str, degrees: float) -> Pose:
    """`pose`, then turned by `degrees` around `axis` (``"x"`` to the viewer's right, ``"y"`` up), right-handed."""
    turn = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    translation = turn @ (pose.translation - PIVOT_MM) + PIVOT_MM
    return Pose(turn @ pose.rotation, translation, pose.misfit)
