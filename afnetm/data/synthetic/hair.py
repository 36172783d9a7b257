"""Hair: scalp, brows, lashes and beard, as paint, and the scalp's hair as a body of its own."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.synthetic import texture_painting
from afnetm.data.synthetic.head import head
from afnetm.data.synthetic.identity import Identity
from afnetm.data.synthetic.landmarks import BROW
from afnetm.data.synthetic.skin import beard_area, lash_line
from afnetm.data.synthetic.texture_painting import hair_colour, linear, mix

#: The hairline in the front plane of the base head: |x| and y, mm; it ends before the ears.
HAIRLINE_X = (0.0, 20.0, 36.0, 48.0, 56.0, 61.0, 65.0, 69.0, 74.0, 110.0)
HAIRLINE_Y = (797.0, 798.0, 795.0, 787.0, 775.0, 758.0, 744.0, 730.0, 738.0, 742.0)


def paint_hair(skin: NDArray[np.float32], identity: Identity, rng: np.random.Generator) -> NDArray[np.float32]:
    """Hair laid on `skin` ``(320, 256, 3)``, linear; `rng` is the subject's own."""
    colour = hair_colour(identity)
    shape = skin.shape[:2]
    noise = rng.standard_normal((3, *shape), dtype=np.float32)
    down = _streaks(noise[0], 5.0, 0.7) * 4.5
    slanted = _slanted(noise[1])
    short = _streaks(noise[2], 1.6, 0.6) * 2.2

    skin = mix(skin, linear((18, 13, 11)), lash_line() * (0.6 + 0.35 * identity.female))
    brow = brows(identity.brow_thickness, identity.brow_shift) * identity.brow_density
    dark = colour * 0.75  # brows are darker than the scalp's hair
    skin = mix(skin, dark, np.clip(brow * (0.95 + 0.45 * slanted), 0, 0.95).astype(np.float32))
    if identity.beard:
        beard = texture_painting.smoothstep(0.4, 1.05, beard_area() * identity.beard + 0.4 + 0.16 * short)
        skin = mix(skin, colour * (0.85 + 0.25 * short[..., None]), beard * beard_area() * 0.92)
    scalp = scalp_mask(identity.hairline, 0.35 * down + 0.6 * short)
    return mix(skin, colour * np.clip(1 + 0.42 * down, 0.35, 2.2)[..., None], scalp)


def scalp_mask(shift: float, frizz: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mask of the scalp's hair, the hairline moved up by `shift` mm and roughened by `frizz` (in mm, roughly)."""
    x, y = texture_painting.plane()
    return texture_painting.smoothstep(-2.5, 4.5, above_hairline(x, y, shift) + 1.5 * frizz)


def above_hairline(
    x: NDArray[np.float32] | NDArray[np.float64], y: NDArray[np.float32] | NDArray[np.float64], shift: float
) -> NDArray[np.float32]:
    """Distance of places of the front plane above the hairline, mm; only the front of it recedes with `shift`."""
    side = np.abs(x)
    line = np.interp(side, HAIRLINE_X, HAIRLINE_Y) + shift * np.clip((62 - side) / 20, 0, 1)
    return np.asarray(y - line, dtype=np.float32)


def brows(thickness: float, shift: float) -> NDArray[np.float32]:
    """Both brows, `thickness` times as thick as usual and `shift` mm higher."""
    upper, lower = np.array(BROW[:5]), np.array(BROW[9:4:-1])
    middle, half = (upper + lower) / 2, (upper - lower) / 2
    outline = np.concatenate([middle + thickness * half * 0.85, (middle - thickness * half * 0.85)[::-1]])
    outline[:, 1] += shift
    left = texture_painting.polygon([(float(px), float(py)) for px, py in outline], soft=1.1)
    return np.maximum(left, left[:, ::-1])


def grow(vertices: NDArray[np.float64], identity: Identity) -> NDArray[np.float64]:
    """The head ``(V, 3)`` with the scalp's hair as a body that rises from the hairline to `Identity.hair_length` mm."""
    height, normals, curls = _scalp()
    rise = texture_painting.smoothstep(-1.0, 16.0, height - identity.hairline)
    thickness = identity.hair_length * rise * (1 + 0.25 * curls)
    return np.asarray(vertices + thickness[:, None] * normals)


@cache
def hairiness() -> NDArray[np.float32]:
    """Degree to which each vertex ``(V,)`` belongs to the scalp's hair, 0 to 1."""
    return texture_painting.smoothstep(-2.0, 8.0, _scalp()[0])


@cache
def _scalp() -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Height of each vertex above the usual hairline (mm, ``(V,)``), normal ``(V, 3)`` and unevenness ``(V,)``."""
    model = head()
    height = above_hairline(model.vertices[:, 0], model.vertices[:, 1], 0.0)
    ears_and_neck = (model.vertices[:, 2] < 60) & (model.vertices[:, 1] < 740)
    height[~model.members("skin") | ears_and_neck] = -100
    curls = np.sin(model.vertices / 5.0 @ np.array([1.0, 0.3, 0.7])) * np.sin(model.vertices[:, 0] / 7)
    return height, model.normals(model.vertices), curls


def _streaks(noise: NDArray[np.float32], length: float, width: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(noise, (length, width)), dtype=np.float32)


def _slanted(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Streaks that rise outwards on both sides, as a brow's hairs do."""
    middle = noise.shape[1] // 2
    slopes = []
    for half in (noise[:, :middle][:, ::-1], noise[:, middle:]):
        sheared = half.copy()
        for _ in range(3):
            sheared = 0.5 * sheared + 0.5 * np.roll(sheared, (-1, 1), axis=(0, 1))
        slopes.append(sheared)
    return np.asarray(np.concatenate([slopes[0][:, ::-1], slopes[1]], axis=1) * 1.6, dtype=np.float32)
