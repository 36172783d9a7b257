"""Blur: a picture out of focus."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.pictures import face, levels, light, with_texture
from afnetm.corruptions.surfaces import smoothed
from afnetm.data.maps import RenderedMaps


class Blur(MapCorruption):
    """Linear light filtered by a Gaussian over the face; what is beside it does not bleed in."""

    name = "blur"
    title = "Blur"
    of = "texture"
    severities = (2.0, 4.0, 6.0, 9.0, 14.0)
    unit = "mm"
    meaning = "standard deviation of the Gaussian"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        return with_texture(maps, levels(smoothed(light(maps.texture), face(maps), width_mm=value)))
