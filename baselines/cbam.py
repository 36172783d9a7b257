"""Convolutional block attention over both modalities: which channels of the joint map count, then where.

Woo, Park, Lee, Kweon: "CBAM: Convolutional Block Attention Module", ECCV 2018. Using it to fuse is ours: ``F``
(B, 2 C, H, W) are the feature maps of texture and depth at a stage side by side, so that its channel attention weighs
the modalities::

    c  = sigmoid(mlp(mean F) + mlp(max F))              over positions, (B, 2 C)
    F' = c * F
    s  = sigmoid(norm(conv7x7([mean F'; max F'])))      over channels, (B, 1, H, W)
    y  = W pool(s * F')                                 at the last maps

At other stages, and at several, the two halves of ``s * F'`` are added, as the trunk has ``C`` channels. Importance is
how the channel attention divides between texture's channels and depth's.

Read: ``MODELS/cbam.py`` of the authors' code (github.com/Jongchan/attention-module, commit 459efad), from which the
batch normalisation in the spatial gate is, and that its convolution has no bias. There the normalisation's running
statistics follow with a momentum of 0.01, which trainings of a few hundred steps would end before; here with 0.1, as
all others.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.trunk import Stages
from baselines.attention_maps import attention_map
from baselines.two_streams import LAST, FusedStreams, StagedFusion

#: Side of the spatial attention's convolution, the best of those in the paper.
KERNEL = 7


@dataclass(frozen=True, kw_only=True)
class CBAM(StagedFusion):
    """Channel and spatial attention on the streams' concatenated maps."""

    name = "cbam"
    title = "CBAM"
    version = 2
    summary = "channel, then spatial attention on both maps, concatenated"
    source = "CBAM of Woo et al., ECCV 2018; on both modalities' maps together is ours"
    space = {
        "reduction": CategoricalDistribution([4, 8, 16]),  # the paper's 16 and wider, for narrow encoders
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: The channel attention's bottleneck is ``2 C / reduction`` wide, at least 4.
    reduction: Annotated[int, Field(ge=1, le=64)] = 16
    #: The stages, 1 to 4 and ascending, whose maps are fused: 4 is the last map, of any encoder. From the first of them
    #: on one trunk goes on, to which each further fused map is added.
    fuse_stages: Annotated[Stages, Field(min_length=1)] = LAST

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, block attention on their maps, one classifier."""
        return _CBAMNetwork(self, encoder, classes)


class BlockAttention(nn.Module):
    """CBAM: channel attention, then spatial attention."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.spatial = nn.Conv2d(2, 1, KERNEL, padding=KERNEL // 2, bias=False)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(B, C, H, W)`` to the same, the channels' weights ``(B, C)`` and the positions' ``(B, 1, H, W)``."""
        which = torch.sigmoid(self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3))))
        x = which[:, :, None, None] * x
        where = self.norm(self.spatial(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1))).sigmoid()
        return where * x, which, where


class _CBAMNetwork(FusedStreams):
    def __init__(self, method: CBAM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, method.fuse_stages)
        self.attentions = nn.ModuleList(
            BlockAttention(2 * channels, reduction=method.reduction) for channels in self.fused_channels
        )
        channels = 2 * self.channels if self.stages == LAST else self.channels
        self.head = Head(channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        pairs = zip(self.attentions, self.pairs(faces), strict=True)
        attended, which, where = zip(*(attention(torch.cat(pair, 1)) for attention, pair in pairs), strict=True)
        if self.stages != LAST:
            attended = tuple(both.unflatten(1, (2, -1)).sum(1) for both in attended)
        share = torch.stack([one.float().unflatten(1, (2, -1)).mean(2) for one in which]).mean(0)
        auxiliary_outputs = {
            "importance": share / share.sum(1, keepdim=True),
            "attention": attention_map(where[-1][:, 0]),
        }
        return Output(self.head(self.last_map(attended)), auxiliary_outputs=auxiliary_outputs)
