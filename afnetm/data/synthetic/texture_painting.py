"""Painting tools: colours in linear light, and shapes in the front plane of the base head as soft masks.

Colours are what we found to look like people, not measured reflectances. Masks, ``(320, 256)`` float32 in 0..1, depend
on the base head alone, so callers keep what they make (`functools.cache`). Coordinates are mm in the base frame;
``both=True`` mirrors a shape to the other side.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from afnetm.data.synthetic.atlas import PATCHES
from afnetm.data.synthetic.identity import Identity

Colour = tuple[float, float, float]

#: Skin, sRGB, from fair to dark; the steps are even in `Identity.melanin`.
SKIN = ((238, 200, 180), (224, 178, 150), (198, 148, 114), (158, 110, 80), (112, 74, 53), (76, 50, 39))
#: Hair, sRGB, from blond to black; the steps are even in `Identity.hair_melanin`.
HAIR = ((190, 154, 100), (138, 98, 58), (84, 55, 34), (44, 30, 22), (24, 20, 19))
RED_HAIR, GREY_HAIR = (130, 60, 30), (152, 149, 145)
#: Irises, sRGB, along `Identity.iris`.
IRIS = ((60, 38, 24), (84, 54, 30), (106, 86, 48), (94, 110, 82), (98, 124, 140), (106, 144, 172))
GAMMA = 2.2


def linear(colour: Colour) -> NDArray[np.float32]:
    """An sRGB colour (0..255) in linear light (0..1), ``(3,)`` float32."""
    return np.asarray((np.asarray(colour, dtype=np.float32) / 255) ** GAMMA, dtype=np.float32)


def along(colours: tuple[Colour, ...], position: float) -> NDArray[np.float32]:
    """The linear colour ``(3,)`` at `position` (0..1) on a scale of evenly spaced sRGB `colours`."""
    steps = np.linspace(0, 1, len(colours))
    table = np.array([linear(colour) for colour in colours])
    return np.array([np.interp(position, steps, table[:, channel]) for channel in range(3)], dtype=np.float32)


def hair_colour(identity: Identity) -> NDArray[np.float32]:
    """The colour ``(3,)`` of the subject's hair."""
    pigment = along(HAIR, identity.hair_melanin)
    pigment = pigment * (1 - identity.hair_red) + linear(RED_HAIR) * identity.hair_red
    return np.asarray(pigment * (1 - identity.hair_grey) + linear(GREY_HAIR) * identity.hair_grey, dtype=np.float32)


def mix(
    under: NDArray[np.float32], over: NDArray[np.float32] | NDArray[np.float64], mask: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`over` laid on `under` ``(H, W, 3)`` where `mask` ``(H, W)`` is 1."""
    return np.asarray(under + mask[..., None] * (over - under), dtype=np.float32)


Points = Sequence[tuple[float, float]]
_SUPERSAMPLE = 4


@cache
def plane() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of every skin texel, mm."""
    return PATCHES["skin"].grid()


def smoothstep(low: float, high: float, value: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 below `low`, 1 above `high`, a smooth ramp between; `low` > `high` falls instead."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def blob(x: float, y: float, radius_x: float, radius_y: float, *, both: bool = False) -> NDArray[np.float32]:
    """A Gaussian spot with its standard deviations as radii."""
    across, up = plane()
    across = np.abs(across) if both else across
    return np.exp(-0.5 * (((across - x) / radius_x) ** 2 + ((up - y) / radius_y) ** 2)).astype(np.float32)


def polygon(points: Points, *, soft: float) -> NDArray[np.float32]:
    """A filled polygon, its rim blurred by a Gaussian of `soft` mm."""
    patch = PATCHES["skin"]
    image = Image.new("L", (patch.width * _SUPERSAMPLE, patch.height * _SUPERSAMPLE))
    ImageDraw.Draw(image).polygon([_pixel(x, y) for x, y in points], fill=255)
    return _shrink(image, soft)


def stroke(points: Points, *, width: float, soft: float, both: bool = False) -> NDArray[np.float32]:
    """A smooth line of `width` mm through `points`, its rim blurred by a Gaussian of `soft` mm."""
    patch = PATCHES["skin"]
    image = Image.new("L", (patch.width * _SUPERSAMPLE, patch.height * _SUPERSAMPLE))
    draw = ImageDraw.Draw(image)
    pen = max(1, round(width * _SUPERSAMPLE * patch.width / patch.span_x))
    for sign in (1, -1) if both else (1,):
        draw.line([_pixel(sign * x, y) for x, y in _smooth(points)], fill=255, width=pen, joint="curve")
    return _shrink(image, soft)


def _smooth(points: Points) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through `points`."""
    p = np.array(points, dtype=float)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return [(float(x), float(y)) for x, y in np.concatenate([*pieces, p[-2:-1]])]


def _pixel(x: float, y: float) -> tuple[float, float]:
    patch = PATCHES["skin"]
    column = ((x - patch.x) / patch.span_x + 0.5) * patch.width * _SUPERSAMPLE
    row = (0.5 - (y - patch.y) / patch.span_y) * patch.height * _SUPERSAMPLE
    return column, row


def _shrink(image: Image.Image, soft: float) -> NDArray[np.float32]:
    patch = PATCHES["skin"]
    mask = np.asarray(image.resize((patch.width, patch.height), Image.Resampling.BOX), dtype=np.float32) / 255
    return np.asarray(ndimage.gaussian_filter(mask, soft * patch.width / patch.span_x), dtype=np.float32)
