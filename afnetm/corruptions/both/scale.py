"""Scale: a face that is larger or smaller than it is, as by a wrong unit or calibration."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.moving import moved
from afnetm.data.maps import RenderedMaps


class Scale(MapCorruption):
    """The face scaled in all three dimensions about the middle of the window; whether it grows or shrinks is drawn."""

    name = "scale"
    title = "Scale"
    of = "both"
    severities = (0.02, 0.05, 0.1, 0.15, 0.25)
    meaning = "s of the factor, which is 1 + s or 1 / (1 + s)"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        return moved(maps, scale=(1 + value) ** float(rng.choice([-1, 1])))
