"""Depth smoothing: a range sensor of coarse optics, or software that smooths away its noise."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.surfaces import measured, millimetres, smoothed, with_surface
from afnetm.data.maps import RenderedMaps


class DepthSmoothing(MapCorruption):
    """Measured depth filtered by a Gaussian over the measured pixels."""

    name = "depth_smoothing"
    title = "Depth smoothing"
    of = "depth"
    severities = (4.0, 6.0, 8.0, 10.0, 14.0)
    unit = "mm"
    meaning = "standard deviation of the Gaussian"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        seen = measured(maps)
        return with_surface(maps, smoothed(millimetres(maps), seen, width_mm=value), seen)
