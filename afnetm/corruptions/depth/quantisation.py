"""Quantisation: a range sensor that knows few distances."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.maps import RenderedMaps


class Quantisation(MapCorruption):
    """Measured depth rounded to multiples of a step."""

    name = "quantisation"
    title = "Depth quantisation"
    of = "depth"
    severities = (4.0, 8.0, 11.0, 16.0, 25.0)
    unit = "mm"
    meaning = "step from one depth to the next"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        return with_surface(maps, np.rint(millimetres(maps) / value) * value, measured(maps))
