"""Sum fusion: each stream ends in a fully-connected layer, and a classifier reads the sum of both::

    y = W (relu(W_t pool(F_texture)) + relu(W_d pool(F_depth)))

Against concatenation the classifier has half the weights, and both streams must agree on what a feature means.
"""

from dataclasses import dataclass
from typing import Annotated

from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoFeatures


@dataclass(frozen=True, kw_only=True)
class Addition(Method):
    """The sum after the fully-connected layers."""

    name = "sum"
    title = "Sum"
    version = 1
    summary = "features added after the fully-connected layers"
    source = "the usual sum fusion of two-stream networks, as in Feichtenhofer et al., CVPR 2016, there on feature maps"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }
    tuned = "study defaults/sum, trial 4"

    dropout: Dropout = 0.044

    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 199

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, two fully-connected layers, one classifier."""
        return _AdditionNetwork(self, encoder, classes)


class _AdditionNetwork(TwoFeatures):
    def __init__(self, method: Addition, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        return Output(self.classifier(self.dropout(texture + depth)))
