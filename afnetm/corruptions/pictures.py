"""Textures of maps: which pixels are the face, and sRGB in linear light and back."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.maps import PLANES, RenderedMaps


def face(maps: RenderedMaps) -> NDArray[np.bool_]:
    """The pixels ``(S, S)`` that have texture: what was measured, and the holes in it, whether filled or not."""
    measured = (maps.planes[0] & PLANES["valid"]) > 0
    return np.asarray(ndimage.binary_fill_holes(measured | maps.texture.any(0)))


def light(texture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Linear light in 0..1 of sRGB levels (IEC 61966-2-1)."""
    return np.asarray(_LINEAR[texture])


def levels(linear: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB levels 0..255, not rounded, of linear light, which is cut off at 0 and at 1: a camera's white."""
    cut = np.clip(linear, 0, 1)
    return np.asarray(255 * np.where(cut <= 0.0031308, 12.92 * cut, 1.055 * cut ** (1 / 2.4) - 0.055))


def with_texture(maps: RenderedMaps, texture: NDArray[np.floating]) -> RenderedMaps:
    """`maps` with other sRGB levels ``(3, S, S)``, rounded and cut off; beside the face there is nothing to be seen."""
    rounded = np.rint(np.clip(texture, 0, 255)).astype(np.uint8)
    return replace(maps, texture=np.where(face(maps), rounded, np.uint8(0)))


_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
