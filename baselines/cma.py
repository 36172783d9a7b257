"""Mask-guided soft attention: each stream attends where it learns to, pulled towards the salient regions.

In the manner of CMANet ("Curvature-Aware Soft Mask Guided Attention Fusion Network for 2D+3D Facial Expression
Recognition", OpenReview EqVvKkdr_38, 2022). Only its abstract could be read, so this is a reading: a soft mask guides
an attention within each modality, and the fusion is "pixel-level" with "a larger field of view". Its mask comes from
curvature; ours is the salient mask as the map's cells see it (`afnetm.model.cells`), which makes it soft. With a
stream's feature map ``F`` (B, C, H, W) at a stage, the last unless said otherwise, and the mask ``M`` (B, 1, H, W)::

    a  = conv1x1(F),  A = sigmoid(a)                         the stream's attention, (B, 1, H, W)
    F' = F * (1 + A)
    w  = softmax of conv3x3([F'_texture; F'_depth])          over the two modalities, at every position
    y  = W pool(w_texture * F'_texture + w_depth * F'_depth)

and ``guidance * (H(M, a_texture) + H(M, a_depth)) / 2`` is added to the loss, with ``H`` the mean binary cross-entropy;
fused at several stages, the mean of theirs. Once trained, it reads no mask. No code of the authors' is known.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.cells import Cells, last_cells, stage_cells
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.trunk import Stages
from baselines.attention_maps import attention_map
from baselines.two_streams import LAST, FusedStreams, StagedFusion


@dataclass(frozen=True, kw_only=True)
class MaskGuidedAttention(StagedFusion):
    """Soft attention guided by the salient regions, and fusion position by position."""

    name = "cma"
    title = "CMA"
    version = 2
    reading = True
    summary = "soft attention pulled towards the salient regions, fusion position by position"
    source = "in the manner of CMANet, OpenReview EqVvKkdr_38 (2022); our reading of its abstract"
    reads_in_training = ("masks",)
    space = {
        "guidance": FloatDistribution(0.01, 1.0, log=True),  # from a nudge to as much as the classification counts
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: How much the distance between attention and mask counts in the loss.
    guidance: Annotated[float, Field(ge=0, le=100)] = 0.1
    #: The stages, 1 to 4 and ascending, whose maps are fused: 4 is the last map, of any encoder. From the first of them
    #: on one trunk goes on, to which each further fused map is added.
    fuse_stages: Annotated[Stages, Field(min_length=1)] = LAST

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, an attention on each, the fusion of their maps, one classifier."""
        return _MaskGuidedNetwork(self, encoder, classes)


class SoftAttention(nn.Module):
    """A stream's attention to its own positions: ``(B, C, H, W)`` to the attended map and the attention's logits."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, C, H, W)`` and ``(B, 1, H, W)``."""
        logits = self.look(x)
        return x * (1 + logits.sigmoid()), logits


class MaskGuidedFusion(nn.Module):
    """At one stage, the attention of both streams, and their fusion position by position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.texture = SoftAttention(channels)
        self.depth = SoftAttention(channels)
        self.weigh = nn.Conv2d(2 * channels, 2, 3, padding=1)

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The fused map ``(B, C, H, W)``, the weights and the attentions' logits, ``(B, 2, H, W)`` float32 each."""
        texture, texture_logits = self.texture(texture)
        depth, depth_logits = self.depth(depth)
        weights = self.weigh(torch.cat([texture, depth], 1)).float().softmax(1)
        fused = weights[:, :1] * texture + weights[:, 1:] * depth
        return fused, weights, torch.cat([texture_logits, depth_logits], 1).float()


class _MaskGuidedNetwork(FusedStreams):
    def __init__(self, method: MaskGuidedAttention, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, method.fuse_stages)
        self.guidance = method.guidance
        cells = stage_cells(encoder) if method.needs_stages else ()
        self.cells = [cells[stage - 1] for stage in self.stages] if cells else [last_cells(encoder)]
        self.fusions = nn.ModuleList(MaskGuidedFusion(channels) for channels in self.fused_channels)
        self.head = Head(self.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        pairs = zip(self.fusions, self.pairs(faces), strict=True)
        fused, weights, logits = zip(*(fuse(*pair) for fuse, pair in pairs), strict=True)
        auxiliary_outputs = {
            "importance": torch.stack([one.mean((2, 3)) for one in weights]).mean(0),
            "attention_texture": attention_map(logits[-1][:, 0].sigmoid()),
            "attention_depth": attention_map(logits[-1][:, 1].sigmoid()),
        }
        loss = None
        if self.training:
            apart = [mask_distance(one, faces.salient, cells) for one, cells in zip(logits, self.cells, strict=True)]
            loss = self.guidance * torch.stack(apart).mean()
        return Output(self.head(self.last_map(fused)), auxiliary_outputs=auxiliary_outputs, auxiliary_loss=loss)


def mask_distance(logits: Tensor, mask: Tensor, cells: Cells) -> Tensor:
    """Mean binary cross-entropy of logits ``(B, M, H, W)`` with a mask ``(B, 1, S, S)`` as the cells see it."""
    return binary_cross_entropy_with_logits(logits, cells.pooled(mask, logits).expand_as(logits))
