"""Colour cast: a white balance that is wrong for the lamp."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.pictures import levels, light, with_texture
from afnetm.data.maps import RenderedMaps


class ColourCast(MapCorruption):
    """Linear light times a gain a channel, towards a hue that is drawn; the mean of the gains' logarithms is 0."""

    name = "colour_cast"
    title = "Colour cast"
    of = "texture"
    severities = (0.25, 0.5, 1.0, 2.0, 3.0)
    unit = "stops"
    meaning = "largest gain of a channel, over all hues"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        stops = value * np.cos(rng.uniform(0, 2 * np.pi) - 2 * np.pi / 3 * np.arange(3))
        return with_texture(maps, levels(light(maps.texture) * 2.0 ** stops[:, None, None]))
