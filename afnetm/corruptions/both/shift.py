"""Shift: a face that is not in the middle."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.moving import moved
from afnetm.data.maps import RenderedMaps


class Shift(MapCorruption):
    """The face moved across the window, in a direction that is drawn; its depth stays."""

    name = "shift"
    title = "Shift"
    of = "both"
    severities = (2.0, 4.0, 7.0, 12.0, 20.0)
    unit = "mm"
    meaning = "distance from where the pose fit puts the face"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        angle = rng.uniform(0, 2 * np.pi)
        return moved(maps, shift=(value * np.cos(angle), value * np.sin(angle)))
