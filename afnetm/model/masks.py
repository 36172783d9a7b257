"""Masks: the planes that mask attention is given, ``(B, R, S, S)`` in 0..1.

AFNet-M takes "masks annotating salient regions of the face" as prior knowledge (arXiv 2205.11785); which ones is a
reading. `landmarks` and `regions` know where the salient regions of each face are, the other three do not: they are
what the knowledge is measured against.
"""

import math
import random
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from afnetm.data.maps import REGIONS
from afnetm.face_batch import FaceBatch

MaskKind = Literal["landmarks", "regions", "ellipse", "random", "ones"]

#: An adult's face, mm: from cheekbone to cheekbone and from the hairline to the chin, in round numbers. It takes half
#: of the window, and 99.9 % of the salient regions of 480 synthetic scans are inside.
FACE_MM = (140.0, 190.0)
#: Sixteen plane waves make the random field: direction and phase, rad, drawn once and for all.
_DRAW = random.Random(0)
_WAVES = [(_DRAW.uniform(0, math.pi), _DRAW.uniform(0, 2 * math.pi)) for _ in range(16)]
#: Their length, mm: half of it, the width of a blob, is about that of an eye or half a mouth.
WAVELENGTH_MM = 50.0


def landmark_masks(faces: FaceBatch) -> Tensor:
    """One plane: the union of brows, eyes, nose and mouth."""
    return faces.salient


def region_masks(faces: FaceBatch) -> Tensor:
    """Four planes: brows, eyes, nose, mouth."""
    return faces.masks


def ellipse_masks(faces: FaceBatch) -> Tensor:
    """One plane, the same for every face: an ellipse of `FACE_MM` in the middle of the window."""
    return _ellipse(faces).float().expand_as(faces.salient)


def random_masks(faces: FaceBatch) -> Tensor:
    """One plane: blobs within that ellipse, of the area of each face's salient regions but anywhere.

    A sum of plane waves of fixed directions and phases is a smooth field, the same for every face; a face's blobs are
    its highest pixels, as many as the face has salient ones. So the area is a face's own and the places are not, and no
    mask depends on chance or on other faces. On 480 synthetic scans the blobs hold 25 % of the salient regions' area;
    chance would have them hold 27 %.
    """
    x, y = _positions(faces)
    field = torch.zeros_like(x + y)
    for angle, phase in _WAVES:
        field += torch.cos(2 * math.pi / WAVELENGTH_MM * (math.cos(angle) * x + math.sin(angle) * y) + phase)
    field = field.where(_ellipse(faces), -len(_WAVES) - 1)  # below every wave's trough: last
    rank = field.flatten().argsort(descending=True, stable=True).argsort().view_as(field)
    return (rank < faces.salient.sum((2, 3), keepdim=True)).float()


def no_masks(faces: FaceBatch) -> Tensor:
    """One plane of ones: everything is salient, attention knows channels alone."""
    return torch.ones_like(faces.salient)


MASKS: dict[MaskKind, Callable[[FaceBatch], Tensor]] = {
    "landmarks": landmark_masks,
    "regions": region_masks,
    "ellipse": ellipse_masks,
    "random": random_masks,
    "ones": no_masks,
}


def plane_count(kind: MaskKind) -> int:
    """Number of planes of masks of this kind."""
    return len(REGIONS) if kind == "regions" else 1


def _positions(faces: FaceBatch) -> tuple[Tensor, Tensor]:
    """Pixel centres ``(1, S)`` and ``(S, 1)``, mm from the middle of the window."""
    size = faces.depth.shape[-1]
    along = (torch.arange(size, dtype=torch.float32, device=faces.depth.device) + 0.5 - size / 2) * faces.pixel_mm
    return along[None, :], along[:, None]


def _ellipse(faces: FaceBatch) -> Tensor:
    x, y = _positions(faces)
    width, height = FACE_MM
    return (2 * x / width) ** 2 + (2 * y / height) ** 2 <= 1
