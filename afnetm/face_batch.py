"""Faces: a batch as a method sees it, on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from afnetm.data.decoding import DEPTH_BACKGROUND, DEPTH_UNIT_MM, normals


@dataclass(frozen=True, eq=False)
class FaceBatch:
    """A batch of ``B`` faces at ``S x S`` pixels.

    Attributes:
        texture: ``(B, 3, S, S)`` float32, sRGB shifted and scaled to about -2..2; grey outside the face.
        depth: ``(B, 1, S, S)`` float32 towards the viewer in units of 50 mm (`afnetm.data.decoding`); -3 where there is
            none.
        valid: ``(B, 1, S, S)`` float32 0..1, measured rather than filled in.
        masks: ``(B, 4, S, S)`` float32 0..1, the salient regions in the order of `afnetm.data.maps.REGIONS`.
        pixel_mm: a pixel's width, mm.
    """

    texture: Tensor
    depth: Tensor
    valid: Tensor
    masks: Tensor
    pixel_mm: float

    @property
    def normals(self) -> Tensor:
        """``(B, 3, S, S)`` float32 unit normals of the depth, computed anew when a method asks for them."""
        return normals(self.depth * DEPTH_UNIT_MM, self.depth > DEPTH_BACKGROUND, pixel_mm=self.pixel_mm)

    @property
    def salient(self) -> Tensor:
        """``(B, 1, S, S)`` float32 0..1, the union of the salient regions."""
        return self.masks.amax(1, keepdim=True)

    def geometry(self, kind: str) -> Tensor:
        """Input of a depth stream: ``(B, 1, S, S)`` for ``"depth"``, ``(B, 4, S, S)`` for ``"depth+normals"``."""
        return self.depth if kind == "depth" else torch.cat([self.depth, self.normals], 1)
