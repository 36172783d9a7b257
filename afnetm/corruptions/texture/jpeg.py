"""JPEG: a picture that was compressed too far."""

from io import BytesIO
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from afnetm.corruptions.corruption import MapCorruption
from afnetm.corruptions.pictures import with_texture
from afnetm.data.maps import RenderedMaps


class Jpeg(MapCorruption):
    """The errors of JPEG, by Pillow, on the picture at 64 x 64 pixels: its blocks are 25 mm wide at every size.

    The errors are resampled to the maps' size and added.
    """

    name = "jpeg"
    title = "JPEG"
    of = "texture"
    severities = (40.0, 20.0, 10.0, 5.0, 1.0)
    meaning = "quality, 1 to 95"

    #: Pixels along a side of the picture that is compressed.
    PIXELS: ClassVar[int] = 64

    def apply(
        self, maps: RenderedMaps, value: float, rng: np.random.Generator, partner: RenderedMaps | None = None
    ) -> RenderedMaps:
        """As `MapCorruption.apply`."""
        texture = maps.texture.astype(np.float64)
        picture = np.rint(_resized(texture, self.PIXELS)).clip(0, 255).astype(np.uint8)
        file = BytesIO()
        Image.fromarray(np.moveaxis(picture, 0, -1)).save(file, "JPEG", quality=round(value))
        with Image.open(file) as compressed:
            decoded = np.moveaxis(np.asarray(compressed, np.float64), -1, 0)
        return with_texture(maps, texture + _resized(decoded - picture, texture.shape[-1]))


def _resized(planes: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """`planes` ``(C, n, n)`` at ``size x size`` pixels, averaged over areas where these are larger."""
    images = [Image.fromarray(plane.astype(np.float32)) for plane in planes]
    return np.stack([np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), np.float64) for image in images])
