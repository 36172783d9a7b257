"""Attention bottlenecks: two token streams that exchange only through a few shared tokens.

Nagrani, Yang, Arnab, Jansen, Schmid, Sun: "Attention Bottlenecks for Multimodal Fusion", NeurIPS 2021 (MBT). Tokens are
the positions of each stream's last feature map, and a class token. In every layer, with the tokens ``z_m`` of modality
``m`` and the bottleneck ``b``::

    [z_m'; b_m] = layer_m([z_m; b])         self-attention, see `baselines.tokens.AttentionLayer`
    b'          = (b_texture + b_depth) / 2
    y_m         = W norm(class token of m)                        after the last layer, with one W and norm for both
    y           = mean over m of y_m

In training either modality's ``y_m`` has a cross-entropy of its own, and the loss is their mean; ``y`` is what is asked
afterwards.

Read: ``model.py`` of the authors' code (github.com/google-research/scenic, commit 03c3032, ``scenic/projects/mbt``),
from which this loss is. There ``W`` starts at zero, on which a training of few steps spends many of them; here as any
layer. There the whole network is a pretrained transformer that exchanges in its later layers, with learnt positions and
dropout in every layer. Here the suite's encoders lie below, convolutional where the suite's are, positions are
sinusoids, and every transformer layer on top exchanges.
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
from afnetm.model.stream import Stream
from baselines.attention_maps import token_attention_map
from baselines.tokens import HEAD_WIDTH, AttentionLayer, Tokens


@dataclass(frozen=True, kw_only=True)
class Bottleneck(Method):
    """Attention bottlenecks between the streams' tokens."""

    name = "mbt"
    title = "MBT"
    version = 2
    summary = "transformers on both streams' tokens that exchange through a few shared ones"
    source = "MBT of Nagrani et al., NeurIPS 2021; on top of the suite's encoders"
    space = {
        "tokens": IntDistribution(1, 16, log=True),  # around the paper's 4; it found many more no better
        "layers": IntDistribution(2, 4),  # what one modality leaves in a layer, the other reads in the next
        "width": IntDistribution(64, 256, step=64),  # from two heads to eight, half a ResNet-18's last map
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Bottleneck tokens.
    tokens: Annotated[int, Field(ge=1, le=256)] = 4
    #: Transformer layers of each stream.
    layers: Annotated[int, Field(ge=2, le=12)] = 2
    #: Width of the tokens, a multiple of an attention head's.
    width: Annotated[int, Field(ge=HEAD_WIDTH, le=1024, multiple_of=HEAD_WIDTH)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, their maps as tokens, transformer layers with a bottleneck between, one classifier for both."""
        return _BottleneckNetwork(self, encoder, classes)


class TokenStream(nn.Module):
    """One modality's encoder, class token and transformer layers."""

    def __init__(self, method: Bottleneck, encoder: EncoderSpec, in_channels: int) -> None:
        super().__init__()
        self.stream = Stream(encoder, in_channels)
        self.tokens = Tokens(self.stream.channels, method.width)
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, method.width))
        self.layers = nn.ModuleList(AttentionLayer(method.width) for _ in range(method.layers))

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """A picture to its tokens ``(B, 1 + H * W, width)``, the class token first, and ``(H, W)``."""
        x = self.stream(x)
        class_token = self.class_token.expand(x.shape[0], -1, -1)
        return torch.cat([class_token, self.tokens(x)], 1), (x.shape[2], x.shape[3])


class _BottleneckNetwork(nn.Module):
    def __init__(self, method: Bottleneck, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture = TokenStream(method, encoder, 3)
        self.depth = TokenStream(method, encoder, method.depth_channels)
        self.bottleneck = nn.Parameter(0.02 * torch.randn(1, method.tokens, method.width))
        self.norm = nn.LayerNorm(method.width)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(method.width, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, texture_grid = self.texture(faces.texture)
        depth, depth_grid = self.depth(faces.geometry(self.kind))
        shared = self.bottleneck.expand(texture.shape[0], -1, -1)
        for texture_layer, depth_layer in zip(self.texture.layers, self.depth.layers, strict=True):
            texture, texture_shared, in_texture = exchange(texture_layer, texture, shared)
            depth, depth_shared, in_depth = exchange(depth_layer, depth, shared)
            shared = (texture_shared + depth_shared) / 2
        own = tuple(self.classifier(self.dropout(self.norm(tokens[:, 0]))) for tokens in (texture, depth))
        auxiliary_outputs = {
            "attention_texture": token_attention_map(in_texture, *texture_grid),
            "attention_depth": token_attention_map(in_depth, *depth_grid),
        }
        return Output(
            (own[0] + own[1]) / 2,
            supervised_logits=own,
            supervised_weights=(0.5, 0.5),
            auxiliary_outputs=auxiliary_outputs,
        )


def exchange(layer: nn.Module, tokens: Tensor, shared: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A layer over ``(B, L, width)`` tokens and ``(B, N, width)`` shared ones.

    Returns both, changed, and the class token's attention to the ``L - 1`` positions.
    """
    count = tokens.shape[1]
    both = torch.cat([tokens, shared], 1)
    both, weights = layer(both, both)
    return both[:, :count], both[:, count:], weights[:, 0, 1:count]
