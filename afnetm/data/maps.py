"""Maps: what a scan becomes. Frontal, pose-normalised pictures of one size, six bytes per pixel, and their digest.

Row 0 is at the top, column 0 at the viewer's left; the window is `WINDOW_MM` wide and high whatever the size ``S``,
so that a pixel is ``WINDOW_MM / S`` mm on every face: absolute scale is kept.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Rises whenever the maps of a scan change, by a bit or more, whatever in their making has changed.
RENDERING_VERSION = 2
#: Width and height of the rendered window, mm.
WINDOW_MM = 200.0
#: Depth code ``d >= 1`` stands for ``z = DEPTH_ZERO_MM + (d - 1) * DEPTH_STEP_MM`` mm towards the viewer; 0 is nothing.
DEPTH_STEP_MM = 0.005
DEPTH_ZERO_MM = -200.0
#: Bit of each plane in `RenderedMaps.planes`. ``valid``: measured here, not filled in.
PLANES = {"valid": 1, "brows": 2, "eyes": 4, "nose": 8, "mouth": 16}
#: The salient regions, in the order of their bits.
REGIONS = ("brows", "eyes", "nose", "mouth")
#: Attention and Grad-CAM have at most so many cells a side: what is shown over a face, and no picture of it.
SHOWN_CELLS = 14


@dataclass(frozen=True, eq=False)
class RenderedMaps:
    """The maps of one scan.

    Attributes:
        texture: ``(3, S, S)`` uint8, sRGB; 0 outside the face.
        depth: ``(1, S, S)`` uint16, see `DEPTH_ZERO_MM`; small holes inside the face are filled.
        planes: ``(1, S, S)`` uint8, bits as in `PLANES`; a filled pixel has depth but not ``valid``.
    """

    texture: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    planes: NDArray[np.uint8]


def maps_sha256(maps: RenderedMaps) -> str:
    """SHA-256 over texture, depth (little-endian) and planes, in this order, row by row."""
    digest = hashlib.sha256()
    for array in (maps.texture, maps.depth.astype("<u2", copy=False), maps.planes):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def regions_in(planes: NDArray[np.uint8]) -> str:
    """The names of the regions that have a pixel in `planes`, in the order of `REGIONS`, with spaces between."""
    bits = np.bitwise_or.reduce(planes, axis=None)
    return " ".join(name for name in REGIONS if bits & PLANES[name])
