"""Late fusion: each stream classifies by itself, and the class probabilities are averaged.

Each stream learns from its own cross-entropy, so that neither leans on the other. The mean rule of Kittler et al.,
"On combining classifiers", TPAMI 20(3), 1998: ``p = (softmax(y_texture) + softmax(y_depth)) / 2``.

From memory, unverified; it has no code. Its classifiers are trained before and apart, as here by their losses.
"""

import math
from dataclasses import dataclass

import torch
from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class Late(Method):
    """The mean of two streams' probabilities."""

    name = "late"
    title = "Late fusion"
    version = 1
    summary = "mean of both streams' class probabilities"
    source = "mean rule of Kittler et al., TPAMI 20(3), 1998"
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, each with its own classifier."""
        return _LateNetwork(self, encoder, classes)


class _LateNetwork(TwoDecisions):
    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.decisions(faces)
        mean = torch.logaddexp(texture.log_softmax(1), depth.log_softmax(1)) - math.log(2)
        return Output(mean, supervised_logits=(texture, depth))
