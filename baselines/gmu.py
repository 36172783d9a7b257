"""Gated multimodal unit: a gate computed from both modalities chooses, feature by feature, which of them counts.

Arevalo, Solorio, Montes-y-Gómez, González: "Gated Multimodal Units for Information Fusion", ICLR workshop 2017
(arXiv 1702.01992), its bimodal unit, with the streams' pooled maps ``x_t`` and ``x_d`` as the modalities, and ``norm``
a batch normalisation::

    h_t = tanh(W_t norm(x_t))        h_d = tanh(W_d norm(x_d))
    z   = sigmoid(W_z [norm(x_t); norm(x_d)])
    h   = z * h_t + (1 - z) * h_d        y = W h

Fused at a stage, there is such a unit at each position of the maps, as wide as they are.

Read: ``model.py`` of the authors' code (github.com/johnarevalo/gmu-mmimdb, commit 95226b0), from which the
normalisation of both inputs is, and that the layers have no biases. In that code the gate reads ``W_t x_t`` and
``W_d x_d``, in the paper, from memory, ``x_t`` and ``x_d``, as here; and its classifier has two maxout layers more,
where all methods here have the same one.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.trunk import Stages
from baselines.two_streams import LAST, FusedStreams, StagedFusion


@dataclass(frozen=True, kw_only=True)
class GMU(StagedFusion):
    """A gated multimodal unit over the pooled features, or the maps."""

    name = "gmu"
    title = "GMU"
    version = 2
    summary = "a gate from both modalities weighs their features"
    source = "Arevalo et al., ICLR workshop 2017 (arXiv 1702.01992)"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Width of the unit over pooled features.
    features: Annotated[int, Field(ge=8, le=4096)] = 128
    #: The stages, 1 to 4 and ascending, whose maps are fused; none for the features behind the streams. From the first
    #: of them on one trunk goes on, to which each further fused map is added.
    fuse_stages: Stages = ()

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, the unit, one classifier."""
        return _GMUNetwork(self, encoder, classes)


class GatedFusion(nn.Module):
    """The unit at each position of two maps: ``(B, C, H, W)`` each to ``(B, features, H, W)``, and the gate ``z``."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.texture_norm, self.depth_norm = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.texture = nn.Conv2d(channels, features, 1, bias=False)
        self.depth = nn.Conv2d(channels, features, 1, bias=False)
        self.gate = nn.Conv2d(2 * channels, features, 1, bias=False)

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """The chosen features, and the gate."""
        texture, depth = self.texture_norm(texture), self.depth_norm(depth)
        gate = self.gate(torch.cat([texture, depth], 1)).sigmoid()
        return gate * self.texture(texture).tanh() + (1 - gate) * self.depth(depth).tanh(), gate


class _GMUNetwork(FusedStreams):
    """Extras: ``importance`` ``(B, 2)``, the mean over features of ``z`` and of ``1 - z``."""

    def __init__(self, method: GMU, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, method.fuse_stages or LAST)
        self.pooled = not method.fuse_stages
        width = [method.features] if self.pooled else self.fused_channels
        self.fusions = nn.ModuleList(map(GatedFusion, self.fused_channels, width))
        self.head = Head(width[-1] if self.pooled else self.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        pairs = self.pairs(faces)
        if self.pooled:
            pairs = [(texture.mean((2, 3), keepdim=True), depth.mean((2, 3), keepdim=True)) for texture, depth in pairs]
        fused, gates = zip(*(unit(*pair) for unit, pair in zip(self.fusions, pairs, strict=True)), strict=True)
        share = torch.stack([gate.float().mean((1, 2, 3)) for gate in gates]).mean(0)
        importance = torch.stack([share, 1 - share], 1)
        return Output(self.head(self.last_map(fused)), auxiliary_outputs={"importance": importance})
