"""Separation-and-aggregation gates: after each stage the modalities correct each other, merge, and hear of the merger.

Chen, Lin, Wang, Wu, Qian, Li, Zeng: "Bi-directional Cross-Modality Feature Propagation with Separation-and-Aggregation
Gate for RGB-D Semantic Segmentation", ECCV 2020 (arXiv 2007.09183). With the maps ``T`` and ``D`` (B, C, H, W) of
texture and depth after a stage::

    x    = [mean(T); mean(D)]
    T'   = T + sigmoid(V_t relu(U_t x)) * D              separation, channel by channel; D' likewise
    w    = softmax of conv1x1([T'; D'])                  aggregation, over the modalities at every position
    M    = w_texture * T + w_depth * D
    T, D = (T + M) / 2, (D + M) / 2                      what the next stages read
    y    = W pool(M)                                     of the last stage

Importance is the mean over positions of the last stage's ``w``.

Read: ``model/SA-Gate.nyu/net_util.py``, ``dual_resnet.py``, ``network.py`` and ``train.py`` of the authors' code
(github.com/charlesCXK/RGBD_Semantic_Segmentation_PyTorch, commit 32b3f86), from which it is that ``M`` weighs the maps
before separation. Left out: the ReLU behind the means, which changes nothing of a ResNet's maps, none of them
negative; the decoder, which also reads the first stage's ``M``, as a face has one answer and no outlines; and the loss,
weighed 0.2, of a second classifier of the last ``M``, which a second linear layer would be here. The bottleneck of
narrow encoders is at least 4 wide, and ``first_stage`` is ours.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import Encoder, EncoderSpec, Head


@dataclass(frozen=True, kw_only=True)
class SAGate(Method):
    """Two streams joined by separation-and-aggregation gates."""

    name = "sagate"
    title = "SA-Gate"
    version = 1
    summary = "gates between stages: cross-modal correction, a merged map, fed back to both"
    source = "SA-Gate of Chen et al., ECCV 2020 (arXiv 2007.09183); a classifier for its decoder"
    staged = True
    space = {
        "first_stage": IntDistribution(1, 4),  # from exchange all along, the paper's, to the last maps alone
        "reduction": CategoricalDistribution([4, 8, 16]),  # the paper's 16 and wider, for narrow encoders
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: The stage, 1 to 4, behind which the first gate is; there is one behind every later stage as well.
    first_stage: Annotated[int, Field(ge=1, le=4)] = 1
    #: The bottleneck of what a modality takes from the other is ``C / reduction`` wide, at least 4.
    reduction: Annotated[int, Field(ge=1, le=64)] = 16

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders with gates between their stages, one classifier."""
        return _SAGateNetwork(self, encoder, classes)


class Gate(nn.Module):
    """Two maps of `channels` each, corrected by each other and merged."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.for_texture, self.for_depth = (
            nn.Sequential(nn.Linear(2 * channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())
            for _ in range(2)
        )
        self.weigh = nn.Conv2d(2 * channels, 2, 1)

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Two ``(B, C, H, W)`` maps to both for the next stage, the merged one, and its weights ``(B, 2, H, W)``."""
        pooled = torch.cat([texture, depth], 1).mean((2, 3))
        separated = [
            texture + self.for_texture(pooled)[:, :, None, None] * depth,
            depth + self.for_depth(pooled)[:, :, None, None] * texture,
        ]
        weights = self.weigh(torch.cat(separated, 1)).float().softmax(1)
        merged = weights[:, :1] * texture + weights[:, 1:] * depth
        return (texture + merged) / 2, (depth + merged) / 2, merged, weights


class _SAGateNetwork(nn.Module):
    def __init__(self, method: SAGate, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture, self.depth = Encoder(encoder, 3), Encoder(encoder, method.depth_channels)
        channels = self.texture.channels
        self.before = method.first_stage - 1
        self.gates = nn.ModuleList(Gate(c, reduction=method.reduction) for c in channels[self.before :])
        self.head = Head(channels[-1], classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = faces.texture, faces.geometry(self.kind)
        for k, (texture_stage, depth_stage) in enumerate(zip(self.texture.stages, self.depth.stages, strict=True)):
            texture, depth = texture_stage(texture), depth_stage(depth)
            if k >= self.before:
                texture, depth, merged, weights = self.gates[k - self.before](texture, depth)
        return Output(self.head(merged), auxiliary_outputs={"importance": weights.mean((2, 3))})
