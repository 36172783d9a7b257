"""Curtain: something that is drawn before the camera from the left."""

from dataclasses import replace

import numpy as np

from afnetm.corruptions import MapCorruption


class Curtain(MapCorruption):
    """So many columns at the left of the texture are black."""

    name = "curtain"
    title = "Curtain"
    of = "texture"
    severities = (0.3, 0.4, 0.5, 0.6, 0.9)
    meaning = "fraction of the window that is covered from the left"

    def apply(self, maps, value, rng, partner=None):
        """As `MapCorruption.apply`."""
        covered = np.arange(maps.texture.shape[-1]) < value * maps.texture.shape[-1]
        return replace(maps, texture=np.where(covered, np.uint8(0), maps.texture))
