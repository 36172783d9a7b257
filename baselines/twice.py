"""Depth twice: a control of what two networks are worth, where both read the same::

    p = (softmax(y_one) + softmax(y_other)) / 2

Two depth streams that differ in their initial weights alone, each with a classifier and a cross-entropy of its own: the
mean rule of `baselines.late` without texture. It has as many weights as strategies of two streams have, and gains what
an ensemble of two gains; what fusion is worth beyond that is its lead over this, not over `depth`.

Read: no code; deep ensembles are Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable Predictive Uncertainty
Estimation using Deep Ensembles", NeurIPS 2017 (arXiv 1612.01474), from memory: there of five networks, trained apart
and by other orders of the scans; here both are trained side by side and see the same batches.
"""

import math
from dataclasses import dataclass

import torch
from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Twice(Method):
    """The mean of two depth streams' probabilities."""

    name = "twice"
    title = "Depth twice"
    version = 1
    summary = "control of equal capacity: mean of two depth streams' class probabilities"
    source = "an ensemble of two, after Lakshminarayanan et al., NeurIPS 2017"
    reads = ("depth",)
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams of the same input, each with its own classifier."""
        return _TwiceNetwork(self, encoder, classes)


class _TwiceNetwork(nn.Module):
    def __init__(self, method: Twice, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.kind = method.geometry
        streams = [Stream(encoder, method.depth_channels) for _ in range(2)]
        self.streams = nn.ModuleList(streams)
        self.heads = nn.ModuleList(Head(stream.channels, classes, method.dropout) for stream in streams)

    def forward(self, faces: FaceBatch) -> Output:
        x = faces.geometry(self.kind)
        one, other = (head(stream(x)).float() for stream, head in zip(self.streams, self.heads, strict=True))
        mean = torch.logaddexp(one.log_softmax(1), other.log_softmax(1)) - math.log(2)
        return Output(mean, supervised_logits=(one, other))
