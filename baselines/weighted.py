"""Late fusion by learnt weights: each stream classifies by itself, and one learnt number weighs the two decisions::

    p = w softmax(y_texture) + (1 - w) softmax(y_depth)        w = sigmoid(a)

A convex combination with one weight per modality, the same for every face and class, so that ``p`` is a distribution.
``a`` starts at zero, and so ``p`` as the mean; no decay draws it back there. Each stream learns from its own
cross-entropy alone, as under the mean rule; the fused cross-entropy teaches ``a`` and nothing else. That is on training
scans, on which both streams look better than they are: scans of held-out training subjects would say more, and no
method is given any.

A weighted form of the sum rule of Kittler et al., "On combining classifiers", TPAMI 20(3), 1998, which from memory has
no weights, and no code.
"""

from dataclasses import dataclass

import torch
from optuna.distributions import FloatDistribution
from torch import nn
from torch.nn.functional import logsigmoid

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class Weighted(Method):
    """A learnt convex combination of two streams' probabilities."""

    name = "weighted"
    title = "Weighted sum"
    version = 1
    summary = "learnt convex combination of both streams' class probabilities"
    source = "weighted sum rule, after Kittler et al., TPAMI 20(3), 1998"
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, each with its own classifier, and the weight between them."""
        return _WeightedNetwork(self, encoder, classes)


class _WeightedNetwork(TwoDecisions):
    """Extras: ``importance`` ``(B, 2)``, texture's and depth's weight, the same in every row."""

    def __init__(self, method: Weighted, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, classes)
        self.balance = nn.Parameter(torch.zeros(()))

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.decisions(faces)
        log_weights = logsigmoid(torch.stack([self.balance, -self.balance]))
        log_texture, log_depth = texture.detach().log_softmax(1), depth.detach().log_softmax(1)
        fused = torch.logaddexp(log_weights[0] + log_texture, log_weights[1] + log_depth)
        importance = log_weights.exp().expand(len(fused), 2)
        return Output(fused, supervised_logits=(fused, texture, depth), auxiliary_outputs={"importance": importance})
