"""Importance weights computing (IWC) and the adaptive fusion they drive.

The paper (arXiv 2205.11785) fuses the modalities "at convolutional layers" by importance weights of each modality;
the form below is a reading. With the pooled feature maps ``t`` and ``d`` (B, C) of texture and depth::

    a = W2 relu(W1 [t; d])            (B, 2, C)
    w = softmax of a over the two modalities, channel by channel
    F = w_texture * F_texture + w_depth * F_depth

``W2`` starts at zero, so that fusion starts as the mean of both.
"""

import torch
from torch import Tensor, nn


class AdaptiveFusion(nn.Module):
    """Fuses two feature maps of one shape by importance weights computed from both.

    Args:
        channels: channels ``C`` of either feature map.
        reduction: the bottleneck is ``2 C / reduction`` wide, at least 4.
    """

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(4, 2 * channels // reduction)
        self.squeeze = nn.Linear(2 * channels, hidden)
        self.weigh = nn.Linear(hidden, 2 * channels)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Two ``(B, C, H, W)`` maps to the fused one and the weights ``(B, 2, C)``, texture first, summing to 1."""
        pooled = torch.cat([texture.mean((2, 3)), depth.mean((2, 3))], 1)
        weights = self.weigh(self.squeeze(pooled).relu()).unflatten(1, (2, -1)).softmax(1)
        fused = weights[:, 0, :, None, None] * texture + weights[:, 1, :, None, None] * depth
        return fused, weights
