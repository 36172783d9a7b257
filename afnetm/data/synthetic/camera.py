"""The camera: from lit texture in linear light to the image it delivers, or fails to."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.ellipse import Ellipse
from afnetm.data.synthetic.atlas import PATCHES
from afnetm.data.synthetic.nuisance import TEXTURE_FAILURES, Nuisance
from afnetm.data.synthetic.texture_painting import GAMMA, blob, linear

#: Stops and blur of the failures at full severity.
_DARK_STOPS, _OVER_STOPS, _MOTION_MM = (-5.8, -4.2), (2.0, 3.2), (16.0, 34.0)
#: How far the strongest motion blur mixes eyes and mouth with the skin.
_MELT = 0.7
#: What a dark picture has in addition to the usual noise.
_READ_NOISE = 0.02


def expose(
    light: NDArray[np.float32], nuisance: Nuisance, occluders: list[Ellipse], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The texture image ``(H, W, 3)`` uint8 sRGB that the camera makes of `light` ``(H, W, 3)``, linear, 1 is white.

    `occluders` stand before it, in the front plane of the base head.
    """
    kind, severity = TEXTURE_FAILURES[int(nuisance.texture_failure_kind)], nuisance.texture_failure_severity
    stops, noise = nuisance.exposure, nuisance.texture_noise
    texel = PATCHES["skin"].span_x / PATCHES["skin"].width
    image = ndimage.gaussian_filter(light, nuisance.blur_mm / texel, axes=(0, 1))
    if occluders:
        image = _occlude(image, occluders, rng)
    elif kind == "motion blur":
        image = _smear(image, severity * rng.uniform(*_MOTION_MM) / texel, rng.uniform(0, np.pi))
        image = _melt(image, severity * _MELT)
    elif kind == "dark":
        stops, noise = stops + severity * rng.uniform(*_DARK_STOPS), noise + severity * _READ_NOISE
    elif kind == "overexposed":
        stops += severity * rng.uniform(*_OVER_STOPS)
    image = image * np.float32(2.0**stops)
    # Photon noise grows with the square root of the light; read noise does not.
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    image += grain * noise * (np.sqrt(np.clip(image, 0, 1)) + 0.15)
    return np.asarray(np.clip(image, 0, 1) ** (1 / GAMMA) * 255 + 0.5, dtype=np.uint8)


def _occlude(image: NDArray[np.float32], occluders: list[Ellipse], rng: np.random.Generator) -> NDArray[np.float32]:
    """Flat things of one colour each between camera and face; eyes, teeth and mouth lie elsewhere in the atlas."""
    image = image.copy()
    for thing in occluders:
        colour = linear(tuple(rng.uniform(40, 220, size=3)))
        for patch in PATCHES.values():
            image[patch.window][thing.distance(np.stack(patch.grid(), axis=-1)) < 1] = colour
    return image


def _melt(image: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Eyes, teeth and mouth mixed with a `share` of the skin around, as motion blur does: the atlas has them apart."""
    skin = image[PATCHES["skin"].window]
    around = skin[blob(0, 690, 35, 30) > 0.5].mean(axis=0)
    mixed = (1 - share) * image + share * around
    mixed[PATCHES["skin"].window] = skin
    return np.asarray(mixed, dtype=np.float32)


def _smear(image: NDArray[np.float32], length: float, angle: float) -> NDArray[np.float32]:
    """Motion blur of `length` texels along `angle`."""
    steps = max(3, int(length) | 1)
    offsets = np.linspace(-length / 2, length / 2, steps)
    total = np.zeros_like(image)
    for offset in offsets:
        shift = (round(-offset * np.sin(angle)), round(offset * np.cos(angle)))
        total += np.roll(image, shift, axis=(0, 1))
    return np.asarray(total / steps, dtype=np.float32)
