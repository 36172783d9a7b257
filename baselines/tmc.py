"""Trusted multi-view classification: each stream says how much evidence it has, and Dempster's rule combines the two.

Han, Zhang, Fu, Zhou: "Trusted Multi-View Classification", ICLR 2021 (arXiv 2102.02051). Of each stream's logits, for K
classes::

    e = softplus(y)                       evidence
    alpha = e + 1,  S = sum(alpha)        a Dirichlet distribution over class probabilities; its mean is alpha / S
    b = e / S,  u = K / S                 belief in each class, and uncertainty; together they sum to 1

Dempster's rule for two such opinions, ``b ~ b_t b_d + b_t u_d + b_d u_t`` and ``u ~ u_t u_d``, comes to::

    e = e_t + e_d + e_t e_d / K

so that a stream without evidence changes nothing. Both streams and their combination learn from the same loss, in which
``alpha'`` is ``alpha`` with the label's evidence taken away::

    mean of digamma(S) - digamma(alpha_label) + min(1, progress / annealing) KL(Dir(alpha') || Dir(1))

Class probabilities are ``alpha / S``, so the logits are ``log alpha``.

Read: ``model.py`` and ``train.py`` in ``TMC ICLR``, ``models/TMC.py`` and ``train_TMC_nyud2.py`` in ``ETMC TPAMI`` of
the authors' code (github.com/hanmenghan/TMC, commit 08d0ca4). The second is of RGB and depth, as here, with one linear
layer on each encoder. There the weight of the KL divergence grows over the first 50 or 10 of 500 epochs, epoch by
epoch; here over the same share of a training as 50, step by step. Smoothed labels count in the first term as
distributions do; theirs are hard.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import Dirichlet, kl_divergence
from torch.nn.functional import softplus

from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingBatch, TrainingHooks
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class TMC(Method):
    """Two streams' evidence, combined by Dempster's rule."""

    name = "tmc"
    title = "TMC"
    version = 1
    summary = "evidence of both streams, combined by Dempster's rule"
    source = "Han et al., ICLR 2021"
    space = {
        "annealing": FloatDistribution(0.05, 1.0),  # from nearly at once to not before the end
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small encoders stop learning
    }

    #: The share of the training over which the weight of the KL divergence grows from 0 to 1.
    annealing: Annotated[float, Field(gt=0, le=1)] = 0.1

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, each with its own classifier."""
        return _TMCNetwork(self, encoder, classes)


class _TMCNetwork(TwoDecisions, TrainingHooks):
    """Extras: ``importance`` ``(B, 2)``, each stream's belief in any class, ``1 - u``, relative to the other's."""

    def __init__(self, method: TMC, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, classes)
        self.annealing = method.annealing

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = (softplus(of) for of in self.decisions(faces))
        classes = texture.shape[1]
        evidence = texture, depth, texture + depth + texture * depth / classes
        total = torch.stack([texture.sum(1), depth.sum(1)], 1).clamp(min=1e-30)
        belief = total / (total + classes)
        *own, fused = (torch.log1p(of) for of in evidence)
        importance = belief / belief.sum(1, keepdim=True)
        return Output(fused, supervised_logits=(*own, fused), auxiliary_outputs={"importance": importance})

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        """The sum of the evidential losses of texture, depth and both."""
        classes = output.logits.shape[1]
        targets = torch.eye(classes, device=output.logits.device)[batch.targets]
        smoothed = (1 - batch.smoothing) * targets + batch.smoothing / classes
        weight = (batch.progress / self.annealing).clamp(max=1)
        losses = [evidential_loss(of.float().exp(), targets, smoothed, weight) for of in output.supervised_logits]
        return torch.stack(losses).sum()


def evidential_loss(alpha: Tensor, targets: Tensor, smoothed: Tensor, weight: Tensor) -> Tensor:
    """The expected cross-entropy under Dirichlet distributions, and their distance from the uniform one, label aside.

    Args:
        alpha: ``(B, K)`` float32, 1 or more.
        targets: ``(B, K)``, each row a distribution over classes.
        smoothed: the same, smoothed.
        weight: scalar, of the distance.
    """
    expected = (smoothed * (alpha.sum(1, keepdim=True).digamma() - alpha.digamma())).sum(1)
    others = Dirichlet((alpha - 1) * (1 - targets) + 1, validate_args=False)
    uniform = Dirichlet(torch.ones_like(alpha), validate_args=False)
    return (expected + weight * kl_divergence(others, uniform)).mean()
