"""Exposure: too much light or too little of it."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.pictures import levels, light, with_texture
from afnetm.data.maps import RenderedMaps


class Exposure(MapCorruption):
    """Linear light times a power of two, cut off at white; whether more or less of it is drawn."""

    name = "exposure"
    title = "Exposure"
    of = "texture"
    severities = (0.5, 1.0, 2.0, 3.0, 4.0)
    unit = "stops"
    meaning = "over- or underexposure"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        return with_texture(maps, levels(light(maps.texture) * 2.0 ** (value * rng.choice([-1, 1]))))
