"""Late fusion by the product rule: each stream classifies by itself, and the class probabilities are multiplied.

The product rule of Kittler et al., "On combining classifiers", TPAMI 20(3), 1998, for two streams and equal priors::

    p(k) ~ softmax(y_texture)_k * softmax(y_depth)_k

Each stream learns from its own cross-entropy. Against the mean, one stream's near-zero is a veto.

From memory, unverified; it has no code. Its priors are equal here, as every subject has all expressions.
"""

from dataclasses import dataclass

from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class Product(Method):
    """The product of two streams' probabilities."""

    name = "product"
    title = "Product rule"
    version = 1
    summary = "product of both streams' class probabilities"
    source = "product rule of Kittler et al., TPAMI 20(3), 1998"
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, each with its own classifier."""
        return _ProductNetwork(self, encoder, classes)


class _ProductNetwork(TwoDecisions):
    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.decisions(faces)
        return Output(texture.log_softmax(1) + depth.log_softmax(1), supervised_logits=(texture, depth))
