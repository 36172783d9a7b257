"""Depth gone: a range sensor that delivers nothing."""

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.maps import RenderedMaps


class DepthGone(MapCorruption):
    """Nothing was measured anywhere; texture, masks and landmarks stay."""

    name = "depth_gone"
    title = "Depth gone"
    of = "modality"
    severities = (1.0,)
    meaning = "without grades"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        return with_surface(maps, millimetres(maps), np.zeros_like(measured(maps)))
