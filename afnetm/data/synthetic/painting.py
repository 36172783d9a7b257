"""What a subject's surface looks like in even white light: the albedo of every texel."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic import canvas
from afnetm.data.synthetic.head import PATCHES, TEXTURE_SHAPE
from afnetm.data.synthetic.identity import Identity
from afnetm.data.synthetic.landmarks import BROW, OUTER_MOUTH

#: Skin, sRGB, from fair to dark; the steps are even in `Identity.melanin`.
SKIN_TONES = ((240, 204, 184), (226, 180, 150), (196, 144, 108), (150, 102, 72), (104, 68, 48), (70, 46, 36))
#: Irises, sRGB, along `Identity.iris`.
IRISES = ((58, 36, 22), (82, 52, 28), (104, 84, 46), (92, 108, 80), (96, 122, 138), (104, 142, 170))


def linear(colour: tuple[float, float, float] | NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB 0..255 to linear light 0..1 (gamma 2.2)."""
    return np.asarray((np.asarray(colour, dtype=np.float32) / 255) ** 2.2, dtype=np.float32)


def scale(colours: tuple[tuple[int, int, int], ...], position: float) -> NDArray[np.float32]:
    """The colour at `position` (0..1) along evenly spaced `colours`, in linear light."""
    steps = np.linspace(0, 1, len(colours))
    table = np.array([linear(colour) for colour in colours])
    return np.array([np.interp(position, steps, table[:, channel]) for channel in range(3)], dtype=np.float32)


def hair_colour(identity: Identity) -> NDArray[np.float32]:
    """The colour of the subject's hair, linear light."""
    pigment = scale(((196, 160, 104), (142, 100, 58), (84, 54, 32), (40, 27, 20), (20, 16, 15)), identity.hair_melanin)
    pigment = pigment * (1 - identity.hair_red) + linear((130, 58, 28)) * identity.hair_red
    return np.asarray(pigment * (1 - identity.hair_grey) + linear((150, 147, 143)) * identity.hair_grey)


def paint(identity: Identity) -> NDArray[np.uint8]:
    albedo = np.zeros((*TEXTURE_SHAPE, 3), dtype=np.float32)
    for name, patch in PATCHES.items():
        albedo[patch.window] = linear((200, 190, 170)) if "teeth" in name else linear((90, 30, 28))
    skin = np.broadcast_to(scale(SKIN_TONES, identity.melanin), (*canvas.plane()[0].shape, 3)).copy()
    lips = lip_mask()[..., None]
    skin = skin * (1 - lips) + lips * skin * np.array([0.75, 0.42, 0.42], dtype=np.float32)
    brows = brow_mask()[..., None]
    skin = skin * (1 - brows) + brows * hair_colour(identity)
    albedo[PATCHES["skin"].window] = skin
    for name in ("left_eye", "right_eye"):
        patch = PATCHES[name]
        x, y = patch.grid()
        r = np.hypot(x - patch.x, y - patch.y)[..., None]
        eye = np.where(r < 2.2, 0.01, np.where(r < 5.9, scale(IRISES, identity.iris), linear((225, 220, 215))))
        albedo[patch.window] = eye
    return np.asarray(np.clip(albedo ** (1 / 2.2) * 255, 0, 255), dtype=np.uint8)


@cache
def lip_mask() -> NDArray[np.float32]:
    corner, u1, u2, middle_up, d1, d2, middle_down = OUTER_MOUTH
    half = [middle_up, u2, u1, corner, d1, d2, middle_down]
    return canvas.polygon([*half, *[(-x, y) for x, y in reversed(half)]], soft=0.7)


@cache
def brow_mask() -> NDArray[np.float32]:
    return np.maximum(canvas.polygon(BROW, soft=1), canvas.polygon([(-x, y) for x, y in BROW], soft=1))
