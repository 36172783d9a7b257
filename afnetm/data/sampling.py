"""Reading a texture image where the pixels of a map fall in it, without aliasing."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from afnetm.data.scan import Wrap

#: Where a place along an axis of ``n`` pixels is read, by what the picture does beyond its edges.
_READ_AT: dict[Wrap, Callable[[NDArray[np.float64], int], NDArray[np.float64]]] = {
    "clamp": lambda at, n: at.clip(0, n - 1),
    "repeat": lambda at, n: at,  # as the reading itself does
    "mirror": lambda at, n: (n - np.abs((at + 0.5) % (2 * n) - n) - 0.5).clip(0, n - 1),
}


def texels_a_pixel(texels: NDArray[np.float64], seen: NDArray[np.bool_]) -> float:
    """Texture pixels along the side of a map's pixel: the square root of the median area a pixel covers in the image.

    Args:
        texels: ``(2, S, S)`` column and row in the texture image at each pixel of the map.
        seen: ``(S, S)`` bool, where `texels` is known.

    Returns:
        The number, at least 1: an image coarser than the map needs no care.
    """
    along = np.diff(texels, axis=2)[:, :-1]
    down = np.diff(texels, axis=1)[:, :, :-1]
    known = seen[:-1, :-1] & seen[:-1, 1:] & seen[1:, :-1]
    areas = np.abs(along[0] * down[1] - along[1] * down[0])[known]
    return max(1.0, float(np.sqrt(np.median(areas)))) if areas.size else 1.0


def sample(
    texture: NDArray[np.uint8],
    uv: NDArray[np.float64],
    *,
    reduction: float,
    wrap: tuple[Wrap, Wrap] = ("clamp", "clamp"),
) -> NDArray[np.float64]:
    """The colours of `texture` at `uv`, bilinear.

    Args:
        texture: ``(H, W, 3)`` uint8, row 0 at the top. Values are averaged as stored, in sRGB.
        uv: ``(2, n)``, 0..1 within the image, origin at the lower left corner.
        reduction: by how much the image is shrunk first, so that about one of its pixels falls into one of the map.
        wrap: what is read beyond 0..1, along u and along v.

    Returns:
        ``(3, n)`` float64 in 0..255.
    """
    image = Image.fromarray(texture)
    if reduction > 1:
        width, height = (max(1, round(side / reduction)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.HAMMING)
    at = [
        _READ_AT[wrap[1]]((1 - uv[1]) * image.height - 0.5, image.height),
        _READ_AT[wrap[0]](uv[0] * image.width - 0.5, image.width),
    ]
    channels = np.moveaxis(np.asarray(image, np.float64), -1, 0)
    return np.stack([ndimage.map_coordinates(channel, at, order=1, mode="grid-wrap") for channel in channels])
