"""Convolutional block attention over both modalities: which channels of the joint map count, then where.

Woo, Park, Lee, Kweon: "CBAM: Convolutional Block Attention Module", ECCV 2018. Using it to fuse is ours: ``F``
(B, 2 C, H, W) are the last feature maps of texture and depth side by side, so that its channel attention weighs the
modalities::

    c  = sigmoid(mlp(mean F) + mlp(max F))        over positions, (B, 2 C)
    F' = c * F
    s  = sigmoid(conv7x7([mean F'; max F']))      over channels, (B, 1, H, W)
    y  = W pool(s * F')

Importance is how the channel attention divides between texture's channels and depth's.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from baselines.attention_maps import attention_map
from baselines.two_streams import TwoStreams

#: Side of the spatial attention's convolution, the best of those in the paper.
KERNEL = 7


@dataclass(frozen=True, kw_only=True)
class CBAM(Method):
    """Channel and spatial attention on the concatenated last maps."""

    name = "cbam"
    title = "CBAM"
    version = 1
    summary = "channel, then spatial attention on the concatenated last maps"
    source = "CBAM of Woo et al., ECCV 2018; on both modalities' maps together is ours"
    space = {
        "reduction": CategoricalDistribution([4, 8, 16]),  # the paper's 16 and wider, for narrow encoders
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }
    tuned = "study defaults/cbam, trial 1"

    dropout: Dropout = 0.28

    #: The channel attention's bottleneck is ``2 C / reduction`` wide, at least 4.
    reduction: Annotated[int, Field(ge=1, le=64)] = 4

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, block attention on their maps, one classifier."""
        return _CBAMNetwork(self, encoder, classes)


class BlockAttention(nn.Module):
    """CBAM: channel attention, then spatial attention."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.spatial = nn.Conv2d(2, 1, KERNEL, padding=KERNEL // 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(B, C, H, W)`` to the same, the channels' weights ``(B, C)`` and the positions' ``(B, 1, H, W)``."""
        which = torch.sigmoid(self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3))))
        x = which[:, :, None, None] * x
        where = self.spatial(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)).sigmoid()
        return where * x, which, where


class _CBAMNetwork(TwoStreams):
    def __init__(self, method: CBAM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        channels = 2 * self.texture.channels
        self.attention = BlockAttention(channels, reduction=method.reduction)
        self.head = Head(channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        both = torch.cat(self.maps(faces), 1)
        attended, which, where = self.attention(both)
        share = which.float().unflatten(1, (2, -1)).mean(2)
        auxiliary_outputs = {"importance": share / share.sum(1, keepdim=True), "attention": attention_map(where[:, 0])}
        return Output(self.head(attended), auxiliary_outputs=auxiliary_outputs)
