"""Skin and lips: what bare skin looks like in even white light."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.synthetic import texture_painting
from afnetm.data.synthetic.identity import Identity
from afnetm.data.synthetic.landmarks import EYE, OUTER_MOUTH
from afnetm.data.synthetic.texture_painting import SKIN, along, blob, linear, mix


def paint_skin(identity: Identity, rng: np.random.Generator) -> NDArray[np.float32]:
    """The skin's albedo ``(320, 256, 3)``, linear; `rng` is the subject's own, so that moles and mottling stay."""
    shape = texture_painting.plane()[0].shape
    skin = np.broadcast_to(along(SKIN, identity.melanin), (*shape, 3)).astype(np.float32)

    blood = (0.25 + 0.75 * identity.redness) * (1 - 0.6 * identity.melanin)
    skin = skin * (1 - blood * flush()[..., None] * np.array([0.02, 0.26, 0.24], dtype=np.float32))
    skin = skin * (1 + 0.07 * bright()[..., None])
    shade = 0.12 + 0.3 * identity.age + 0.1 * identity.melanin
    skin = skin * (1 - shade * bags()[..., None] * np.array([0.7, 1.0, 0.8], dtype=np.float32))
    skin = skin * (1 - identity.stubble * 0.5 * beard_area()[..., None] * np.array([0.7, 0.6, 0.45], dtype=np.float32))

    mottle = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 7) * 12
    pores = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 0.6)
    skin = skin * (1 + (0.025 * mottle + (0.03 + 0.04 * identity.age) * pores)[..., None])
    if identity.freckles > 0.05:
        spots = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 0.8)
        spots = texture_painting.smoothstep(0.55, 0.95, spots) * np.minimum(flush() + 0.25, 1)
        skin = skin * (1 - identity.freckles * spots[..., None] * np.array([0.25, 0.4, 0.5], dtype=np.float32))
    return paint_lips(skin, identity, rng)


def paint_lips(skin: NDArray[np.float32], identity: Identity, rng: np.random.Generator) -> NDArray[np.float32]:
    """Lips laid on `skin`: redder, finely creased, darker where they meet."""
    contrast = 0.35 + 0.65 * identity.lip_contrast
    lip = skin * (1 - contrast * np.array([0.22, 0.5, 0.44], dtype=np.float32))
    lip = lip * (1 - identity.lipstick * 0.75) + linear((165, 38, 52)) * identity.lipstick * 0.75
    creases = ndimage.gaussian_filter(rng.standard_normal(skin.shape[:2], dtype=np.float32), (2.0, 0.6))
    lip = lip * (1 + 0.12 * creases[..., None])
    return mix(skin, lip, lips()) * (1 - 0.55 * lip_line()[..., None])


@cache
def lips() -> NDArray[np.float32]:
    """``(H, W)`` float32: the coverage of both lips."""
    corner, up_1, up_2, middle_up, down_1, down_2, middle_down = OUTER_MOUTH
    right = [(-x, y) for x, y in (down_2, down_1, corner, up_1, up_2)]
    return texture_painting.polygon([middle_up, up_2, up_1, corner, down_1, down_2, middle_down, *right], soft=0.7)


@cache
def lip_line() -> NDArray[np.float32]:
    """``(H, W)`` float32: the line where the lips meet."""
    line = [(x, 661.0 + 0.3 * np.cos(x / 6)) for x in range(-26, 27, 4)]
    return texture_painting.stroke(line, width=0.8, soft=0.6)


@cache
def flush() -> NDArray[np.float32]:
    """Visibility of blood by place: cheeks, nose, chin, ears, and a little everywhere."""
    spots = (
        0.85 * blob(36, 697, 13, 11, both=True),
        0.75 * blob(0, 694, 9, 7),
        0.35 * blob(0, 636, 10, 7),
        0.6 * blob(78, 708, 9, 22, both=True),
        0.35 * blob(31, 727, 15, 7, both=True),
    )
    return np.asarray(np.minimum(sum(spots) + 0.1, 1), dtype=np.float32)


@cache
def bright() -> NDArray[np.float32]:
    """Map of thin, fair skin: forehead, nose bridge, above the lips."""
    return np.asarray(blob(0, 775, 34, 14) + blob(0, 712, 5, 16) + 0.5 * blob(30, 706, 12, 5, both=True))


@cache
def bags() -> NDArray[np.float32]:
    """The hollow under the eyes and the crease above the lids."""
    hollow = texture_painting.stroke([(16, 722), (24, 716.5), (34, 715), (42, 718.5)], width=5, soft=2.2, both=True)
    crease = texture_painting.stroke([(19, 732), (26, 738), (34, 739.5), (43, 736)], width=1.2, soft=0.9, both=True)
    corner = blob(14.5, 728, 3.5, 6, both=True)
    return np.asarray(np.minimum(hollow + 0.9 * crease + 0.7 * corner, 1), dtype=np.float32)


@cache
def beard_area() -> NDArray[np.float32]:
    """Map of beard growth: upper lip, chin, jaw up to the ears."""
    left = [(0, 678), (12, 677), (24, 671), (31, 663), (38, 668), (52, 684), (62, 704), (67, 730), (74, 730)]
    left += [(74, 690), (62, 655), (45, 628), (24, 606), (0, 602)]
    half = texture_painting.polygon([*left, *((-x, y) for x, y in reversed(left))], soft=3.0)
    bare = np.maximum(lips(), blob(0, 655, 60, 1) * blob(13, 652, 6, 5, both=True))
    return np.asarray(half * (1 - bare), dtype=np.float32)


@cache
def lash_line() -> NDArray[np.float32]:
    """The rims of the lids: strong above, faint below."""
    upper = texture_painting.stroke(
        [(16.2, 727.2), *((x, y - 1.2) for x, y in reversed(EYE[:4]))], width=1.5, soft=0.45, both=True
    )
    lower = texture_painting.stroke([(x, y + 0.8) for x, y in EYE[4:]], width=0.9, soft=0.5, both=True)
    return np.asarray(np.maximum(upper, 0.45 * lower), dtype=np.float32)
