"""Drop-out: measurements that are missing here and there."""

from typing import ClassVar

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import cells
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.maps import RenderedMaps


class Dropout(MapCorruption):
    """Cells of the window in which nothing was measured, each lost by itself.

    What the face encloses of them up to 400 mm^2 is filled in, as it is in every scan.
    """

    name = "dropout"
    title = "Depth drop-out"
    of = "depth"
    severities = (0.3, 0.36, 0.42, 0.5, 0.6)
    meaning = "fraction of the cells that are lost"

    CELL_MM: ClassVar[float] = 4.0

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        seen = measured(maps)
        lost = cells(rng, len(seen), cell_mm=self.CELL_MM)[0] < value
        return with_surface(maps, millimetres(maps), seen & ~lost)
