"""Texture noise: the grain of a camera with too little light."""

from typing import ClassVar

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import noise
from afnetm.corruptions.pictures import levels, light, with_texture
from afnetm.data.maps import RenderedMaps


class TextureNoise(MapCorruption):
    """Gaussian noise in linear light, each channel by itself, as grain of a fixed size on the face.

    Its standard deviation is the value times ``sqrt(light) + 0.15``: photon noise grows with the square root of the
    light, read noise does not grow.
    """

    name = "texture_noise"
    title = "Texture noise"
    of = "texture"
    severities = (0.08, 0.15, 0.3, 0.5, 0.9)
    meaning = "standard deviation of the noise in linear light, of white"

    #: Standard deviation of the Gaussian that the noise is filtered by, mm.
    GRAIN_MM: ClassVar[float] = 2.5
    #: Noise where there is no light, relative to that of white.
    READ: ClassVar[float] = 0.15

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        linear = light(maps.texture)
        grain = noise(rng, linear.shape[-1], width_mm=self.GRAIN_MM, count=3)
        return with_texture(maps, levels(linear + value * grain * (np.sqrt(linear) + self.READ)))
