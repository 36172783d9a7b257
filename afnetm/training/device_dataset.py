"""The dataset on the device: copied there once as stored, turned into `FaceBatch` batch by batch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afnetm.data.dataset import FaceDataset
from afnetm.data.decoding import plane_bits, scaled, unpacked
from afnetm.data.maps import WINDOW_MM
from afnetm.face_batch import FaceBatch
from afnetm.training.augment import AugmentationParameters, warp


class DeviceDataset:
    """Scans of a dataset held on a device in stored precision, six bytes a pixel.

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
        self._bits = plane_bits(device)

    def __len__(self) -> int:
        return len(self.texture)

    def faces(self, index: Tensor, draw: AugmentationParameters | None = None) -> FaceBatch:
        """The faces at `index` (int64, on the device), changed as `draw` says.

        The channels of one resampled stack are texture, millimetres of depth times presence, presence, valid and the
        four regions: depth is interpolated over present pixels only, or silhouettes would be smeared to the back.
        """
        stored = self.texture[index], self.depth[index], self.planes[index]
        texture, millimetres, present, planes = unpacked(*stored, self._bits)
        if draw is not None:
            stack = warp(torch.cat([texture, millimetres, present, planes], 1), draw.motion)
            texture, millimetres, present, planes = torch.split(stack, [3, 1, 1, 5], 1)
            millimetres = millimetres / present.clamp_min(1e-3) * draw.scale + draw.depth_shift
            texture = ((texture - 0.5) * draw.contrast + 0.5 + draw.brightness).clamp(0, 1)
        texture, depth = scaled(texture, millimetres, present)
        return FaceBatch(texture, depth, valid=planes[:, :1], masks=planes[:, 1:], pixel_mm=self.pixel_mm)
