"""AFNet-M: two streams with mask attention, fused by importance weights at a convolutional stage, one trunk from there.

Sui, Li, Zhu, Zhao: "AFNet-M: Adaptive Fusion Network with Masks for 2D+3D Facial Expression Recognition", ICIP 2023
(arXiv 2205.11785). Its method section could not be read and no code is published, so each defensible reading of a part
is an option here, said in full where the part is: `afnetm.model.attention` (MA), `afnetm.data.masks` (where masks come
from), `afnetm.model.weighting` (IWC). That both streams end at the fusing stage, so that only one trunk goes on, is our
reading of the paper's "fewer parameters": these are saved by where the streams end, 38 % of late fusion's with
ResNet-18s that end at stage 3; MA and IWC add 1.9 %. With ``streams = "continue"`` both go on to their ends beside the
trunk, which is then a third stream, and the classifier reads the pooled last maps of all three side by side.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.data.maps import REGIONS
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Input, Method, Output
from afnetm.model.attention import AttentionKind, mask_attention, relative_change
from afnetm.model.cells import Cells, stage_cells
from afnetm.model.encoder import Encoder, EncoderSpec, Head
from afnetm.model.trunk import Stages, Trunk, check_stages
from afnetm.model.weighting import WeightingInput, WeightingKind, WeightingNorm, fusion

SomeStages = Annotated[Stages, Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class AFNetM(Method):
    """AFNet-M in all its readings; the defaults are affine mask attention and importance weights per channel.

    A search tunes the numbers alone: which reading is right is what an ablation asks, one at a time.
    """

    name = "afnetm"
    title = "AFNet-M"
    version = 3
    staged = True
    reading = True
    summary = "mask attention in both streams, adaptive fusion at a convolutional stage"
    source = "Sui et al., arXiv 2205.11785 (ICIP 2023); forms of MA and IWC are our reading"
    space = {
        "reduction": IntDistribution(4, 16, log=True),  # around squeeze-and-excitation's 8 to 16 (Hu et al., CVPR 2018)
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small trunks stop learning
    }

    #: How masks adjust a map: where they are, by a scale and a shift computed from what is seen there ("affine"); by
    #: such a scale where they are and another where they are not ("scale"); everywhere, by a scale and a shift computed
    #: from the masks themselves ("mask"); or not at all ("none").
    attention: AttentionKind = "affine"
    #: The stages that mask attention follows: "all" of the streams' own, or some of them.
    attention_stages: Literal["all"] | SomeStages = "all"
    #: What has an importance weight of its own: a "channel", a "sample" (one scalar a modality), a "position", or
    #: nothing ("none": the mean of both modalities).
    weighting: WeightingKind = "channel"
    #: What importance weights are computed from: of both maps all ("map"), or what is in the masks ("salient").
    weighting_input: WeightingInput = "map"
    #: How they are made of what is computed: weights that sum to 1 ("softmax"), or one for each by itself ("sigmoid").
    weighting_norm: WeightingNorm = "softmax"
    #: What attention is given of the masks: the "union" of the salient regions, or a plane for each of the "regions".
    mask_planes: Literal["union", "regions"] = "union"
    #: The stages, 1 to 4 and ascending, whose maps are fused. The trunk begins at the first of them, and each further
    #: fused map is added to the trunk's.
    fuse_stages: SomeStages = (3,)
    #: Whether the streams "end" at the last of those stages, or "continue" beside the trunk, for the classifier to
    #: read as well.
    streams: Literal["end", "continue"] = "end"
    #: How much narrower the bottlenecks of attention and weighting are than what they read.
    reduction: Annotated[int, Field(ge=1, le=64)] = 4

    def __post_init__(self) -> None:
        """Refuses what types cannot: stages out of order, and a reading that another part leaves nothing to do.

        Otherwise settings that compute the same would be trained twice and compared as if they were two.

        Raises:
            UserError: names the key, its value and what is allowed.
        """
        for name in ("fuse_stages", "attention_stages"):
            if (stages := getattr(self, name)) != "all":
                check_stages(name, stages)
        self._check_attention()
        self._check_weighting()

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Masks only where something attends to them, or weighs by what is in them."""
        masked = self.attention != "none" or self.weighting_input == "salient"
        return (*self.reads, "masks") if masked else super().inputs

    @property
    def last_stage(self) -> int:
        """Last stage of the streams."""
        return 4 if self.streams == "continue" else self.fuse_stages[-1]

    @property
    def attended(self) -> tuple[int, ...]:
        """The stages that mask attention follows."""
        if self.attention == "none":
            return ()
        return tuple(range(1, self.last_stage + 1)) if self.attention_stages == "all" else self.attention_stages

    def _check_attention(self) -> None:
        masked = self.weighting_input == "salient"
        if self.attention == "none" and self.mask_planes != "union" and not masked:
            raise UserError(
                f"mask_planes = '{self.mask_planes}': nothing reads masks where attention = 'none'; leave it out"
            )
        if self.attention == "scale" and self.masks == "ones":
            raise UserError("masks = 'ones': leaves nothing for the second vector of attention = 'scale'; use 'affine'")
        if self.attention_stages == "all":
            return
        said = f"attention_stages = {list(self.attention_stages)}"
        if self.attention == "none":
            raise UserError(f"{said}: there is none to place where attention = 'none'; leave it out")
        if self.attention_stages[-1] > self.last_stage:
            raise UserError(f"{said}: the streams end at stage {self.last_stage}")
        if len(self.attention_stages) == self.last_stage:
            raise UserError(f"{said}: these are all stages of the streams; leave it out")

    def _check_weighting(self) -> None:
        if self.weighting == "none" and (self.weighting_input, self.weighting_norm) != ("map", "softmax"):
            key = "weighting_norm" if self.weighting_input == "map" else "weighting_input"
            raise UserError(
                f"{key} = '{getattr(self, key)}': there are no weights where weighting = 'none'; leave it out"
            )
        if self.weighting_input == "salient" and self.masks == "ones":
            raise UserError("weighting_input = 'salient': is all of the map where masks = 'ones'; use 'map'")

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """The network; see `AFNetMNetwork`."""
        return AFNetMNetwork(self, encoder, classes)


