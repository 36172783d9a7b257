"""Other person: texture and depth of two people, as where sensors' files were mixed up."""

from dataclasses import replace

import numpy as np

from afnetm.corruptions.corruption import MapCorruption
from afnetm.data.maps import PLANES, RenderedMaps


class OtherPerson(MapCorruption):
    """The depth is that of another subject's scan of the same expression; texture, masks and landmarks stay."""

    name = "other_person"
    title = "Depth of another person"
    of = "modality"
    severities = (1.0,)
    meaning = "without grades"
    needs_partner = True

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        assert partner is not None
        valid = np.uint8(PLANES["valid"])
        planes = (maps.planes & ~valid) | (partner.planes & valid)
        return replace(maps, depth=np.array(partner.depth), planes=planes)
