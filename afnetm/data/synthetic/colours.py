"""Colours of skin, hair and irises in linear light; what we found to look like people, not measured reflectances."""

import numpy as np
from numpy.typing import NDArray

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
