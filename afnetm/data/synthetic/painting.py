"""Albedo of a subject's whole surface: every texel in even white light, and its small patches."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.synthetic.atlas import PATCHES, TEXTURE_SHAPE
from afnetm.data.synthetic.hair import paint_hair
from afnetm.data.synthetic.identity import Identity
from afnetm.data.synthetic.skin import paint_skin
from afnetm.data.synthetic.texture_painting import IRIS, along, linear, mix, smoothstep

#: Radii, mm: the visible iris of adults is 11.5 to 12 mm across, a pupil in room light 3 to 5 mm.
IRIS_RADIUS, PUPIL_RADIUS = 5.9, 2.1


def paint_eye(identity: Identity, rng: np.random.Generator) -> NDArray[np.float32]:
    """An eyeball seen along its axis, ``(48, 48, 3)`` linear."""
    patch = PATCHES["left_eye"]
    x, y = patch.grid()
    radius = np.hypot(x - patch.x, y - patch.y)
    angle = np.arctan2(y - patch.y, x - patch.x)
    white = linear((226, 219, 212)) * (1 - 0.25 * smoothstep(5, 12, radius)[..., None] * np.array([0.3, 1, 0.9]))
    fibres = ndimage.gaussian_filter1d(rng.standard_normal(180), 1.2, mode="wrap") * 1.5
    ray = fibres[((angle / (2 * np.pi) + 0.5) * 179).astype(int)]
    iris = along(IRIS, identity.iris) * (1.15 + 0.3 * ray + 0.5 * smoothstep(5.2, 2.4, radius))[..., None]
    iris = iris * (1 - 0.65 * smoothstep(4.7, 5.9, radius)[..., None])
    eye = mix(white.astype(np.float32), iris, smoothstep(IRIS_RADIUS + 0.35, IRIS_RADIUS - 0.35, radius))
    return mix(eye, linear((10, 9, 9)), smoothstep(PUPIL_RADIUS + 0.3, PUPIL_RADIUS - 0.3, radius))


def paint_teeth(upper: bool) -> NDArray[np.float32]:
    """A row of teeth from the front, ``(32, 48, 3)`` linear: gaps, gums at the roots, dimmer to the sides."""
    patch = PATCHES["upper_teeth" if upper else "lower_teeth"]
    x, y = patch.grid()
    width = 8.0 if upper else 5.6
    gap = np.abs(np.mod(x + (0 if upper else width / 2), width) - width / 2) / (width / 2)
    tooth = linear((226, 216, 194)) * (1 - 0.55 * smoothstep(0.82, 1.0, gap)[..., None])
    root = smoothstep(672.0, 675.0, y) if upper else smoothstep(657.0, 654.0, y)
    tooth = mix(tooth.astype(np.float32), linear((150, 70, 68)), root)
    return np.asarray(tooth * np.exp(-((x / 26.0) ** 2))[..., None], dtype=np.float32)


def paint_tongue() -> NDArray[np.float32]:
    """The tongue, ``(48, 48, 3)`` linear, darker towards its sides."""
    x, _ = PATCHES["tongue"].grid()
    return np.asarray(linear((158, 80, 80)) * np.exp(-((x / 22) ** 2))[..., None], dtype=np.float32)


def paint(identity: Identity, rng: np.random.Generator) -> NDArray[np.float32]:
    """The subject's albedo ``(320, 304, 3)`` float32, linear light 0..1.

    `rng` must be the subject's own and fresh, so that every scan of a subject shows the same skin and hair.
    """
    eye = paint_eye(identity, rng)
    patches = {
        "skin": paint_hair(paint_skin(identity, rng), identity, rng),
        "left_eye": eye,
        "right_eye": eye[:, ::-1],
        "upper_teeth": paint_teeth(upper=True),
        "lower_teeth": paint_teeth(upper=False),
        "tongue": paint_tongue(),
        "mouth": linear((64, 22, 22)),
        "socket": linear((120, 62, 54)),
    }
    albedo = np.empty((*TEXTURE_SHAPE, 3), dtype=np.float32)
    for name, patch in PATCHES.items():
        albedo[patch.window] = patches[name]
    return np.clip(albedo, 0.0, 1.0)
