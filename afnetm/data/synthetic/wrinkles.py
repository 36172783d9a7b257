"""Wrinkles: grooves that age and action units cut into the skin's relief.

They are not in the mesh: light makes them visible in the texture only. This is what texture knows and depth does not.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.synthetic.atlas import PATCHES
from afnetm.data.synthetic.texture_painting import Points, blob, plane, stroke

#: Family of wrinkles -> (depth by age alone, action unit -> depth); 1 is a deep fold.
DRIVERS: dict[str, tuple[float, dict[int, float]]] = {
    "forehead": (0.25, {1: 0.35, 2: 0.75}),
    "forehead_middle": (0.1, {1: 0.75, 2: -0.35}),
    "glabella": (0.15, {4: 0.95, 9: 0.2}),
    "nose_bridge": (0.05, {9: 1.0, 4: 0.1}),
    "nasolabial": (0.35, {9: 0.6, 10: 0.6, 12: 0.75, 6: 0.2}),
    "crows_feet": (0.2, {6: 0.85, 12: 0.25, 7: 0.3}),
    "eye_pouch": (0.2, {6: 0.6, 7: 0.6, 9: 0.3}),
    "marionette": (0.25, {15: 0.9, 20: 0.45, 17: 0.2}),
    "chin": (0.05, {17: 1.0, 24: 0.2, 15: 0.2}),
    "dimples": (0.0, {12: 0.45, 14: 0.9, 20: 0.4}),
}
#: Strokes of each family on one side (mirrored), mm in the front plane of the base head.
STROKES: dict[str, tuple[Points, ...]] = {
    "forehead": (
        ((0, 764.5), (18, 766.5), (34, 768.0), (48, 763.5)),
        ((0, 773.0), (18, 775.5), (36, 776.0), (49, 770.5)),
        ((0, 782.0), (18, 784.5), (36, 783.5), (46, 779.5)),
    ),
    "forehead_middle": (
        ((0, 761.0), (9, 762.5), (17, 766.0), (22, 771.0)),
        ((0, 769.0), (9, 770.5), (16, 774.0)),
        ((0, 777.0), (8, 778.0), (14, 780.5)),
    ),
    "glabella": (((4.0, 741.0), (4.6, 748.0), (6.2, 756.0)), ((9.0, 744.0), (9.6, 750.0), (11.5, 755.0))),
    "nose_bridge": (
        ((0, 731.5), (5.5, 730.5), (8.5, 733.0)),
        ((0, 737.0), (5.5, 736.0)),
        ((5.0, 722.0), (9.0, 717.5), (12.5, 711.0)),
        ((7.5, 727.0), (12.0, 722.5), (15.5, 717.0)),
    ),
    "nasolabial": (((16.5, 695.0), (21.0, 688.5), (27.0, 678.0), (31.5, 667.0), (32.5, 659.0)),),
    "crows_feet": (
        ((47.5, 731.5), (53.0, 735.5), (58.0, 740.0)),
        ((48.0, 728.5), (54.5, 728.8), (60.0, 730.0)),
        ((47.0, 725.5), (52.5, 721.5), (57.0, 716.5)),
    ),
    "eye_pouch": (
        ((17.5, 721.5), (25.0, 716.0), (34.0, 714.5), (43.0, 718.0)),
        ((22.0, 719.5), (31.0, 718.8), (39.5, 721.0)),
    ),
    "marionette": (((28.5, 658.5), (31.0, 652.0), (31.5, 643.5)),),
    "dimples": (((34.0, 667.5), (35.8, 662.0), (34.8, 656.0)),),
}


def relief(actions: dict[int, float], age: float, strength: float) -> NDArray[np.float32]:
    """Height of the skin's wrinkles ``(320, 256)``, mm (grooves are negative), `strength` times as deep as usual."""
    height = np.zeros(plane()[0].shape, dtype=np.float32)
    for family, (aged, driven) in DRIVERS.items():
        depth = aged * age**1.5 + sum(share * actions.get(unit, 0.0) for unit, share in driven.items())
        if depth > 0:
            height += min(depth, 1.2) * strength * groove(family)
    return height


@cache
def groove(family: str) -> NDArray[np.float32]:
    """The relief of one family at depth 1, mm: a groove between two soft ridges."""
    patch = PATCHES["skin"]
    texel = patch.span_x / patch.width
    if family == "chin":
        noise = np.random.default_rng(17).standard_normal(plane()[0].shape).astype(np.float32)
        dimpled = ndimage.gaussian_filter(noise, 2.2 / texel) * 4
        return np.asarray(1.1 * dimpled * blob(0, 637, 11, 7), dtype=np.float32)
    line = np.zeros(plane()[0].shape, dtype=np.float32)
    for points in STROKES[family]:
        line = np.maximum(line, stroke(points, width=1.2, soft=0.75, both=True))
    return np.asarray(1.9 * ndimage.gaussian_filter(line, 2.6 / texel) * 2.0 - 1.9 * line, dtype=np.float32)