class AFNetMNetwork(nn.Module):
    """The network of `AFNetM`.

    Extras:
        importance: ``(B, 2)``, texture first, the weights averaged over channels, positions and fusing stages, as
            parts of their sum; where modalities are weighed.
        attention_texture, attention_depth: ``(B, h, w)``, how much the last mask attention of each stream changed its
            map (`afnetm.model.attention.relative_change`); where there is any.
    """

    def __init__(self, method: AFNetM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.method = method
        trunk, cells = Trunk(encoder, method.fuse_stages), stage_cells(encoder)
        self.cells = cells
        self.texture = _Stream(Encoder(encoder, 3), cells, method)
        self.depth = _Stream(Encoder(encoder, method.depth_channels), cells, method)
        self.fusions = nn.ModuleList(
            fusion(method.weighting, channels, norm=method.weighting_norm, reduction=method.reduction)
            for channels in trunk.fused_channels
        )
        self.trunk = trunk
        ends = 3 if method.streams == "continue" else 1
        self.head = Head(ends * trunk.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        """Logits and auxiliary outputs of a batch."""
        masks = faces.salient if self.method.mask_planes == "union" else faces.masks
        texture, texture_change = self.texture(faces.texture, masks)
        depth, depth_change = self.depth(faces.geometry(self.method.geometry), masks)
        fused, weights = [], []
        for stage, fuse in zip(self.method.fuse_stages, self.fusions, strict=True):
            maps = texture[stage - 1], depth[stage - 1]
            salient = None
            if self.method.weighting_input == "salient":
                salient = self.cells[stage - 1].pooled(masks.amax(1, keepdim=True), maps[0])
            both, weight = fuse(*maps, salient)
            fused.append(both)
            weights.append(weight)
        x = self.trunk(fused)
        if self.method.streams == "continue":
            x = torch.cat([x, texture[-1], depth[-1]], 1)
        auxiliary_outputs: dict[str, Tensor] = {}
        if self.method.weighting != "none":
            share = torch.stack([weight.mean((2, 3, 4)) for weight in weights]).mean(0)
            auxiliary_outputs["importance"] = share / share.sum(1, keepdim=True).clamp_min(1e-6)
        if texture_change is not None and depth_change is not None:
            auxiliary_outputs |= {"attention_texture": texture_change, "attention_depth": depth_change}
        return Output(self.head(x), auxiliary_outputs=auxiliary_outputs)


class _Stream(nn.Module):
    """The stages of one modality up to its end, some or all of them followed by mask attention."""

    def __init__(self, encoder: Encoder, cells: tuple[Cells, ...], method: AFNetM) -> None:
        super().__init__()
        self.stages = encoder.stages[: method.last_stage]
        self.attentions = nn.ModuleList(
            mask_attention(
                method.attention if stage in method.attended else "none",
                encoder.channels[stage - 1],
                cells=cells[stage - 1],
                planes=1 if method.mask_planes == "union" else len(REGIONS),
                reduction=method.reduction,
            )
            for stage in range(1, method.last_stage + 1)
        )
        self.shown = method.attended[-1] if method.attended else None

    def forward(self, x: Tensor, masks: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """The map after each stage, and what the last attention changed; None in training, where nobody looks."""
        maps: list[Tensor] = []
        change = None
        for stage, (block, attention) in enumerate(zip(self.stages, self.attentions, strict=True), start=1):
            seen = block(x)
            x = attention(seen, masks)
            maps.append(x)
            if stage == self.shown and not self.training:
                change = relative_change(seen, x)
        return maps, change
