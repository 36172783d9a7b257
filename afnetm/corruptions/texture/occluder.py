"""Occluder: a thing between camera and face."""

from typing import ClassVar

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.fields import positions
from afnetm.corruptions.pictures import with_texture
from afnetm.data.ellipse import Ellipse
from afnetm.data.maps import RenderedMaps


class Occluder(MapCorruption):
    """An ellipse of one colour before the face; the range sensor, which stands elsewhere, sees past it.

    Its place, its form and its colour are drawn.
    """

    name = "occluder"
    title = "Occluder"
    of = "texture"
    severities = (15.0, 25.0, 35.0, 50.0, 70.0)
    unit = "mm"
    meaning = "larger radius of the ellipse"

    #: Its centre is within so many mm of the middle of the window, to the sides and up or down.
    REACH_MM: ClassVar[tuple[float, float]] = (35.0, 55.0)
    #: sRGB levels of its colour.
    LEVELS: ClassVar[tuple[float, float]] = (40.0, 220.0)

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        reach = np.array(self.REACH_MM)
        thing = Ellipse.draw(rng.uniform(-reach, reach), (value, value), rng)
        colour = rng.uniform(*self.LEVELS, 3)[:, None, None]
        covered = thing.distance(positions(maps.texture.shape[-1])) < 1
        return with_texture(maps, np.where(covered, colour, maps.texture))
