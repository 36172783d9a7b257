"""Holes: places that the range sensor has lost, such as wet or shiny ones."""

from typing import ClassVar

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import positions
from afnetm.corruptions.surfaces import measured, millimetres, with_surface
from afnetm.data.ellipse import Ellipse
from afnetm.data.maps import RenderedMaps


class Holes(MapCorruption):
    """Three ellipses in which nothing was measured; their places and forms are drawn.

    What the face encloses of them up to 400 mm^2 is filled in, as it is in every scan; the rest stays empty.
    """

    name = "holes"
    title = "Depth holes"
    of = "depth"
    severities = (9.0, 11.0, 12.0, 14.0, 20.0)
    unit = "mm"
    meaning = "larger radius of each hole"

    COUNT: ClassVar[int] = 3
    #: Their centres are within so many mm of the middle of the window, to the sides and up or down.
    REACH_MM: ClassVar[tuple[float, float]] = (40.0, 60.0)

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        reach, seen = np.array(self.REACH_MM), measured(maps)
        for _ in range(self.COUNT):
            hole = Ellipse.draw(rng.uniform(-reach, reach), (value, value), rng)
            seen = seen & (hole.distance(positions(len(seen))) >= 1)
        return with_surface(maps, millimetres(maps), seen)
