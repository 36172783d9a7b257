"""Maps: what a scan becomes. Frontal, pose-normalised pictures of one size, its posed landmarks, and their digest.

Row 0 is at the top, column 0 at the viewer's left; the window is `WINDOW_MM` wide and high whatever the size ``S``,
so that a pixel is ``WINDOW_MM / S`` mm on every face: absolute scale is kept.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

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
#: Where masks come from (`afnetm.data.masks`). ``mean``: the same for every scan, the salient regions of most training
#: scans. ``detected``: from landmarks found in the scan itself, by the face landmarker when the dataset was prepared,
#: or else by a regressor that is fitted to training scans. ``annotated``: from the landmarks that came with the scan.
#: ``other_expression``: the annotated ones of the same subject with another expression. ``ellipse``, ``random``,
#: ``ones``: the same for every scan, and of no landmarks.
MaskSource = Literal["mean", "detected", "annotated", "other_expression", "ellipse", "random", "ones"]
#: Those for which landmarks of the scan itself are there as well.
OWN: tuple[MaskSource, ...] = ("annotated", "detected")
#: Those that are the same for every scan.
CONSTANT: tuple[MaskSource, ...] = ("mean", "ellipse", "random", "ones")
#: As many as the largest known set of landmarks has; scans with fewer have NaN in the rest.
LANDMARK_ROWS = 83
#: Attention and Grad-CAM have at most so many cells a side: what is shown over a face, and no picture of it.
SHOWN_CELLS = 14


@dataclass(frozen=True, eq=False)
class RenderedMaps:
    """The maps of one scan.

    Attributes:
        texture: ``(3, S, S)`` uint8, sRGB; 0 outside the face.
        depth: ``(1, S, S)`` uint16, see `DEPTH_ZERO_MM`; small holes inside the face are filled.
        planes: ``(1, S, S)`` uint8, bits as in `PLANES`; a filled pixel has depth but not ``valid``.
        landmarks: ``(83, 3)`` float32, mm in the pose-normalised frame, in the order of the scan's landmark set; NaN
            where a landmark is missing, and beyond the set's.
        detected_planes: ``(1, S, S)`` uint8, the regions of landmarks that were found in the scan itself, as in
            `planes` but never ``valid``; all 0 where no face was found. None where none was looked for.
        detected_landmarks: ``(83, 3)`` float32, these landmarks; NaN where no face was found.
    """

    texture: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    planes: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    detected_planes: NDArray[np.uint8] | None = None
    detected_landmarks: NDArray[np.float32] | None = None


def stacked(maps: Sequence[RenderedMaps]) -> dict[str, Any]:
    """Maps of ``N`` scans as arrays ``(N, ...)``, by their names; None where nothing was detected."""
    found = {}
    for field in fields(RenderedMaps):
        there = [array for one in maps if (array := getattr(one, field.name)) is not None]
        found[field.name] = np.stack(there) if there else None
    return found


def maps_sha256(maps: RenderedMaps) -> str:
    """SHA-256 over texture, depth, planes and landmarks (little-endian all), in this order, row by row."""
    digest = hashlib.sha256()
    numbers = maps.depth.astype("<u2", copy=False), maps.landmarks.astype("<f4", copy=False)
    for array in (maps.texture, numbers[0], maps.planes, numbers[1]):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def detected_sha256(planes: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> str:
    """SHA-256 over what was detected in a scan, planes and landmarks (little-endian), in this order."""
    digest = hashlib.sha256(np.ascontiguousarray(planes).data)
    digest.update(np.ascontiguousarray(landmarks.astype("<f4", copy=False)).data)
    return digest.hexdigest()


def regions_in(planes: NDArray[np.uint8]) -> str:
    """The names of the regions that have a pixel in `planes`, in the order of `REGIONS`, with spaces between."""
    bits = np.bitwise_or.reduce(planes, axis=None)
    return " ".join(name for name in REGIONS if bits & PLANES[name])
