"""Joint tokens: one transformer over the tokens of both modalities at once, each of them asking all.

The single stream of ViLT (Kim, Son, Kim: "ViLT: Vision-and-Language Transformer Without Convolution or Region
Supervision", ICML 2021, arXiv 2102.03334), with the positions of both streams' last maps as tokens ``t`` and ``d``::

    z  = [c; t + k_texture; d + k_depth]      a class token, and a learnt vector for each modality
    z' = layer(z, context = z)                in every layer, see `baselines.tokens.AttentionLayer`
    y  = W norm(class token)                  after the last one

Importance is how the attention of the class token in the last layer divides between the modalities, the class token
itself left out.

Read: ``vilt/modules/vilt_module.py`` of the authors' code (github.com/dandelin/ViLT, commit 23e29d0). There tokens are
words and patches, without encoders before, and the transformer is a pretrained ViT of twelve layers; here, with
hundreds of scans, the suite's encoders lie below, and a few layers on top, with sinusoids for positions. The layer with
a tanh that it has between class token and classifier, BERT's for its pretraining, is left out.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.attention_maps import token_attention_map
from baselines.tokens import HEAD_WIDTH, AttentionLayer, Tokens
from baselines.two_streams import TwoStreams


@dataclass(frozen=True, kw_only=True)
class JointTokens(Method):
    """Self-attention over both streams' tokens."""

    name = "joint_tokens"
    title = "Joint tokens"
    version = 1
    summary = "one transformer over both streams' tokens at once"
    source = "the single stream of ViLT (Kim et al., ICML 2021, arXiv 2102.03334), on the suite's encoders"
    space = {
        "layers": IntDistribution(1, 4),  # the class token asks once, or again of what the others have asked meanwhile
        "width": IntDistribution(64, 256, step=64),  # from two heads to eight, half a ResNet-18's last map
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Transformer layers.
    layers: Annotated[int, Field(ge=1, le=12)] = 2
    #: Width of the tokens, a multiple of an attention head's.
    width: Annotated[int, Field(ge=HEAD_WIDTH, le=1024, multiple_of=HEAD_WIDTH)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, their maps as tokens, one transformer, one classifier."""
        return _JointTokensNetwork(self, encoder, classes)


class _JointTokensNetwork(TwoStreams):
    def __init__(self, method: JointTokens, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        self.texture_tokens = Tokens(self.texture.channels, method.width)
        self.depth_tokens = Tokens(self.depth.channels, method.width)
        self.class_token, self.texture_kind, self.depth_kind = (
            nn.Parameter(0.02 * torch.randn(1, 1, method.width)) for _ in range(3)
        )
        self.layers = nn.ModuleList(AttentionLayer(method.width) for _ in range(method.layers))
        self.norm = nn.LayerNorm(method.width)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(method.width, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture_map, depth_map = self.maps(faces)
        texture = self.texture_tokens(texture_map) + self.texture_kind
        depth = self.depth_tokens(depth_map) + self.depth_kind
        tokens = torch.cat([self.class_token.expand(texture.shape[0], -1, -1), texture, depth], 1)
        for layer in self.layers:
            tokens, weights = layer(tokens, tokens)
        to_texture, to_depth = weights[:, 0, 1:].float().split([texture.shape[1], depth.shape[1]], 1)
        auxiliary_outputs = {
            "importance": _shares(to_texture, to_depth),
            "attention_texture": token_attention_map(to_texture, *texture_map.shape[2:]),
            "attention_depth": token_attention_map(to_depth, *depth_map.shape[2:]),
        }
        logits = self.classifier(self.dropout(self.norm(tokens[:, 0])))
        return Output(logits, auxiliary_outputs=auxiliary_outputs)


def _shares(to_texture: Tensor, to_depth: Tensor) -> Tensor:
    """``(B, 2)`` shares of the attention paid to the tokens of either modality, texture first."""
    paid = torch.stack([to_texture.sum(1), to_depth.sum(1)], 1)
    return paid / paid.sum(1, keepdim=True)
