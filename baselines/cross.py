"""Cross-attention: every position of one modality asks every position of the other, in both directions.

The co-attention of Lu, Batra, Parikh, Lee: "ViLBERT", NeurIPS 2019, on the positions of both streams' feature maps at
a stage, in pre-norm form. In every layer, with tokens ``t`` and ``d`` of texture and depth, at once::

    t' = layer(t, context = d),  d' = layer(d, context = t)       see `baselines.tokens.AttentionLayer`
    y  = W norm([mean t; mean d])                                 after the last layer, of the last maps
    F  = W norm([t; d]) at each position                          at other stages, as many channels as the trunk has

Ours has no self-attention between, because the encoders mix each modality's own positions already.

Read: ``vilbert/vilbert.py`` of the authors' later code (github.com/facebookresearch/vilbert-multi-task, commit
0023cff); the paper is followed from memory. There layers are in post-norm form, with dropout and a width for each
modality, and a classifier reads the product, or the sum, of both pooled first tokens; here both modalities have one
width, and the means of all tokens are read side by side.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Output
from afnetm.model.encoder import EncoderSpec
from afnetm.model.trunk import Stages
from baselines.attention_maps import token_attention_map
from baselines.tokens import HEAD_WIDTH, AttentionLayer, Tokens
from baselines.two_streams import LAST, FusedStreams, StagedFusion


@dataclass(frozen=True, kw_only=True)
class CrossAttention(StagedFusion):
    """Cross-attention between the streams' tokens."""

    name = "cross"
    title = "Cross-attention"
    version = 1
    summary = "cross-attention between both streams' tokens, both directions"
    source = "co-attention of ViLBERT (Lu et al., NeurIPS 2019), pre-norm, without its self-attention"
    space = {
        "layers": IntDistribution(1, 3),  # one lets each ask the other once; more than three overfit hundreds of scans
        "width": IntDistribution(64, 256, step=64),  # from two heads to eight, half a ResNet-18's last map
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    dropout: Dropout = 0.1

    #: Layers of cross-attention, each in both directions.
    layers: Annotated[int, Field(ge=1, le=12)] = 1
    #: Width of the tokens, a multiple of an attention head's.
    width: Annotated[int, Field(ge=HEAD_WIDTH, le=1024, multiple_of=HEAD_WIDTH)] = 64
    #: The stages, 1 to 4 and ascending, whose maps are fused: 4 is the last map, of any encoder. From the first of them
    #: on one trunk goes on, to which each further fused map is added.
    fuse_stages: Annotated[Stages, Field(min_length=1)] = LAST

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, their maps as tokens, cross-attention, one classifier."""
        return _CrossAttentionNetwork(self, encoder, classes)


class CoAttention(nn.Module):
    """Two maps as tokens that have asked each other, and what attention was paid to."""

    def __init__(self, channels: int, *, width: int, layers: int) -> None:
        super().__init__()
        self.texture_tokens = Tokens(channels, width)
        self.depth_tokens = Tokens(channels, width)
        self.texture_layers = nn.ModuleList(AttentionLayer(width) for _ in range(layers))
        self.depth_layers = nn.ModuleList(AttentionLayer(width) for _ in range(layers))

    def forward(self, texture_map: Tensor, depth_map: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Two ``(B, C, H, W)`` maps to tokens ``(B, H * W, width)`` and the attention ``(B, H * W)`` to each."""
        texture, depth = self.texture_tokens(texture_map), self.depth_tokens(depth_map)
        for texture_layer, depth_layer in zip(self.texture_layers, self.depth_layers, strict=True):
            (texture, to_depth), (depth, to_texture) = texture_layer(texture, depth), depth_layer(depth, texture)
        return texture, depth, to_texture.mean(1), to_depth.mean(1)


class _CrossAttentionNetwork(FusedStreams):
    def __init__(self, method: CrossAttention, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, method.fuse_stages)
        width = 2 * method.width
        self.attentions = nn.ModuleList(
            CoAttention(channels, width=method.width, layers=method.layers) for channels in self.fused_channels
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in self.stages)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(width if self.stages == LAST else self.channels, classes)
        if self.stages != LAST:
            self.back = nn.ModuleList(nn.Linear(width, channels) for channels in self.fused_channels)

    def forward(self, faces: FaceBatch) -> Output:
        pairs = self.pairs(faces)
        asked = [attention(*pair) for attention, pair in zip(self.attentions, pairs, strict=True)]
        texture, depth, to_texture, to_depth = asked[-1]
        if self.stages == LAST:
            pooled = self.norms[0](torch.cat([texture.mean(1), depth.mean(1)], 1))
        else:
            fused = [
                back(norm(torch.cat(both[:2], 2))).transpose(1, 2).unflatten(2, pair[0].shape[2:])
                for back, norm, both, pair in zip(self.back, self.norms, asked, pairs, strict=True)
            ]
            pooled = self.last_map(fused).mean((2, 3))
        grid = pairs[-1][0].shape[2:]
        auxiliary_outputs = {
            "attention_texture": token_attention_map(to_texture, *grid),
            "attention_depth": token_attention_map(to_depth, *grid),
        }
        return Output(self.classifier(self.dropout(pooled)), auxiliary_outputs=auxiliary_outputs)
