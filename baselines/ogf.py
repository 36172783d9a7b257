"""Orthogonality-guided fusion: both streams' features are pushed to be orthogonal, then concatenated and classified.

Lin, Bai, Liu, Shen, Zhou: "Orthogonalization-Guided Feature Fusion Network for Multimodal 2D+3D Facial Expression
Recognition" (OGF2Net), IEEE TMM 23, 2021. In two stages: each stream learns from its own cross-entropy, and what fuses
them learns from their maps without changing them. With ``t = W_t pool(F_texture)`` and ``d = W_d pool(F_depth)``::

    y    = W relu([t; d])
    loss = cross-entropy(y) + weight * mean over faces of cos(t, d) ** 2         of the second stage

The cosine is of ``t`` and ``d`` as they leave their layers, with either sign: after a ReLU no cosine is negative, and
features are orthogonal only where each is off when the other is on.

Read: the abstract alone; no code of the authors' is known. It says that an orthogonal loss takes redundancy out of the
features before they are fused, not its formula; the squared cosine is ours. There the second stage begins when the
first has ended; here both go on side by side, in the epochs that every method has, and the fusing layers end on streams
that no longer change, as the learning rate ends at zero.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn
from torch.nn.functional import cosine_similarity

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from baselines.two_streams import TwoDecisions


@dataclass(frozen=True, kw_only=True)
class OGF(Method):
    """Concatenation of features that a penalty keeps orthogonal, of streams that learn by themselves."""

    name = "ogf"
    title = "OGF"
    version = 2
    reading = True
    summary = "features of streams trained apart, pushed to be orthogonal, then concatenated"
    source = "OGF2Net, Lin et al., IEEE TMM 23, 2021; the penalty's form is our reading of the abstract"
    space = {
        "orthogonality": FloatDistribution(0.01, 10.0, log=True),  # from far below the cross-entropy to far above
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Weight of the penalty, which is between 0 and 1, beside the cross-entropy.
    orthogonality: Annotated[float, Field(ge=0, le=1000)] = 0.1
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders with a classifier each, two fully-connected layers, one classifier of both."""
        return _OGFNetwork(self, encoder, classes)


class _OGFNetwork(TwoDecisions):
    def __init__(self, method: OGF, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, classes)
        self.orthogonality = method.orthogonality
        self.texture_features = Head(self.texture.channels, method.features)
        self.depth_features = Head(self.depth.channels, method.features)
        self.dropout = nn.Dropout(method.dropout)
        self.classifier = nn.Linear(2 * method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        maps = self.maps(faces)
        own = self.texture_head(maps[0]), self.depth_head(maps[1])
        # In eval mode gradients may pass, so that Grad-CAM can tell where the evidence is.
        texture_map, depth_map = (one.detach() for one in maps) if self.training else maps
        texture, depth = self.texture_features(texture_map), self.depth_features(depth_map)
        cosine = cosine_similarity(texture.float(), depth.float())
        logits = self.classifier(self.dropout(torch.cat([texture, depth], 1).relu()))
        return Output(
            logits, supervised_logits=(logits, *own), auxiliary_loss=self.orthogonality * cosine.square().mean()
        )
