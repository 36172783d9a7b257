"""MMTM: squeeze-and-excitation across modalities, between the stages of two streams that decide together at the end.

Joze, Shaban, Iuzzolino, Koishida: "MMTM: Multimodal Transfer Module for CNN Fusion", CVPR 2020. With the feature maps
``T`` and ``D`` (B, C, H, W) of texture and depth after a stage::

    z  = relu(W [mean(T); mean(D)])               the joint squeeze, (B, 2 C / 4)
    T' = 2 sigmoid(W_t z) * T,  D' likewise       channel by channel

The streams stay whole and their logits are averaged. Each stream learns from its own cross-entropy alone: what it reads
of the other one in ``z`` hands no gradient back. The transfer modules learn from both.

Read: ``mmtm.py`` and ``main_mmtm_ntu.py`` of the authors' code (github.com/haamoon/mmtm, commit 1c81cfe), from which
the two losses are, each followed by a step of the optimizer of its own stream; here it is one step on their sum. The
squeeze of that code is twice as wide and its gate has no factor 2: here they are the paper's, from memory. Its streams
start trained by themselves, here from where all start.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import Encoder, EncoderSpec, Head

#: The joint squeeze has a quarter of both modalities' channels, as in the paper.
REDUCTION = 4


@dataclass(frozen=True, kw_only=True)
class MMTM(Method):
    """Two streams that recalibrate each other's channels; the mean of their logits."""

    name = "mmtm"
    title = "MMTM"
    version = 2
    summary = "squeeze-and-excitation across modalities between stages, mean of logits"
    source = "Joze et al., CVPR 2020"
    staged = True
    space = {
        "first_stage": IntDistribution(1, 4),  # from exchange all along to exchange at the last maps alone
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: The stage, 1 to 4, after which the streams first exchange; they do so after every later one as well.
    first_stage: Annotated[int, Field(ge=1, le=4)] = 2

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders with transfer modules between their stages, each with its own classifier."""
        return _MMTMNetwork(self, encoder, classes)


class TransferModule(nn.Module):
    """Two maps of `channels` each, recalibrated by what both know."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(4, 2 * channels // REDUCTION)
        self.squeeze = nn.Linear(2 * channels, hidden)
        self.texture = nn.Linear(hidden, channels)
        self.depth = nn.Linear(hidden, channels)

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Two ``(B, C, H, W)`` maps to the same, each channel times 0 to 2."""
        seen_texture, seen_depth = texture.mean((2, 3)), depth.mean((2, 3))
        for_texture = self.squeeze(torch.cat([seen_texture, seen_depth.detach()], 1)).relu()
        for_depth = self.squeeze(torch.cat([seen_texture.detach(), seen_depth], 1)).relu()
        texture_gate = 2 * self.texture(for_texture).sigmoid()[:, :, None, None]
        depth_gate = 2 * self.depth(for_depth).sigmoid()[:, :, None, None]
        return texture * texture_gate, depth * depth_gate


class _MMTMNetwork(nn.Module):
    def __init__(self, method: MMTM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture = Encoder(encoder, 3)
        self.depth = Encoder(encoder, method.depth_channels)
        channels = self.texture.channels
        self.apart = method.first_stage - 1
        self.transfers = nn.ModuleList(TransferModule(c) for c in channels[self.apart :])
        self.texture_head = Head(channels[-1], classes, method.dropout)
        self.depth_head = Head(channels[-1], classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = faces.texture, faces.geometry(self.kind)
        for k, (texture_stage, depth_stage) in enumerate(zip(self.texture.stages, self.depth.stages, strict=True)):
            texture, depth = texture_stage(texture), depth_stage(depth)
            if k >= self.apart:
                texture, depth = self.transfers[k - self.apart](texture, depth)
        logits = self.texture_head(texture), self.depth_head(depth)
        return Output((logits[0] + logits[1]) / 2, supervised_logits=logits)
