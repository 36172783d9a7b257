"""AFNet-M: two streams with mask attention, fused by importance weights at a convolutional stage, one trunk from there.

Sui, Li, Zhu, Zhao: "AFNet-M: Adaptive Fusion Network with Masks for 2D+3D Facial Expression Recognition", ICIP 2023
(arXiv 2205.11785). How MA and IWC are read: `afnetm.model.attention`, `afnetm.model.weighting`. That both streams end
at the fusing stage, so that only one trunk goes on, is our reading of the paper's "fewer parameters".
"""

from dataclasses import dataclass
from typing import Annotated

from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.faces import Faces
from afnetm.method import Method, Output
from afnetm.model.attention import MaskAttention
from afnetm.model.encoder import Encoder, EncoderSpec, Head
from afnetm.model.weighting import AdaptiveFusion


@dataclass(frozen=True, kw_only=True)
class AFNetM(Method):
    """AFNet-M with `affine` mask attention and importance weights per channel."""

    name = "afnetm"
    version = 1
    summary = "mask attention in both streams, adaptive fusion at a convolutional stage"
    source = "Sui et al., arXiv 2205.11785 (ICIP 2023); forms of MA and IWC are our reading"
    space = {
        "fuse_stage": IntDistribution(2, 4),  # at stage 1 edges are not yet parts of a face
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small trunks stop learning
    }

    #: The stage, 1 to 4, whose feature maps are fused; mask attention follows every stage up to it.
    fuse_stage: Annotated[int, Field(ge=1, le=4)] = 3

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """The network; see `AFNetMNetwork`."""
        return AFNetMNetwork(self, encoder, classes)


class AFNetMNetwork(nn.Module):
    """The network of `AFNetM`. Extras: ``importance`` ``(B, 2)``, the weights averaged over channels, texture first."""

    def __init__(self, method: AFNetM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        trunk = Encoder(encoder, 3)
        fuse = method.fuse_stage
        self.kind = method.geometry
        self.texture = trunk.stages[:fuse]
        self.depth = Encoder(encoder, method.depth_channels).stages[:fuse]
        self.texture_attention = nn.ModuleList(MaskAttention(c) for c in trunk.channels[:fuse])
        self.depth_attention = nn.ModuleList(MaskAttention(c) for c in trunk.channels[:fuse])
        self.fusion = AdaptiveFusion(trunk.channels[fuse - 1])
        self.trunk = trunk.stages[fuse:]
        self.head = Head(trunk.channels[-1], classes, method.dropout)

    def forward(self, faces: Faces) -> Output:
        """Logits and importance weights of a batch."""
        mask = faces.salient
        texture, depth = faces.texture, faces.geometry(self.kind)
        for stage, attention in zip(self.texture, self.texture_attention, strict=True):
            texture = attention(stage(texture), mask)
        for stage, attention in zip(self.depth, self.depth_attention, strict=True):
            depth = attention(stage(depth), mask)
        fused, weights = self.fusion(texture, depth)
        for stage in self.trunk:
            fused = stage(fused)
        return Output(self.head(fused), extras={"importance": weights.mean(2)})
