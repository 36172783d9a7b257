"""Attentional feature fusion: at every position and channel of the last maps, how much texture and how much depth.

Dai, Gieseke, Oehmcke, Wu, Barnard: "Attentional Feature Fusion", WACV 2021. With both streams' last feature maps ``T``
and ``D`` (B, C, H, W), ``pw`` a 1x1 convolution with batch normalisation, and ``P = T + D``::

    L = pw(relu(pw(P)))                      local context, (B, C, H, W)
    g = pw(relu(pw(mean(P))))                global context, (B, C, 1, 1)
    M = sigmoid(L + g)                       the multi-scale channel attention, MS-CAM
    F = M * T + (1 - M) * D
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


@dataclass(frozen=True, kw_only=True)
class AFF(Method):
    """Attentional feature fusion of the last maps."""

    name = "aff"
    title = "AFF"
    version = 1
    summary = "multi-scale channel attention weighs the last maps, position by position"
    source = "AFF of Dai et al., WACV 2021"
    space = {
        "reduction": CategoricalDistribution([4, 8, 16]),  # from wide to squeeze-and-excitation's usual 16
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }
    tuned = "study defaults/aff, trial 0"

    dropout: Dropout = 0.0

    #: The attention's bottleneck is ``C / reduction`` wide, at least 4.
    reduction: Annotated[int, Field(ge=1, le=64)] = 4

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, the fusion of their last maps, one classifier."""
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


class _AFFNetwork(TwoStreams):
    def __init__(self, method: AFF, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        self.attention = MultiScaleAttention(self.texture.channels, reduction=method.reduction)
        self.head = Head(self.texture.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.maps(faces)
        weight = self.attention(texture + depth)
        fused = weight * texture + (1 - weight) * depth
        where = weight.float().mean(1)
        share = where.mean((1, 2))
        auxiliary_outputs = {
            "importance": torch.stack([share, 1 - share], 1),
            "attention_texture": attention_map(where),
            "attention_depth": attention_map(1 - where),
        }
        return Output(self.head(fused), auxiliary_outputs=auxiliary_outputs)


def _bottleneck(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1, bias=False),  # the normalisation has the bias
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )
