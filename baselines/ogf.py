"""Orthogonality-guided fusion: both streams' features are pushed to be orthogonal, then concatenated and classified.

Lin, Bai, Liu, Shen, Zhou: "Orthogonalization-Guided Feature Fusion Network for Multimodal 2D+3D Facial Expression
Recognition" (OGF2Net), IEEE TMM 23, 2021. With each stream's features ``t`` and ``d`` after its fully-connected layer::

    loss = cross-entropy(W [t; d]) + weight * mean over faces of cos(t, d) ** 2

Only the abstract was read, so this is a reading: it says that an orthogonal loss takes redundancy out of the features
before they are fused, not its formula; the squared cosine is ours. There the streams are trained first and then frozen;
here all is trained together, as every other strategy is.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn
from torch.nn.functional import cosine_similarity

from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoFeatures


@dataclass(frozen=True, kw_only=True)
class OGF(Method):
    """Concatenation of features that a penalty keeps orthogonal."""

    name = "ogf"
    title = "OGF"
    version = 1
    summary = "features pushed to be orthogonal, then concatenated"
    source = "OGF2Net, Lin et al., IEEE TMM 23, 2021; the penalty's form is our reading of the abstract"
    space = {
        "orthogonality": FloatDistribution(0.01, 10.0, log=True),  # from far below the cross-entropy to far above
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }
    tuned = "study defaults/ogf, trial 4"

    dropout: Dropout = 0.014

    #: Weight of the penalty, which is between 0 and 1, beside the cross-entropy.
    orthogonality: Annotated[float, Field(ge=0, le=1000)] = 0.078
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 393

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, two fully-connected layers, one classifier."""
        return _OGFNetwork(self, encoder, classes)


class _OGFNetwork(TwoFeatures):
    def __init__(self, method: OGF, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.orthogonality = method.orthogonality
        self.classifier = nn.Linear(2 * method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        cosine = cosine_similarity(texture.float(), depth.float())
        logits = self.classifier(self.dropout(torch.cat([texture, depth], 1)))
        return Output(logits, auxiliary_loss=self.orthogonality * cosine.square().mean())
