"""Feature concatenation: each stream ends in a fully-connected layer, and a classifier reads both side by side.

The fusion that AFNet-M's paper argues against, because both modalities count the same for every face::

    y = W [relu(W_t pool(F_texture)); relu(W_d pool(F_depth))]
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoFeatures


@dataclass(frozen=True, kw_only=True)
class Concat(Method):
    """Concatenation after the fully-connected layers."""

    name = "concat"
    title = "Concatenation"
    version = 1
    summary = "features concatenated after the fully-connected layers"
    source = "the usual feature-level fusion, as described and argued against in arXiv 2205.11785"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }
    tuned = "study defaults/concat, trial 11"

    dropout: Dropout = 0.2

    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 141

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, one classifier."""
        return _ConcatNetwork(self, encoder, classes)


class _ConcatNetwork(TwoFeatures):
    def __init__(self, method: Concat, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(2 * method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        return Output(self.classifier(self.dropout(torch.cat([texture, depth], 1))))
