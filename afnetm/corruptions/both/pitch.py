"""Pitch: a head that is raised or lowered, and not turned back."""

import numpy as np

from afnetm.corruptions.corruption import ScanCorruption
from afnetm.corruptions.turning import turned
from afnetm.data.pose import Pose


class Pitch(ScanCorruption):
    """The scan rendered from the mesh, turned out of the frontal pose; up or down is drawn."""

    name = "pitch"
    title = "Pitch"
    of = "both"
    severities = (10.0, 20.0, 30.0, 45.0, 60.0)
    unit = "degrees"
    meaning = "angle out of the frontal pose"

    def posed(self, pose: Pose, value: float, rng: np.random.Generator) -> Pose:
        """As `ScanCorruption.posed`."""
        return turned(pose, "x", value * rng.choice([-1, 1]))
