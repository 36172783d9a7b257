"""What a subject's whole surface looks like in even white light: the albedo of every texel."""

import numpy as np
from numpy.typing import NDArray

from afnetm.data.synthetic.atlas import PATCHES, TEXTURE_SHAPE
from afnetm.data.synthetic.colours import linear
from afnetm.data.synthetic.eyes import paint_eye, paint_teeth, paint_tongue
from afnetm.data.synthetic.hair import paint_hair
from afnetm.data.synthetic.identity import Identity
from afnetm.data.synthetic.skin import paint_skin


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
