"""Channel exchange: one network for both modalities, in which channels of small scale are taken from the other one.

Wang, Huang, Sun, Xu, Rong, Huang: "Deep Multimodal Fusion by Channel Exchanging", NeurIPS 2020 (CEN, arXiv 2011.05005).
Convolutions are shared, normalisations are each modality's own. Behind one of these in every block, with the scales
``g_m`` of modality ``m``, channel ``c`` of its map ``x_m`` is::

    x_m,c = x_m,c       where |g_m,c| >= threshold
            x_other,c   elsewhere

To the loss is added ``sparsity`` times the sum of ``|g|`` over the first half of texture's channels and the second half
of depth's, so that each modality gives away channels that the other keeps. Either modality answers by the shared
classifier, and is learnt from; what is asked is their mean by ``softmax(a)``, from which ``a`` alone learns. Importance
is ``softmax(a)``, the same for every face.

Read: ``models/modules.py``, ``models/model.py``, ``main.py`` and ``config.py`` in ``semantic_segmentation`` of the
authors' code (github.com/yikaiw/CEN, commit 0088d87), from which threshold, halves and three cross-entropies are. There
channels are exchanged behind the second of three normalisations of a bottleneck; here behind the last but one of any
block, or its only one, which is the first in a ResNet-18's block, where that code exchanges none. Depth has as many
channels as texture there; here a 1 x 1 convolution gives it three. The decoder is a classifier here.

There a pretrained network's scales have hundreds of epochs to reach the threshold, with a ``sparsity`` of 2e-4 for
each of three outputs, 6e-4 in all. From a new network's scales, all of them 1, the few hundred steps of a training here
never would, and nothing would be exchanged: without given weights, the scales that decide it begin at 0.25.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution
from pydantic import Field
from timm.layers import LayerNorm2d
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import Encoder, EncoderSpec, Head, Stage

#: Scales by which channels are exchanged begin so in a new network, within reach of the threshold.
FIRST_SCALE = 0.25
#: Normalisations that may have a scale for each channel.
Norm = _BatchNorm | nn.LayerNorm | nn.GroupNorm


@dataclass(frozen=True, kw_only=True)
class CEN(Method):
    """One network with normalisations of each modality's own, which exchanges channels."""

    name = "cen"
    title = "CEN"
    version = 1
    summary = "shared convolutions; channels of small scale are taken from the other modality"
    source = "CEN of Wang et al., NeurIPS 2020 (arXiv 2011.05005); in any block of the suite's encoder"
    staged = True
    no_onnx = "texture and depth pass as one batch that is cut in two, whose size the exporter fixes"
    space = {
        "sparsity": FloatDistribution(1e-4, 1e-2, log=True),  # around the paper's; with the highest all halves go
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: How much the sum of the scales counts in the loss.
    sparsity: Annotated[float, Field(ge=0, le=10)] = 6e-4
    #: Below which scale a channel is taken from the other modality.
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.02

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """One encoder and classifier for both modalities."""
        return _CENNetwork(self, encoder, classes)


class Exchange(nn.Module):
    """A normalisation of each modality's own, in a network that is given both at once: texture's faces, then depth's.

    Args:
        texture: a normalisation with scales, of texture.
        depth: one like it.
        threshold: below which scale a channel is taken from the other modality; 0 for none.
    """

    def __init__(self, texture: Norm, depth: Norm, threshold: float) -> None:
        super().__init__()
        self.texture, self.depth, self.threshold = texture, depth, threshold
        self.last = isinstance(texture, nn.LayerNorm) and not isinstance(texture, LayerNorm2d)

    def forward(self, x: Tensor) -> Tensor:
        """``(2 B, C, H, W)``, or ``(2 B, H, W, C)`` for a layer norm, to the same."""
        texture, depth = x.chunk(2)
        texture, depth = self.texture(texture), self.depth(depth)
        if self.threshold:
            keeps_texture, keeps_depth = (self._keeps(norm) for norm in (self.texture, self.depth))
            texture, depth = torch.where(keeps_texture, texture, depth), torch.where(keeps_depth, depth, texture)
        return torch.cat([texture, depth])

    def scales(self) -> Tensor:
        """Sum of those scales that are to become small, a scalar."""
        texture, depth = self.texture.weight.abs(), self.depth.weight.abs()
        half = len(texture) // 2
        return texture[:half].sum() + depth[half:].sum()

    def _keeps(self, norm: Norm) -> Tensor:
        keeps: Tensor = norm.weight.abs() >= self.threshold
        return keeps if self.last else keeps[:, None, None]


class _CENNetwork(nn.Module):
    def __init__(self, method: CEN, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind, self.sparsity = method.geometry, method.sparsity
        self.as_texture = nn.Conv2d(method.depth_channels, 3, 1)
        shared = Encoder(encoder, 3)
        self.exchanges = _exchange(shared, Encoder(encoder, 3), method.threshold)
        if not self.exchanges:
            raise UserError(f"encoder '{encoder.name}' has no normalisations with scales; cen takes channels by them")
        self.encoder = nn.Sequential(*shared.stages)
        # The last map of either modality passes through a stage without layers, so that its evidence can be shown.
        last = shared.stages[-1]
        assert isinstance(last, Stage)
        self.texture, self.depth = (
            nn.ModuleList([Stage().marked(pretrained=last.pretrained, frozen=last.frozen)]) for _ in range(2)
        )
        self.head = Head(shared.channels[-1], classes, method.dropout)
        self.balance = nn.Parameter(torch.zeros(2))

    def forward(self, faces: FaceBatch) -> Output:
        both = torch.cat([faces.texture, self.as_texture(faces.geometry(self.kind))])
        texture_map, depth_map = self.encoder(both).chunk(2)
        texture = self.head(self.texture[-1](texture_map)).float()
        depth = self.head(self.depth[-1](depth_map)).float()
        share = self.balance.softmax(0)
        loss = None
        if self.training:
            loss = self.sparsity * torch.stack([exchange.scales() for exchange in self.exchanges]).sum()
        return Output(
            share[0] * texture + share[1] * depth,
            supervised_logits=(texture, depth, share[0] * texture.detach() + share[1] * depth.detach()),
            auxiliary_outputs={"importance": share.expand(len(texture), 2)},
            auxiliary_loss=loss,
        )


def _exchange(encoder: Encoder, other: Encoder, threshold: float) -> list[Exchange]:
    """Gives depth the normalisations of `other`, texture those of `encoder`; those that exchange, one a block."""
    blocks = [block for stage in encoder.blocks for block in stage]
    chosen = [norms[-2:][0] for norms in ([norm for _, _, norm in _norms(block)] for block in blocks) if norms]
    exchanges = []
    pairs = zip(list(_norms(encoder, shortcuts=True)), _norms(other, shortcuts=True), strict=True)
    for (parent, name, norm), (_, _, depth) in pairs:
        exchange = Exchange(norm, depth, threshold if any(norm is one for one in chosen) else 0.0)
        setattr(parent, name, exchange)
        if exchange.threshold:
            exchanges.append(exchange)
            if not encoder.stages[0].pretrained:
                nn.init.constant_(exchange.texture.weight, FIRST_SCALE)
                nn.init.constant_(exchange.depth.weight, FIRST_SCALE)
    return exchanges


def _norms(module: nn.Module, *, shortcuts: bool = False) -> Iterator[tuple[nn.Module, str, Norm]]:
    """Normalisations with scales within `module`, each with what holds it and its name there."""
    for name, child in module.named_children():
        if isinstance(child, Norm) and child.weight is not None:
            yield module, name, child
        elif shortcuts or name != "downsample":
            yield from _norms(child, shortcuts=shortcuts)
