"""Importance weights computing (IWC) and the adaptive fusion they drive.

The paper (arXiv 2205.11785) fuses the modalities "at convolutional layers" by importance weights of each modality;
what has a weight of its own is a reading. With the feature maps ``T`` and ``D`` (B, C, H, W) of texture and depth::

    x = [T; D], averaged over all positions                                channel and sample
    x = [T; D]                                                             position
    a = W2 gelu(W1 x)           (B, 2, G, h, w), at each position of x      W1, W2 are 1x1 convolutions
    w = softmax of a over the two modalities, or sigmoid of a               softmax, sigmoid
    F = w_texture * T + w_depth * D

What the weights are computed from is a reading, too: of the maps as they are, or of their salient part, ``[T; D]``
averaged by the union of the masks, and multiplied by it at each position. By sigmoid either modality is weighed by
itself, so that a face may have much of both or little.

=========  ===  ======  =====================================================================
reading    G    h x w   a weight belongs to
=========  ===  ======  =====================================================================
channel    C    1 x 1   a channel of a face
sample     1    1 x 1   a face
position   1    H x W   a position of a face, computed from what both modalities have there
none                    nobody: ``F = (T + D) / 2``, and there are no weights to show
=========  ===  ======  =====================================================================

``W2`` starts at zero, so that every reading starts as the mean of both: half of each. Why not a ReLU:
`afnetm.model.attention`.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

WeightingKind = Literal["channel", "sample", "position", "none"]
WeightingInput = Literal["map", "salient"]
WeightingNorm = Literal["softmax", "sigmoid"]


class AdaptiveFusion(nn.Module):
    """Fuses two feature maps of one shape by importance weights computed from both.

    Args:
        channels: channels ``C`` of either feature map.
        weighting: what has a weight of its own.
        norm: how the two modalities' weights are made of what is computed.
        reduction: the bottleneck is ``2 C / reduction`` wide, at least 4.
    """

    def __init__(
        self,
        channels: int,
        *,
        weighting: Literal["channel", "sample", "position"] = "channel",
        norm: WeightingNorm = "softmax",
        reduction: int = 8,
    ) -> None:
        super().__init__()
        self.norm = norm
        hidden = max(4, 2 * channels // reduction)
        self.pooled = weighting != "position"
        self.squeeze = nn.Conv2d(2 * channels, hidden, 1)
        self.weigh = nn.Conv2d(hidden, 2 * (channels if weighting == "channel" else 1), 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)  # type: ignore[arg-type]  # torch types it as if there might be none

    def forward(self, texture: Tensor, depth: Tensor, salient: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The fused map and the weights of two ``(B, C, H, W)`` maps.

        Args:
            texture: the one map.
            depth: the other.
            salient: ``(B, 1, H, W)`` in 0..1, where the weights look; None for everywhere.

        Returns:
            ``(B, C, H, W)``, and ``(B, 2, G, h, w)`` float32, texture first.
        """
        both = torch.cat([texture, depth], 1)
        if salient is not None:
            both = both * salient
        if self.pooled and salient is not None:
            both = both.sum((2, 3), keepdim=True) / salient.sum((2, 3), keepdim=True).clamp_min(1e-3)
        elif self.pooled:
            both = both.mean((2, 3), keepdim=True)
        computed = self.weigh(gelu(self.squeeze(both))).unflatten(1, (2, -1)).float()
        weights = computed.softmax(1) if self.norm == "softmax" else computed.sigmoid()
        return weights[:, 0] * texture + weights[:, 1] * depth, weights


class MeanFusion(nn.Module):
    """IWC left out: the mean of two feature maps."""

    def forward(self, texture: Tensor, depth: Tensor, salient: Tensor | None = None) -> tuple[Tensor, None]:
        """Two ``(B, C, H, W)`` maps to their mean, and no weights."""
        return (texture + depth) / 2, None


def fusion(kind: WeightingKind, channels: int, *, norm: WeightingNorm, reduction: int) -> nn.Module:
    """The fusion of maps of `channels` channels that `kind` names."""
    if kind == "none":
        return MeanFusion()
    return AdaptiveFusion(channels, weighting=kind, norm=norm, reduction=reduction)
