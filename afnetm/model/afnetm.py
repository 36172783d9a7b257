"""AFNet-M: two streams with mask attention, fused by importance weights at a convolutional stage, one trunk from there.

Sui, Li, Zhu, Zhao: "AFNet-M: Adaptive Fusion Network with Masks for 2D+3D Facial Expression Recognition", ICIP 2023
(arXiv 2205.11785). Its method section could not be read and no code is published, so each defensible reading of a part
is an option here, said in full where the part is: `afnetm.model.attention` (MA), `afnetm.model.masks` (what MA is
given), `afnetm.model.weighting` (IWC). That both streams end at the fusing stage, so that only one trunk goes on, is
our reading of the paper's "fewer parameters".
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.attention import AttentionKind, mask_attention, relative_change
from afnetm.model.encoder import Encoder, EncoderSpec, Head
from afnetm.model.masks import MASKS, MaskKind
from afnetm.model.weighting import WeightingKind, fusion


@dataclass(frozen=True, kw_only=True)
class AFNetM(Method):
    """AFNet-M in all its readings; the defaults are affine mask attention and importance weights per channel.

    A search tunes the numbers alone: which reading is right is what an ablation asks, one at a time.
    """

    name = "afnetm"
    title = "AFNet-M"
    version = 2
    staged = True
    summary = "mask attention in both streams, adaptive fusion at a convolutional stage"
    source = "Sui et al., arXiv 2205.11785 (ICIP 2023); forms of MA and IWC are our reading"
    space = {
        "reduction": IntDistribution(4, 16, log=True),  # around squeeze-and-excitation's 8 to 16 (Hu et al., CVPR 2018)
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small trunks stop learning
    }
    tuned = "study defaults/afnetm, trial 2"

    dropout: Dropout = 0.066

    #: How masks adjust a map: by a scale and a shift ("affine"), by a scale where they are and another where they are
    #: not ("scale"), or not at all ("none").
    attention: AttentionKind = "affine"
    #: What has an importance weight of its own: a "channel", a "sample" (one scalar a modality), a "position", or
    #: nothing ("none": the mean of both modalities).
    weighting: WeightingKind = "channel"
    #: What attention is given: the union of the salient regions ("landmarks"), a plane for each of them ("regions"),
    #: the same "ellipse" for all faces, blobs in "random" places, or "ones". The last three know no landmarks.
    masks: MaskKind = "landmarks"
    #: The stages, 1 to 4 and ascending, whose maps are fused. Mask attention follows every stage up to the last of
    #: them, where the streams end; the trunk begins at the first, and each further fused map is added to the trunk's.
    fuse_stages: Annotated[tuple[Annotated[int, Field(ge=1, le=4)], ...], Field(min_length=1)] = (3,)
    #: How much narrower the bottlenecks of attention and weighting are than what they read.
    reduction: Annotated[int, Field(ge=1, le=64)] = 4

    def __post_init__(self) -> None:
        """Refuses what types cannot: stages out of order, and a reading that another part leaves nothing to do.

        Otherwise settings that compute the same would be trained twice and compared as if they were two.

        Raises:
            UserError: names the key, its value and what is allowed.
        """
        if list(self.fuse_stages) != sorted(set(self.fuse_stages)):
            raise UserError(f"fuse_stages = {list(self.fuse_stages)}: stages ascend, each once, for instance [1, 3]")
        if self.attention == "none" and self.masks != "landmarks":
            raise UserError(f"masks = '{self.masks}': nothing reads masks where attention = 'none'; leave it out")
        if self.attention == "scale" and self.masks == "ones":
            raise UserError("masks = 'ones': leaves nothing for the second vector of attention = 'scale'; use 'affine'")

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """The network; see `AFNetMNetwork`."""
        return AFNetMNetwork(self, encoder, classes)


class AFNetMNetwork(nn.Module):
    """The network of `AFNetM`.

    Extras:
        importance: ``(B, 2)``, texture first, the weights averaged over channels, positions and fusing stages; where
            modalities are weighed.
        attention_texture, attention_depth: ``(B, h, w)``, how much the last mask attention of each stream changed its
            map (`afnetm.model.attention.relative_change`); where there is any.
    """

    def __init__(self, method: AFNetM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.method = method
        first, last = method.fuse_stages[0], method.fuse_stages[-1]
        trunk = Encoder(encoder, 3)
        self.texture = _Stream(Encoder(encoder, 3), last, method)
        self.depth = _Stream(Encoder(encoder, method.depth_channels), last, method)
        self.fusions = nn.ModuleList(
            fusion(method.weighting, trunk.channels[stage - 1], reduction=method.reduction)
            for stage in method.fuse_stages
        )
        self.trunk = trunk.stages[first:]
        self.head = Head(trunk.channels[-1], classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        """Logits and auxiliary outputs of a batch."""
        masks = MASKS[self.method.masks](faces)
        texture, texture_change = self.texture(faces.texture, masks)
        depth, depth_change = self.depth(faces.geometry(self.method.geometry), masks)
        stages = self.method.fuse_stages
        fused, weights = {}, []
        for stage, fuse in zip(stages, self.fusions, strict=True):
            fused[stage], weight = fuse(texture[stage - 1], depth[stage - 1])
            weights.append(weight)
        x = fused[stages[0]]
        for stage, block in enumerate(self.trunk, start=stages[0] + 1):
            x = block(x)
            if stage in fused:
                x = x + fused[stage]
        auxiliary_outputs: dict[str, Tensor] = {}
        if self.method.weighting != "none":
            auxiliary_outputs["importance"] = torch.stack([weight.mean((2, 3, 4)) for weight in weights]).mean(0)
        if self.method.attention != "none" and texture_change is not None and depth_change is not None:
            auxiliary_outputs |= {"attention_texture": texture_change, "attention_depth": depth_change}
        return Output(self.head(x), auxiliary_outputs=auxiliary_outputs)


class _Stream(nn.Module):
    """The stages of one modality up to the last fusing one, each followed by mask attention."""

    def __init__(self, encoder: Encoder, last: int, method: AFNetM) -> None:
        super().__init__()
        self.stages = encoder.stages[:last]
        self.attentions = nn.ModuleList(
            mask_attention(method.attention, channels, reduction=method.reduction)
            for channels in encoder.channels[:last]
        )

    def forward(self, x: Tensor, masks: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """The map after each stage, and what the last attention changed; None in training, where nobody looks."""
        maps: list[Tensor] = []
        for stage, attention in zip(self.stages, self.attentions, strict=True):
            seen = stage(x)
            x = attention(seen, masks)
            maps.append(x)
        return maps, None if self.training else relative_change(seen, x)
