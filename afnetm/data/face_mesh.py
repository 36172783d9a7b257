"""The face mesh of 478 points that the landmark model finds, and which of them each known landmark is.

The points' places are those of the model's topology, which its authors publish as a picture; that a landmark of an
annotation scheme is one of them, or halfway between two, is our reading of both schemes' pictures.
"""

import numpy as np
from numpy.typing import NDArray

from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_68, LANDMARKS_83

#: Points of the mesh; the last ten are the irises.
MESH_POINTS = 478
#: The outer corners of the subject's right and left eye, whose line tells how a face is turned in the picture.
EYE_CORNERS = (33, 263)

#: A point of the mesh, or two, halfway between which the landmark is.
Place = int | tuple[int, int]
# In pairs: the subject's right side, which is at the viewer's left, then the left one.
#: From the outer corner over the upper lid to the inner one, and back over the lower lid.
_EYES_83: tuple[tuple[Place, ...], ...] = (
    (33, 161, 159, 158, 133, 154, 145, 163),
    (263, 388, 386, 385, 362, 381, 374, 390),
)
#: From the inner end over the upper edge to the outer end, and back below.
_BROWS_83: tuple[tuple[Place, ...], ...] = (
    (107, (107, 66), 66, 105, (63, 70), (46, 53), 52, 65, (65, 55), 55),
    (336, (336, 296), 296, 334, (293, 300), (276, 283), 282, 295, (295, 285), 285),
)
_NOSE_83: tuple[Place, ...] = (245, 236, 129, 465, 456, 358, 98, 99, 2, 2, 328, 327)
#: From the ear to the chin, a little inside the outline, where a sensor in front still measures.
_JAW_83: tuple[tuple[Place, ...], ...] = (
    (116, 147, 213, 135, 169, 149, 171, 175),
    (345, 376, 433, 364, 394, 378, 396),
)
_OUTER_MOUTH_83: tuple[Place, ...] = (61, 40, 37, 0, 267, 270, 291, 405, 314, 17, 84, 181)
_INNER_MOUTH_83: tuple[Place, ...] = (78, 81, 13, 311, 308, 402, 14, 178)

_MESH_22: dict[str, Place] = {
    "Outer left eyebrow": (293, 300),
    "Middle left eyebrow": (334, 282),
    "Inner left eyebrow": (336, 285),
    "Inner right eyebrow": (107, 55),
    "Middle right eyebrow": (105, 52),
    "Outer right eyebrow": (63, 70),
    "Outer left eye corner": 263,
    "Inner left eye corner": 362,
    "Inner right eye corner": 133,
    "Outer right eye corner": 33,
    "Nose saddle left": 465,
    "Nose saddle right": 245,
    "Left nose peak": 358,
    "Nose tip": 4,
    "Right nose peak": 129,
    "Left mouth corner": 291,
    "Upper lip outer middle": 0,
    "Right mouth corner": 61,
    "Upper lip inner middle": 13,
    "Lower lip inner middle": 14,
    "Lower lip outer middle": 17,
    "Chin middle": 152,
}

#: For each known set, by its names, where its landmarks are, in the set's order.
PLACES: dict[tuple[str, ...], tuple[Place, ...]] = {
    LANDMARKS_83: (
        *(*_EYES_83[0], *_EYES_83[1], *_BROWS_83[0], *_BROWS_83[1], *_NOSE_83),
        *(*_OUTER_MOUTH_83, *_INNER_MOUTH_83, *_JAW_83[0], *reversed(_JAW_83[1])),
    ),
    LANDMARKS_22: tuple(_MESH_22[name] for name in LANDMARKS_22),
    LANDMARKS_68: (
        *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),
        *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327),
        *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
        *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87),
    ),
}


def landmarks_of(mesh: NDArray[np.float64], names: tuple[str, ...]) -> NDArray[np.float64]:
    """The landmarks called `names`, a known set, ``(L, 3)``, of the points of a `mesh` ``(478, 3)``."""
    pairs = [place if isinstance(place, tuple) else (place, place) for place in PLACES[names]]
    return np.asarray(mesh[np.array(pairs)].mean(1))
