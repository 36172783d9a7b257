"""Depth noise: a range sensor that errs along its line of sight."""

from typing import ClassVar

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import noise
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.maps import RenderedMaps


class DepthNoise(MapCorruption):
    """Gaussian noise on every measured depth, as grain of a fixed size on the face."""

    name = "depth_noise"
    title = "Depth noise"
    of = "depth"
    severities = (1.0, 2.0, 4.0, 8.0, 14.0)
    unit = "mm"
    meaning = "standard deviation of the noise"

    #: Standard deviation of the Gaussian that the noise is filtered by, mm.
    GRAIN_MM: ClassVar[float] = 2.5

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        z = millimetres(maps)
        return with_surface(maps, z + value * noise(rng, len(z), width_mm=self.GRAIN_MM)[0], measured(maps))
