"""One learnt weight between the modalities, the same for every face: y = W (a f_texture + (1 - a) f_depth)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Mine(Method):
    """A learnt mean of both streams' features."""

    name = "mine"
    version = 1  # raise it whenever what is computed changes
    summary = "features weighted by one learnt number"
    source = "nowhere yet"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Width of each stream's features.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, one number, one classifier."""
        return _Network(self, encoder, classes)


class _Network(nn.Module):
    def __init__(self, method: Mine, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture = Stream(encoder, 3)
        self.depth = Stream(encoder, method.depth_channels)
        self.texture_head = Head(self.texture.channels, method.features)
        self.depth_head = Head(self.depth.channels, method.features)
        self.balance = nn.Parameter(torch.zeros(()))  # starts at the mean of both
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture = self.texture_head(self.texture(faces.texture)).relu()
        depth = self.depth_head(self.depth(faces.geometry(self.kind))).relu()
        share = self.balance.sigmoid()
        logits = self.classifier(self.dropout(share * texture + (1 - share) * depth))
        importance = torch.stack([share, 1 - share]).float().expand(len(logits), 2)
        return Output(logits, auxiliary_outputs={"importance": importance})
