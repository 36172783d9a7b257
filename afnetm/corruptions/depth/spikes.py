"""Spikes: single measurements that are far off, as by stray light or at the edges of things."""

from typing import ClassVar

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import cells
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.maps import RenderedMaps


class Spikes(MapCorruption):
    """Cells of the window that are measured 10 to 40 mm too near or too far, each by itself."""

    name = "spikes"
    title = "Depth spikes"
    of = "depth"
    severities = (0.04, 0.08, 0.16, 0.3, 0.6)
    meaning = "fraction of the cells that are spikes"

    CELL_MM: ClassVar[float] = 4.0
    HEIGHT_MM: ClassVar[tuple[float, float]] = (10.0, 40.0)

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        z, (low, high) = millimetres(maps), self.HEIGHT_MM
        chance, height = cells(rng, len(z), cell_mm=self.CELL_MM, count=2)
        error = np.where(height < 0.5, -1, 1) * (low + (high - low) * (2 * height % 1))
        return with_surface(maps, z + error * (chance < value), measured(maps))
