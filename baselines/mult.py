"""MulT: either modality reads the other one's tokens as they came, layer by layer, and then what it has gathered.

Tsai, Bai, Liang, Kolter, Morency, Salakhutdinov: "Multimodal Transformer for Unaligned Multimodal Language Sequences",
ACL 2019 (arXiv 1906.00295), with two modalities and the positions of their streams' last maps as tokens ``t`` and
``d``::

    a = layer(... layer(t, context = d) ..., context = d)      across, texture reading depth; b of depth likewise
    a = layer(norm a, context = itself) ...                    within, norm at the end again
    h = [mean a; mean b]                                       over positions
    y = W (h + W_2 relu(W_1 h))

with layers as in `baselines.tokens.AttentionLayer`. In `cross`, where both modalities change at once, a layer reads
what the one before has made of the other modality; here it reads the same low-level tokens in every layer.

Read: ``src/models.py`` and ``modules/transformer.py`` of the authors' code (github.com/yaohungt/Multimodal-Transformer,
commit a670936). There tokens are moments of sequences, of which the last one's answer counts; a map has no last
position, so it is their mean. Its layers have a ReLU where ours have a GELU; tokens are scaled by the root of their
width before positions are added, and positions are added again before the layers within; it has five layers across and
five within, 40 wide at most, and here there are as many of both, two unless said otherwise, because the encoders below
mix positions already. Of its dropouts the one of the residual layers at the end is here.
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
class MulT(Method):
    """Crossmodal transformers in both directions, then one within each modality."""

    name = "mult"
    title = "MulT"
    version = 1
    summary = "transformers that read the other stream's tokens, then their own"
    source = "MulT of Tsai et al., ACL 2019 (arXiv 1906.00295); two modalities, on the suite's encoders"
    space = {
        "layers": IntDistribution(1, 4),  # to nearly the authors' five; the encoders below mix positions already
        "width": IntDistribution(64, 256, step=64),  # from two heads to eight, half a ResNet-18's last map
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Layers across modalities, and as many within each.
    layers: Annotated[int, Field(ge=1, le=12)] = 2
    #: Width of the tokens, a multiple of an attention head's.
    width: Annotated[int, Field(ge=HEAD_WIDTH, le=1024, multiple_of=HEAD_WIDTH)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, their maps as tokens, four transformers, one classifier."""
        return _MulTNetwork(self, encoder, classes)


class Transformer(nn.Module):
    """Layers that read one context, or the tokens themselves, and a layer norm."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(AttentionLayer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``(B, L, width)``, and ``(B, S, width)`` or None, to new tokens and the last attention's ``(B, L, S)``."""
        for layer in self.layers:
            tokens, weights = layer(tokens, tokens if context is None else context)
        return self.norm(tokens), weights


class _MulTNetwork(TwoStreams):
    def __init__(self, method: MulT, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        width = method.width
        self.texture_tokens, self.depth_tokens = (
            Tokens(stream.channels, width) for stream in (self.texture, self.depth)
        )
        self.texture_across, self.depth_across, self.texture_within, self.depth_within = (
            Transformer(width, method.layers) for _ in range(4)
        )
        self.residual = nn.Sequential(
            nn.Linear(2 * width, 2 * width), nn.ReLU(), nn.Dropout(method.dropout), nn.Linear(2 * width, 2 * width)
        )
        self.classifier = nn.Linear(2 * width, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture_map, depth_map = self.maps(faces)
        texture, depth = self.texture_tokens(texture_map), self.depth_tokens(depth_map)
        (read_in_texture, to_depth), (read_in_depth, to_texture) = (
            self.texture_across(texture, depth),
            self.depth_across(depth, texture),
        )
        gathered = [self.texture_within(read_in_texture)[0].mean(1), self.depth_within(read_in_depth)[0].mean(1)]
        features = torch.cat(gathered, 1)
        auxiliary_outputs = {
            "attention_texture": token_attention_map(to_texture.mean(1), *texture_map.shape[2:]),
            "attention_depth": token_attention_map(to_depth.mean(1), *depth_map.shape[2:]),
        }
        logits = self.classifier(features + self.residual(features))
        return Output(logits, auxiliary_outputs=auxiliary_outputs)
