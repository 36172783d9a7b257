"""Attentional feature fusion: at every position and channel of two maps, how much texture and how much depth.

Dai, Gieseke, Oehmcke, Wu, Barnard: "Attentional Feature Fusion", WACV 2021. With both streams' feature maps ``T`` and
``D`` (B, C, H, W) at a stage, ``pw`` a 1x1 convolution with batch normalisation, and ``P = T + D``::

    L = pw(relu(pw(P)))                      local context, (B, C, H, W)
    g = pw(relu(pw(mean(P))))                global context, (B, C, 1, 1)
    M = sigmoid(L + g)                       the multi-scale channel attention, MS-CAM
    F = 2 M * T + 2 (1 - M) * D

With ``iterative``, their iAFF, a second attention of its own kind takes ``P = M * T + (1 - M) * D``, and its ``M``
makes ``F = M * T + (1 - M) * D``.

Read: ``model/fusion.py`` (MXNet) and ``aff_pytorch/aff_net/fusion.py`` of the authors' code
(github.com/YimianDai/open-aff, commit 0bcfd8a), from which the factor 2 of the one and not of the other is. In PyTorch
the second attention's global context is computed by the first one's layers, an oversight: its own are made there and
never called. In MXNet, in which they trained, and here it has its own. Their convolutions have biases, which the
normalisation behind takes out, and a bottleneck may be narrower than 4. They fuse inside networks and between layers;
here two modalities are fused, at the last maps or at other stages.
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


@dataclass(frozen=True, kw_only=True)
class AFF(StagedFusion):
    """Attentional feature fusion of the streams' maps."""

    name = "aff"
    title = "AFF"
    version = 2
    summary = "multi-scale channel attention weighs both maps, position by position"
    source = "AFF of Dai et al., WACV 2021"
    space = {
        "reduction": CategoricalDistribution([4, 8, 16]),  # from wide to squeeze-and-excitation's usual 16
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: The attention's bottleneck is ``C / reduction`` wide, at least 4.
    reduction: Annotated[int, Field(ge=1, le=64)] = 4
    #: Whether what the attention is computed from is itself fused by attention.
    iterative: bool = False
    #: The stages, 1 to 4 and ascending, whose maps are fused: 4 is the last map, of any encoder. From the first of them
    #: on one trunk goes on, to which each further fused map is added.
    fuse_stages: Annotated[Stages, Field(min_length=1)] = LAST

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, the fusion of their maps, one classifier."""
        return _AFFNetwork(self, encoder, classes)


class MultiScaleAttention(nn.Module):
    """MS-CAM: ``(B, C, H, W)`` to weights 0..1 of the same shape, from each position and from the whole map."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.local_context = _bottleneck(channels, hidden)
        self.global_context = _bottleneck(channels, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)``: weights in 0 to 1 of the features `x`."""
        return torch.sigmoid(self.local_context(x) + self.global_context(x.mean((2, 3), keepdim=True)))


class AttentionalFusion(nn.Module):
    """AFF, or iAFF: two maps to the fused one, and the weights ``M``, each ``(B, C, H, W)``."""

    def __init__(self, channels: int, *, reduction: int, iterative: bool) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(
            MultiScaleAttention(channels, reduction=reduction) for _ in range(2 if iterative else 1)
        )

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Fuses two ``(B, C, H, W)`` maps."""
        fused = texture + depth
        for attention in self.attentions:
            weight = attention(fused)
            fused = weight * texture + (1 - weight) * depth
        return (2 * fused if len(self.attentions) == 1 else fused), weight


class _AFFNetwork(FusedStreams):
    def __init__(self, method: AFF, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, method.fuse_stages)
        self.fusions = nn.ModuleList(
            AttentionalFusion(channels, reduction=method.reduction, iterative=method.iterative)
            for channels in self.fused_channels
        )
        self.head = Head(self.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        both = [fuse(*pair) for fuse, pair in zip(self.fusions, self.pairs(faces), strict=True)]
        share = torch.stack([weight.float().mean((1, 2, 3)) for _, weight in both]).mean(0)
        where = both[-1][1].float().mean(1)
        auxiliary_outputs = {
            "importance": torch.stack([share, 1 - share], 1),
            "attention_texture": attention_map(where),
            "attention_depth": attention_map(1 - where),
        }
        return Output(self.head(self.last_map([fused for fused, _ in both])), auxiliary_outputs=auxiliary_outputs)


def _bottleneck(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1, bias=False),  # the normalisation has the bias
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )
