"""Early fusion: the channels of texture and depth are stacked, and one stream reads them all::

    y = W pool(F([texture; depth]))

The cheapest fusion, half the network of two streams: every filter from the first on sees both modalities.

Read: no code; it is the usual fusion, and no author's in particular.
"""

from dataclasses import dataclass

import torch
from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Early(Method):
    """One stream over the stacked channels."""

    name = "early"
    title = "Early fusion"
    version = 1
    summary = "channels of texture and depth stacked into one stream"
    source = "the usual input-level fusion; one encoder and a linear classifier"
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """One encoder over the channels of both modalities, pooled and classified."""
        return _EarlyNetwork(self, encoder, classes)


class _EarlyNetwork(nn.Module):
    def __init__(self, method: Early, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.stream = Stream(encoder, 3 + method.depth_channels)
        self.head = Head(self.stream.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(self.stream(torch.cat([faces.texture, faces.geometry(self.kind)], 1))))
