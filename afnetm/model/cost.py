"""Cost of a network: parameters, and floating-point operations of one face."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from afnetm.data.maps import LANDMARK_ROWS, WINDOW_MM
from afnetm.face_batch import FaceBatch


def parameter_count(module: nn.Module) -> int:
    """Number of trainable parameters of `module`."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def flop_count(module: nn.Module, *, size: int) -> int:
    """Operations of one forward pass over one face of `size` pixels, a multiply-add counted as two.

    Torch's own counter, which counts convolutions and matrix products and nothing else.
    """
    device = next(module.parameters()).device
    blank = {"texture": 3, "depth": 1, "valid": 1, "masks": 4}
    maps = {name: torch.zeros(1, channels, size, size, device=device) for name, channels in blank.items()}
    training = module.training
    module.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        landmarks = torch.zeros(1, LANDMARK_ROWS, 3, device=device)
        module(FaceBatch(**maps, pixel_mm=WINDOW_MM / size, landmarks=landmarks))
    module.train(training)
    return int(counter.get_total_flops())
