"""Gated multimodal unit: a gate computed from both modalities chooses, feature by feature, which of them counts.

Arevalo, Solorio, Montes-y-Gómez, González: "Gated Multimodal Units for Information Fusion", ICLR workshop 2017
(arXiv 1702.01992), its bimodal unit, with the streams' pooled maps ``x_t`` and ``x_d`` as the modalities::

    h_t = tanh(W_t x_t)        h_d = tanh(W_d x_d)
    z   = sigmoid(W_z [x_t; x_d])
    h   = z * h_t + (1 - z) * h_d        y = W h

The three layers have biases here, as fully-connected layers do elsewhere in this package.
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
from baselines.two_streams import TwoStreams


@dataclass(frozen=True, kw_only=True)
class GMU(Method):
    """A gated multimodal unit over the pooled features."""

    name = "gmu"
    title = "GMU"
    version = 1
    summary = "a gate from both modalities weighs their features"
    source = "Arevalo et al., ICLR workshop 2017 (arXiv 1702.01992)"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }
    tuned = "study defaults/gmu, trial 1"

    dropout: Dropout = 0.38

    #: Width of the unit.
    features: Annotated[int, Field(ge=8, le=4096)] = 257

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, the unit, one classifier."""
        return _GMUNetwork(self, encoder, classes)


class _GMUNetwork(TwoStreams):
    """Extras: ``importance`` ``(B, 2)``, the mean over features of ``z`` and of ``1 - z``."""

    def __init__(self, method: GMU, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        self.texture_features = nn.Linear(self.texture.channels, method.features)
        self.depth_features = nn.Linear(self.depth.channels, method.features)
        self.gate = nn.Linear(self.texture.channels + self.depth.channels, method.features)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = (features.mean((2, 3)) for features in self.maps(faces))
        gate = self.gate(torch.cat([texture, depth], 1)).sigmoid()
        fused = gate * self.texture_features(texture).tanh() + (1 - gate) * self.depth_features(depth).tanh()
        share = gate.float().mean(1)
        importance = torch.stack([share, 1 - share], 1)
        return Output(self.classifier(self.dropout(fused)), auxiliary_outputs={"importance": importance})
