"""Yaw: a head that is turned to the side, and not turned back."""

import numpy as np

from afnetm.corruptions.corruption import ScanCorruption
from afnetm.corruptions.turning import turned
from afnetm.data.pose import Pose


class Yaw(ScanCorruption):
    """The scan rendered from the mesh, turned out of the frontal pose; to the left or to the right is drawn."""

    name = "yaw"
    title = "Yaw"
    of = "both"
    severities = (10.0, 20.0, 30.0, 45.0, 60.0)
    unit = "degrees"
    meaning = "angle out of the frontal pose"

    def posed(self, pose: Pose, value: float, rng: np.random.Generator) -> Pose:
        """As `ScanCorruption.posed`."""
        return turned(pose, "y", value * rng.choice([-1, 1]))
