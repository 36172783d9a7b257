"""Texture gone: a camera that delivers nothing."""

from dataclasses import replace

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.data.maps import RenderedMaps


class TextureGone(MapCorruption):
    """The texture is black; depth, masks and landmarks stay."""

    name = "texture_gone"
    title = "Texture gone"
    of = "modality"
    severities = (1.0,)
    meaning = "without grades"

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        return replace(maps, texture=np.zeros_like(maps.texture))
