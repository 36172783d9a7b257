"""MMPareto: where the joint loss and a modality's own pull an encoder apart, it goes where neither loses.

Wei, Hu: "MMPareto: Boosting Multimodal Learning with Innocent Unimodal Assistance", ICML 2024 (arXiv 2405.17730). The
network is `baselines.concat` with a classifier of each stream's features beside the joint one, and a cross-entropy
each. Of the weights that a stream's features depend on, ``g`` are the gradients of the joint loss and ``o`` of the
stream's own::

    h = g + o                                         if g and o point the same way, cos(g, o) > 0
    h = 2 a g + 2 (1 - a) o,  a in 0..1 such that |h| is least        otherwise
    gradient = 1.5 h max(1, |g + o| / |h|)            norms of one weight tensor at a time

so that the direction is good for both losses and no shorter than their sum. Classifiers have their own gradients. The
joint classifier is asked afterwards.

Read: ``code/MMPareto.py``, ``code/min_norm_solvers.py`` and ``code/models/models.py`` of the authors' code
(github.com/GeWu-Lab/MMPareto_ICML2024, commit a339db3). There the encoders' features are classified without layers of
their own; here those layers count as the encoders', as both losses reach them. Theirs takes the gradients of each loss
in a backward pass of its own; here ``o`` is the sum's less ``g``, which needs one pass less. They train by SGD; AdamW
divides gradients by their usual size, so that here the factor 1.5 hardly counts.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingBatch, TrainingHooks, supervised_loss
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import OwnDecisions, TwoFeatures

#: By which all gradients of the encoders are multiplied.
_MAGNITUDE = 1.5
_TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class MMPareto(Method):
    """Concatenation with losses of either modality, whose gradients do not work against the joint one's."""

    name = "mmpareto"
    title = "MMPareto"
    version = 1
    summary = "concatenation; joint and unimodal gradients combined without conflict"
    source = "Wei and Hu, ICML 2024"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, three classifiers."""
        return _MMParetoNetwork(self, encoder, classes)


class _MMParetoNetwork(TwoFeatures, TrainingHooks):
    def __init__(self, method: MMPareto, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(2 * method.features, classes)
        self.own = OwnDecisions(method.features, classes, method.dropout)
        self.joint: list[list[Tensor]] = []

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        logits = self.classifier(self.dropout(torch.cat([texture, depth], 1)))
        return Output(logits, supervised_logits=(logits, *self.own(texture, depth)))

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        """The sum of three cross-entropies; keeps the gradients of the joint one for `adjust_gradients`."""
        joint = cross_entropy(output.logits.float(), batch.targets, label_smoothing=batch.smoothing)
        trained = self._trained()
        gradients = iter(torch.autograd.grad(joint, [of for stream in trained for of in stream], retain_graph=True))
        self.joint = [[next(gradients) for _ in stream] for stream in trained]
        return supervised_loss(output, batch.targets, batch.smoothing)

    def adjust_gradients(self, output: Output, batch: TrainingBatch) -> None:
        """Combines both gradients of each weight that both losses reach."""
        for stream, joint in zip(self._trained(), self.joint, strict=True):
            both = [of.grad for of in stream if of.grad is not None]
            for total, combined in zip(both, combine(joint, both), strict=True):
                total.copy_(combined)
        self.joint = []

    def _trained(self) -> list[list[nn.Parameter]]:
        parts = (self.texture, self.texture_features), (self.depth, self.depth_features)
        return [[p for module in stream for p in module.parameters() if p.requires_grad] for stream in parts]


def combine(joint: list[Tensor], both: list[Tensor]) -> list[Tensor]:
    """The gradients of a stream's weights.

    Args:
        joint: of the joint loss.
        both: of the sum of that and of the stream's own loss.
    """
    own = [total - of for total, of in zip(both, joint, strict=True)]
    of_joint, of_own = _dot(joint, joint), _dot(own, own)
    mixed = _dot(joint, own)
    least = (of_own - mixed) / (of_joint + of_own - 2 * mixed).clamp(min=_TINY)
    share = torch.where(mixed > 0, 0.5, least)
    combined = [2 * share * of + 2 * (1 - share) * other for of, other in zip(joint, own, strict=True)]
    return [
        _MAGNITUDE * of * (total.norm() / of.norm().clamp(min=_TINY)).clamp(min=1)
        for of, total in zip(combined, both, strict=True)
    ]


def _dot(one: list[Tensor], other: list[Tensor]) -> Tensor:
    return torch.stack([(a * b).sum() for a, b in zip(one, other, strict=True)]).sum()
