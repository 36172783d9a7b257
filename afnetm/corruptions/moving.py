"""Maps of a face that is larger, smaller or elsewhere: resampled so that nothing beside the face bleeds in."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.corruptions.fields import positions
from afnetm.corruptions.pictures import face
from afnetm.corruptions.surfaces import measured, millimetres
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, WINDOW_MM, RenderedMaps


def moved(maps: RenderedMaps, *, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> RenderedMaps:
    """The maps of the scan with every point ``(x, y, z)`` mm at ``scale * (x, y, z) + (*shift, 0)``.

    Interpolation is linear, over pixels that are there. Regions are left where they are: they are to be drawn again of
    the landmarks, which are moved exactly.
    """
    there, seen, present = face(maps), measured(maps), maps.depth[0] > 0
    size = len(there)
    # Each pixel reads where it was: rows run down.
    x, y = np.moveaxis((positions(size) - shift) / scale, -1, 0)
    place = (np.stack([-y, x]) + WINDOW_MM / 2) * size / WINDOW_MM - 0.5

    def read(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.asarray(ndimage.map_coordinates(values.astype(np.float64), place, order=1, mode="constant"))

    weights = {name: read(mask) for name, mask in {"face": there, "present": present, "seen": seen}.items()}
    stays, deep = weights["face"] > 0.5, weights["present"] > 0.5
    texture = np.stack([read(channel) for channel in maps.texture]) / np.maximum(weights["face"], 0.5)
    z = scale * read(np.where(present, millimetres(maps), 0.0)) / np.maximum(weights["present"], 0.5)
    code = np.rint((z - DEPTH_ZERO_MM) / DEPTH_STEP_MM + 1)
    deep = deep & stays & (code >= 1) & (code <= np.iinfo(np.uint16).max)
    valid = np.uint8(PLANES["valid"])
    offset = np.array([*shift, 0.0])
    detected = maps.detected_landmarks
    return RenderedMaps(
        texture=np.where(stays, np.rint(texture), 0).astype(np.uint8),
        depth=np.where(deep, code, 0).astype(np.uint16)[None],
        planes=(maps.planes & ~valid) | (deep & (weights["seen"] > 0.5))[None] * valid,
        landmarks=(scale * maps.landmarks + offset).astype(np.float32),
        detected_planes=maps.detected_planes,
        detected_landmarks=None if detected is None else (scale * detected + offset).astype(np.float32),
    )
