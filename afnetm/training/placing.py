"""Placing a model and the faces that it is trained on or asked about on one device, with the masks that it reads."""

import numpy as np
import torch
from torch import nn

from afnetm.data.dataset import FaceDataset, FaceSubset
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.given import give_masks


def placed(
    model: nn.Module,
    data: FaceDataset | FaceSubset,
    config: TrainingConfig,
    device: str | torch.device | None,
    *,
    train: bool,
) -> tuple[nn.Module, DeviceDataset]:
    """The model, and the data with the masks that the model is given, on one device."""
    where = torch.device(device) if device is not None else next(model.parameters()).device
    model = model.to(where)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)
    faces = give_masks(
        DeviceDataset(data.dataset, data.rows, where),
        model,
        data.dataset,
        data.rows,
        np.arange(len(data)) if train else None,
    )
    return model.to(where), faces  # the masks, too
