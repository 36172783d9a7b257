"""Max fusion: each stream ends in a fully-connected layer, and a classifier reads the greater of both, element-wise::

    y = W max(relu(W_t pool(F_texture)), relu(W_d pool(F_depth)))

Each feature is taken from the stream that finds more of it, face by face.

With ``fuse_stages`` maps are fused, as in Feichtenhofer, Pinz, Zisserman: "Convolutional Two-Stream Network Fusion for
Video Action Recognition", CVPR 2016, and one trunk goes on: ``F = max(F_texture, F_depth)``.

Read: ``cnn_ucf101_fusion.m`` of the authors' code (github.com/feichtenhofer/twostreamfusion, commit a098f08), which
adds or stacks maps and has no maximum of both streams: the paper has, from memory. The maximum of features is the usual
one, and no author's in particular.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec
from afnetm.model.trunk import Stages
from baselines.two_streams import FusedByOne, StagedFusion, TwoFeatures


@dataclass(frozen=True, kw_only=True)
class Maximum(StagedFusion):
    """The element-wise maximum after the fully-connected layers, or of maps."""

    name = "max"
    title = "Maximum"
    version = 1
    summary = "element-wise maximum of the features after the fully-connected layers"
    source = "the usual max fusion of two-stream networks, as in Feichtenhofer et al., CVPR 2016, there on feature maps"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128
    #: The stages, 1 to 4 and ascending, whose maps are fused, by their maximum; none for the features behind the
    #: streams. From the first of them on one trunk goes on, to which each further fused map is added.
    fuse_stages: Stages = ()

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, two fully-connected layers, one classifier."""
        if self.fuse_stages:
            return FusedByOne(self, encoder, classes, self.fuse_stages, torch.maximum)
        return _MaximumNetwork(self, encoder, classes)


class _MaximumNetwork(TwoFeatures):
    def __init__(self, method: Maximum, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        return Output(self.classifier(self.dropout(torch.maximum(texture, depth))))
