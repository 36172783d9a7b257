"""Late fusion by a fitted weight: each stream classifies by itself, and one number weighs the two decisions::

    p = w softmax(y_texture) + (1 - w) softmax(y_depth)

A convex combination with one weight per modality, the same for every face and class, so that ``p`` is a distribution.
Each stream learns from its own cross-entropy alone, as under the mean rule. ``w`` is fitted afterwards to scans of
training subjects who are held out of training: on the scans that they learn from, both streams look better than they
are, and the one that learns them by heart looks best. It is where the mean of ``-log p(label)`` over these scans is
lowest, which is convex in ``w``; the bisection of its slope finds it.

A weighted form of the sum rule of Kittler et al., "On combining classifiers", TPAMI 20(3), 1998, which from memory has
no weights, and no code.
"""

from dataclasses import dataclass

import torch
from optuna.distributions import FloatDistribution
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingHooks
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions

#: Halvings of 0 to 1: to a millionth, short of either end.
_HALVINGS = 20


@dataclass(frozen=True, kw_only=True)
class Weighted(Method):
    """A convex combination of two streams' probabilities, fitted to held-out training subjects."""

    name = "weighted"
    title = "Weighted sum"
    version = 2
    summary = "convex combination of both streams' class probabilities, fitted out of fold"
    source = "weighted sum rule, after Kittler et al., TPAMI 20(3), 1998"
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, each with its own classifier, and room for the weight between them."""
        return _WeightedNetwork(self, encoder, classes)


class _WeightedNetwork(TwoDecisions, TrainingHooks):
    """Extras: ``importance`` ``(B, 2)``, texture's and depth's weight, the same in every row."""

    held_out = 0.2  # whom five inner folds would test at a time
    weight: Tensor

    def __init__(self, method: Weighted, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, classes)
        self.register_buffer("weight", torch.tensor(0.5))

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.decisions(faces)
        weights = torch.stack([self.weight, 1 - self.weight])
        fused = torch.logaddexp(weights[0].log() + texture.log_softmax(1), weights[1].log() + depth.log_softmax(1))
        importance = weights.expand(fused.shape[0], 2)
        return Output(fused, supervised_logits=(texture, depth), auxiliary_outputs={"importance": importance})

    def calibrate(self, output: Output, targets: Tensor) -> None:
        """The weight of texture under which the labels of the held-out scans are likeliest."""
        texture, depth = (of.softmax(1).gather(1, targets[:, None]).clamp(min=1e-12) for of in output.supervised_logits)
        low, high = torch.zeros_like(self.weight), torch.ones_like(self.weight)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            rises = ((texture - depth) / (middle * texture + (1 - middle) * depth)).mean() > 0
            low, high = torch.where(rises, middle, low), torch.where(rises, high, middle)
        self.weight.copy_((low + high) / 2)
