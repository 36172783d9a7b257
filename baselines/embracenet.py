"""EmbraceNet: each feature of the fused vector is taken from one modality, drawn at random in training.

Choi, Lee: "EmbraceNet: A Robust Deep Learning Architecture for Multimodal Classification", Information Fusion 51, 2019
(arXiv 1904.09078). With the docked features ``f_t`` and ``f_d`` of both streams and, for each face and feature ``i``,
a draw ``r_i`` of texture or depth::

    f_m = relu(W_m pool(F_m))                 docking, both as wide
    e_i = f_t,i where r_i is texture, f_d,i where it is depth
    y   = W e

Either is as probable. With ``modality_dropout`` a face in training may lose a modality, and then all of its features
are drawn from the other one.

Read: ``embracenet_pytorch/embracenet.py`` and ``examples/fashion_mnist_pytorch/model.py`` of the authors' code
(github.com/idearibosome/embracenet, commit d4393b2). It draws at test time as well, so that an answer changes from one
time to the next; here the expectation is taken then, ``e = (f_t + f_d) / 2``, as dropout does, because a report has to
repeat itself. Its example draws whether modalities are lost once a batch, with probability 0.5 where that is switched
on, which it is not by default; here it is drawn once a face, and is off by default, too.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.moddrop import kept_modalities
from baselines.two_streams import TwoFeatures


@dataclass(frozen=True, kw_only=True)
class EmbraceNet(Method):
    """Features drawn from either modality."""

    name = "embracenet"
    title = "EmbraceNet"
    version = 1
    summary = "each fused feature drawn from one modality in training, their mean afterwards"
    source = "Choi and Lee, Information Fusion 51, 2019 (arXiv 1904.09078); the mean at test time"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to the example's own 512
        "modality_dropout": FloatDistribution(0.0, 0.8),  # from the example's default to beyond what it switches on
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Width of the docked features, and of those drawn from them.
    features: Annotated[int, Field(ge=8, le=4096)] = 128
    #: Probability that a face in training loses a modality, either as probably.
    modality_dropout: Annotated[float, Field(ge=0, le=1)] = 0.0

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two docking layers, one classifier."""
        return _EmbraceNetwork(self, encoder, classes)


def embraced(texture: Tensor, depth: Tensor, kept: Tensor) -> Tensor:
    """Draws each feature, ``(B, C)`` of two ``(B, C)``, from a modality that its face keeps, ``(B, 2)`` of 0 and 1."""
    share = kept[:, :1] / kept.sum(1, keepdim=True)
    return torch.where(torch.rand(texture.shape, device=texture.device) < share, texture, depth)


class _EmbraceNetwork(TwoFeatures):
    def __init__(self, method: EmbraceNet, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.modality_dropout = method.modality_dropout
        self.classifier = nn.Linear(method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        if self.training:
            kept = kept_modalities(len(texture), dropout=self.modality_dropout, texture=0.5, device=texture.device)
            fused = embraced(texture, depth, kept)
        else:
            fused = (texture + depth) / 2
        return Output(self.classifier(self.dropout(fused)))
