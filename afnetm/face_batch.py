"""Faces: a batch as a method sees it, on the device."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from afnetm.data.decoding import DEPTH_BACKGROUND, DEPTH_UNIT_MM, normals, shape_index

#: What a depth stream may read: depth, and besides the components of its normals, its curvature, the salient mask.
Geometry = Literal["depth", "depth+normals", "depth+curvature", "depth+normals+mask"]
#: Channels of each part of a `Geometry`.
_CHANNELS = {"depth": 1, "normals": 3, "curvature": 1, "mask": 1}


@dataclass(frozen=True, eq=False)
class FaceBatch:
    """A batch of ``B`` faces at ``S x S`` pixels.

    Attributes:
        texture: ``(B, 3, S, S)`` float32, sRGB shifted and scaled to about -2..2; -2, black, outside the face.
        depth: ``(B, 1, S, S)`` float32 towards the viewer in units of 50 mm (`afnetm.data.decoding`); -3 where there is
            none.
        valid: ``(B, 1, S, S)`` float32 0..1, measured rather than filled in.
        masks: ``(B, 4, S, S)`` float32 0..1, the salient regions in the order of `afnetm.data.maps.REGIONS`.
        pixel_mm: a pixel's width, mm.
        landmarks: ``(B, 83, 3)`` float32 in units of 50 mm, pose-normalised and never augmented; 0 where a scan has
            none. None where there are none at all.
    """

    texture: Tensor
    depth: Tensor
    valid: Tensor
    masks: Tensor
    pixel_mm: float
    landmarks: Tensor | None = None

    @property
    def normals(self) -> Tensor:
        """``(B, 3, S, S)`` float32 unit normals of the depth, computed anew when a method asks for them."""
        return normals(self.depth * DEPTH_UNIT_MM, self.depth > DEPTH_BACKGROUND, pixel_mm=self.pixel_mm)

    @property
    def salient(self) -> Tensor:
        """``(B, 1, S, S)`` float32 0..1, the union of the salient regions."""
        return self.masks.amax(1, keepdim=True)

    @property
    def curvature(self) -> Tensor:
        """``(B, 1, S, S)`` float32 -1..1, the shape index of the depth (`afnetm.data.decoding.shape_index`)."""
        return shape_index(self.depth * DEPTH_UNIT_MM, self.depth > DEPTH_BACKGROUND, pixel_mm=self.pixel_mm)

    def geometry(self, kind: Geometry) -> Tensor:
        """The input of a depth stream: ``(B, C, S, S)``, the parts of `kind` in its order."""
        parts = {"normals": "normals", "curvature": "curvature", "mask": "salient"}
        maps = [self.depth, *(getattr(self, parts[part]) for part in kind.split("+")[1:])]
        return torch.cat(maps, 1) if len(maps) > 1 else self.depth


def geometry_channels(kind: Geometry) -> int:
    """Channels ``C`` of what `FaceBatch.geometry` gives."""
    return sum(_CHANNELS[part] for part in kind.split("+"))
