"""Cross-attention: every position of one modality asks every position of the other, in both directions.

The co-attention of Lu, Batra, Parikh, Lee: "ViLBERT", NeurIPS 2019, on the positions of both streams' last feature
maps, in pre-norm form. In every layer, with tokens ``t`` and ``d`` of texture and depth, at once::

    t' = layer(t, context = d),  d' = layer(d, context = t)       see `baselines.tokens.AttentionLayer`
    y  = W norm([mean t; mean d])                                 after the last layer

Ours has no self-attention between, because the encoders mix each modality's own positions already.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.attention_maps import token_attention_map
from baselines.tokens import HEAD_WIDTH, AttentionLayer, Tokens
from baselines.two_streams import TwoStreams


@dataclass(frozen=True, kw_only=True)
class CrossAttention(Method):
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
    tuned = "study defaults/cross, trial 5"

    dropout: Dropout = 0.33

    #: Layers of cross-attention, each in both directions.
    layers: Annotated[int, Field(ge=1, le=12)] = 1
    #: Width of the tokens, a multiple of an attention head's.
    width: Annotated[int, Field(ge=HEAD_WIDTH, le=1024, multiple_of=HEAD_WIDTH)] = 64

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, their maps as tokens, cross-attention, one classifier."""
        return _CrossAttentionNetwork(self, encoder, classes)


class _CrossAttentionNetwork(TwoStreams):
    def __init__(self, method: CrossAttention, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        self.texture_tokens = Tokens(self.texture.channels, method.width)
        self.depth_tokens = Tokens(self.depth.channels, method.width)
        self.texture_layers = nn.ModuleList(AttentionLayer(method.width) for _ in range(method.layers))
        self.depth_layers = nn.ModuleList(AttentionLayer(method.width) for _ in range(method.layers))
        self.norm = nn.LayerNorm(2 * method.width)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(2 * method.width, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture_map, depth_map = self.maps(faces)
        texture, depth = self.texture_tokens(texture_map), self.depth_tokens(depth_map)
        for texture_layer, depth_layer in zip(self.texture_layers, self.depth_layers, strict=True):
            (texture, to_depth), (depth, to_texture) = texture_layer(texture, depth), depth_layer(depth, texture)
        pooled = self.norm(torch.cat([texture.mean(1), depth.mean(1)], 1))
        auxiliary_outputs = {
            "attention_texture": token_attention_map(to_texture.mean(1), *texture_map.shape[2:]),
            "attention_depth": token_attention_map(to_depth.mean(1), *depth_map.shape[2:]),
        }
        return Output(self.classifier(self.dropout(pooled)), auxiliary_outputs=auxiliary_outputs)
