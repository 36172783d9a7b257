"""The dataset on the device: copied there once as stored, turned into `FaceBatch` batch by batch."""

from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afnetm.data.dataset import FaceDataset
from afnetm.data.decoding import DEPTH_UNIT_MM, plane_bits, scaled, unpacked
from afnetm.data.maps import PLANES, WINDOW_MM
from afnetm.face_batch import FaceBatch
from afnetm.training.augment import AugmentationParameters, soften, warp


@dataclass(frozen=True, eq=False)
class StoredFaces:
    """A batch of ``B`` faces as a `DeviceDataset` stores them, and what it takes to decode them.

    Attributes:
        texture: ``(B, 3, S, S)`` uint8.
        depth: ``(B, 1, S, S)`` int16, the bits of the stored codes.
        planes: ``(B, 1, S, S)`` uint8.
        landmarks: ``(B, 83, 3)`` float32; None where there are none.
        bits: `afnetm.data.decoding.plane_bits`.
        pixel_mm: a pixel's width, mm.
    """

    texture: Tensor
    depth: Tensor
    planes: Tensor
    landmarks: Tensor | None
    bits: Tensor
    pixel_mm: float

    def decoded(self, draw: AugmentationParameters | None = None, *, softened: bool = False) -> FaceBatch:
        """The faces, changed as `draw` says, or not moved but as sharp (`softened`).

        The channels of one resampled stack are texture, millimetres of depth times presence, presence, valid and the
        four regions: depth is interpolated over present pixels only, or silhouettes would be smeared to the back.
        What is black stays black: beside the face there is nothing that could be lit.
        """
        texture, millimetres, present, planes = unpacked(self.texture, self.depth, self.planes, self.bits)
        if draw is not None or softened:
            stack = torch.cat([texture, millimetres, present, planes], 1)
            stack = soften(stack) if draw is None else warp(stack, draw.motion)
            texture, millimetres, present, planes = torch.split(stack, [3, 1, 1, 5], 1)
            millimetres = millimetres / present.clamp_min(1e-3)
        if draw is not None:
            millimetres = millimetres * draw.scale + draw.depth_shift
            face = texture.amax(1, keepdim=True) > 0
            texture = ((texture - 0.5) * draw.contrast + 0.5 + draw.brightness).clamp(0, 1) * face
        texture, depth = scaled(texture, millimetres, present)
        return FaceBatch(texture, depth, planes[:, :1], planes[:, 1:], self.pixel_mm, self.landmarks)


class DeviceDataset:
    """Scans of a dataset held on a device in stored precision, six bytes a pixel, with their annotated masks.

    Args:
        dataset: where the scans come from.
        rows: the scans to hold, as row numbers of the dataset's table; every index from then on is into these.
        device: where they are held.
    """

    def __init__(self, dataset: FaceDataset, rows: NDArray[np.int64], device: torch.device) -> None:
        self.device = device
        self.pixel_mm = WINDOW_MM / dataset.size
        self.texture = torch.from_numpy(dataset.texture[rows]).to(device)
        # The same bits as signed numbers: not every device indexes unsigned ones of two bytes.
        self.depth = torch.from_numpy(dataset.depth[rows].view(np.int16)).to(device)
        self.planes = torch.from_numpy(dataset.planes[rows]).to(device)
        self.landmarks: Tensor | None = _landmarks(dataset.landmarks[rows], device)
        self._bits = plane_bits(device)

    def __len__(self) -> int:
        return len(self.texture)

    def with_masks(
        self, planes: NDArray[np.uint8] | None, landmarks: NDArray[np.float32] | None = None
    ) -> "DeviceDataset":
        """The same scans with other masks and landmarks; texture and depth are shared.

        Args:
            planes: `afnetm.data.masks.mask_planes`; None for no masks at all.
            landmarks: `afnetm.data.masks.scan_landmarks`; None for none.
        """
        other = copy(self)
        other.landmarks = None if landmarks is None else _landmarks(landmarks, self.device)
        other.planes = self.planes & PLANES["valid"]
        if planes is not None:
            other.planes = other.planes | torch.from_numpy(planes).to(self.device)
        return other

    def stored(self, index: Tensor) -> StoredFaces:
        """The faces at `index`, ``(B,)`` int64 on the device."""
        landmarks = None if self.landmarks is None else self.landmarks[index]
        maps = self.texture[index], self.depth[index], self.planes[index]
        return StoredFaces(*maps, landmarks, self._bits, self.pixel_mm)

    def read(self, index: Tensor, into: StoredFaces) -> None:
        """Writes the faces at `index` over those of `into`, which has as many, at their places in memory."""
        torch.index_select(self.texture, 0, index, out=into.texture)
        torch.index_select(self.depth, 0, index, out=into.depth)
        torch.index_select(self.planes, 0, index, out=into.planes)
        if self.landmarks is not None and into.landmarks is not None:
            torch.index_select(self.landmarks, 0, index, out=into.landmarks)

    def faces(self, index: Tensor, draw: AugmentationParameters | None = None, *, softened: bool = False) -> FaceBatch:
        """The faces at `index` as networks read them (`StoredFaces.decoded`)."""
        return self.stored(index).decoded(draw, softened=softened)


def _landmarks(posed: NDArray[np.float32], device: torch.device) -> Tensor:
    """Landmarks as `FaceBatch` has them, of ``(N, 83, 3)`` mm."""
    return torch.from_numpy(np.nan_to_num(posed / np.float32(DEPTH_UNIT_MM))).to(device)
