"""Uni-modal teachers: either stream learns alone first, and the streams that are fused are held to what it saw.

Du, Li, Liu, Wen, Hua, Wang, Zhao: "Improving Multi-Modal Learning with Uni-Modal Teachers", 2021 (arXiv 2106.11059);
Du, Teng, Li, Liu, Yuan, Wang, Yuan, Zhao: "On Uni-Modal Feature Learning in Supervised Multi-Modal Learning", ICML 2023
(arXiv 2305.01233). First each stream is trained by a classifier of its own. Then fresh ones are trained, which begin
where the first ones began, fused as by `baselines.concat`, with features ``f`` and their teachers' ``f'``::

    loss = cross-entropy(y) + distillation (mean of (f_t - f'_t)^2 + mean of (f_d - f'_d)^2)

Teachers see the same augmented faces, in evaluation mode. What is evaluated is the network of `baselines.concat`; the
teachers are not part of it.

Read: of the authors no code was found. ``balancemm/trainer/UMT_trainer.py`` and ``configs/trainer_config.yaml`` of
GeWu-Lab's benchmark (github.com/GeWu-Lab/BalanceBenchmark, commit 4c1482f), from which the mean squared distance of an
encoder's features is, and the weight of 10. There teachers have a whole training of their own, and features are the
encoder's; here they share the epochs that every method has, and features are those that are classified. The second
paper chooses between this and an ensemble of the teachers, which is here `baselines.late`.
"""

import copy
from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from afnetm.face_batch import FaceBatch
from afnetm.hooks import Phase, TrainingBatch, TrainingHooks, supervised_loss
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import OwnDecisions, TwoFeatures

#: The children that compute a stream's features.
_STREAMS = ("texture", "texture_features", "depth", "depth_features")


@dataclass(frozen=True, kw_only=True)
class UMT(Method):
    """Concatenation of features that are distilled from streams trained alone."""

    name = "umt"
    title = "UMT"
    version = 1
    summary = "concatenation of features distilled from streams that were trained alone"
    source = "Du et al., arXiv 2106.11059, 2021"
    space = {
        "distillation": FloatDistribution(0.1, 100.0, log=True),  # from far below the cross-entropy to far above
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Weight of the distance from the teachers' features.
    distillation: Annotated[float, Field(ge=0, le=10_000)] = 10.0
    #: The share of the epochs in which the teachers are trained.
    teaching: Annotated[float, Field(gt=0, lt=1)] = 0.4
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, three classifiers."""
        return _UMTNetwork(self, encoder, classes)


class _UMTNetwork(TwoFeatures, TrainingHooks):
    eager_only = "its teachers are no part of the network"

    def __init__(self, method: UMT, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.distillation = method.distillation
        self.classifier = nn.Linear(2 * method.features, classes)
        self.own = OwnDecisions(method.features, classes, method.dropout)
        self.phases = (
            Phase(method.teaching, (*_STREAMS, "own")),
            Phase(1 - method.teaching, (*_STREAMS, "classifier")),
        )
        self.first: dict[str, Tensor] = {}
        self.teachers: list[TwoFeatures] = []  # in a list, so that it is no part of this network
        self.taught: tuple[Tensor, Tensor] | None = None

    def begin(self, scans: int) -> None:
        """Keeps the initial weights."""
        self.first = {name: tensor.clone() for name, tensor in self.state_dict().items()}

    def begin_phase(self, number: int) -> None:
        """Makes teachers of the streams that were trained, and fresh ones of the streams."""
        self.teachers, self.taught = [], None
        if number == 1:
            self.teachers = [copy.deepcopy(self).eval().requires_grad_(False)]
            self.load_state_dict(self.first or self.state_dict())

    @torch.no_grad()
    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        """Asks the teachers for their features of the faces."""
        self.taught = self.teachers[0].features(faces) if self.teachers else None
        return faces, batch

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        logits = self.classifier(self.dropout(torch.cat([texture, depth], 1)))
        return Output(logits, supervised_logits=self.own(texture, depth), features=torch.cat([texture, depth], 1))

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        """Of the streams' own classifiers at first; then of the joint one, and the distance from the teachers."""
        if self.taught is None:
            return supervised_loss(output, batch.targets, batch.smoothing)
        assert output.features is not None
        pairs = zip(output.features.chunk(2, 1), self.taught, strict=True)
        distance = torch.stack([mse_loss(of.float(), taught.float()) for of, taught in pairs]).sum()
        joint = supervised_loss(Output(output.logits), batch.targets, batch.smoothing)
        return joint + self.distillation * distance
