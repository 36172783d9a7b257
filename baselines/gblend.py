"""Gradient blending: the joint loss and either modality's own are weighed by how well each generalises.

Wang, Tran, Feiszli: "What Makes Training Multi-Modal Classification Networks Hard?", CVPR 2020 (arXiv 1905.12681). The
network is `baselines.concat` with a classifier of each stream's features beside the joint one. From the same initial
weights three networks are trained for a while, of texture, of depth, and of both by the joint loss alone. With the
cross-entropies ``T`` of the training scans and ``V`` of scans of held-out training subjects, before and after::

    gain    G = V_before - V_after
    overfit O = (V_after - T_after) - (V_before - T_before)
    w ~ G / O^2                                       the three weights sum to 1

and from the same initial weights again, the network is trained by the weighted sum of its three cross-entropies. The
joint classifier is asked afterwards.

Read: ``c2/tutorials/gradient_blending.md``, ``c2/lib/models/loss/loss_creator.py`` and ``c2/tools/train_net.py`` of the
authors' code (github.com/facebookresearch/VMZ, commit 4cc542d), which take the weights as given; the formula, of their
offline form, is the paper's, from memory, and as in ``balancemm/trainer/GBlending_trainer.py`` of GeWu-Lab's benchmark
(github.com/GeWu-Lab/BalanceBenchmark, commit 4c1482f). There each of the three has a whole training, and the last one
all training scans; here they share the epochs that every method has, and subjects who were held out stay so. Texture's
and depth's networks have nothing in common and are trained side by side. A modality that gains nothing has weight 0,
and ``O^2`` is at least 0.0001, so that rounding decides nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from afnetm.face_batch import FaceBatch
from afnetm.hooks import Answers, Phase, TrainingHooks
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import OwnDecisions, TwoFeatures

_STREAMS = ("texture", "texture_features", "depth", "depth_features")


@dataclass(frozen=True, kw_only=True)
class GBlend(Method):
    """Concatenation with losses of either modality, weighed by their overfitting-to-generalisation ratios."""

    name = "gblend"
    title = "G-Blend"
    version = 1
    summary = "concatenation; joint and unimodal losses weighed by how they generalise"
    source = "Wang et al., CVPR 2020"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: The share of the epochs after which the gains of either modality are measured, and again that of both.
    measuring: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, three classifiers."""
        return _GBlendNetwork(self, encoder, classes)


class _GBlendNetwork(TwoFeatures, TrainingHooks):
    held_out = 0.2  # whom five inner folds would test at a time
    weights: Tensor
    blend: Tensor

    def __init__(self, method: GBlend, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(2 * method.features, classes)
        self.own = OwnDecisions(method.features, classes, method.dropout)
        self.phases = (
            Phase(method.measuring, (*_STREAMS, "own")),
            Phase(method.measuring, (*_STREAMS, "classifier")),
            Phase(1 - 2 * method.measuring),
        )
        # Of the joint loss, texture's and depth's: what was found, and those of the phase.
        self.register_buffer("blend", torch.full((3,), 1 / 3))
        self.register_buffer("weights", torch.full((3,), 1 / 3), persistent=False)
        self.first: dict[str, Tensor] = {}
        self.losses: dict[int, Tensor] = {}  # by the phase that they are before

    def begin(self, scans: int) -> None:
        """Keeps the initial weights."""
        self.first = {name: of.clone() for name, of in self.state_dict().items() if name != "blend"}
        self.losses = {}

    def begin_phase(self, number: int) -> None:
        """Begins anew, with the losses of the phase."""
        self.load_state_dict({**self.state_dict(), **self.first})
        alone = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
        self.weights.copy_(self.blend if number == 2 else torch.tensor(alone[number]))

    def review(self, number: int, answers: Callable[[], Sequence[Answers]]) -> None:
        """Notes all losses before and after the networks of one modality, and of both; then weighs them."""
        self.losses[number] = torch.stack([_losses(of) for of in answers()])
        if len(self.losses) == len(self.phases):  # fewer epochs than phases measure nothing
            before, alone, joint = self.losses.values()
            self.blend.copy_(blended(before, torch.cat([joint[:, :1], alone[:, 1:]], 1)))

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        logits = self.classifier(self.dropout(torch.cat([texture, depth], 1)))
        trained = (logits, *self.own(texture, depth))
        return Output(logits, supervised_logits=trained, supervised_weights=self.weights)


def blended(before: Tensor, after: Tensor) -> Tensor:
    """``(L,)`` weights of ``L`` losses, that sum to 1; of equal size where none has gained anything.

    Args:
        before: ``(2, L)``, mean losses of the training scans and of held-out ones.
        after: the same, later.
    """
    gain = (before[1] - after[1]).clamp(min=0)
    overfit = (after[1] - after[0]) - (before[1] - before[0])
    weights = gain / overfit.square().clamp(min=1e-4)
    total = weights.sum()
    return torch.where(total > 0, weights / total.clamp(min=1e-30), torch.full_like(weights, 1 / len(weights)))


def _losses(answers: Answers) -> Tensor:
    return torch.stack([cross_entropy(of, answers.targets) for of in answers.output.supervised_logits])
