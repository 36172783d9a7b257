"""Contrast: the picture of a face through haze."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.pictures import face, with_texture
from afnetm.data.maps import RenderedMaps


class Contrast(MapCorruption):
    """sRGB levels drawn towards the mean colour of the face, and rounded again."""

    name = "contrast"
    title = "Contrast"
    of = "texture"
    severities = (0.75, 0.5, 0.3, 0.18, 0.08)
    meaning = "fraction of the contrast that is left"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        texture = maps.texture.astype(np.float64)
        mean = texture[:, face(maps)].mean(1)[:, None, None]
        return with_texture(maps, mean + value * (texture - mean))
