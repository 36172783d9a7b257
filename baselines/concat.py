"""Feature concatenation: each stream ends in a fully-connected layer, and a classifier reads both side by side.

The fusion that AFNet-M's paper argues against, because both modalities count the same for every face::

    y = W [relu(W_t pool(F_texture)); relu(W_d pool(F_depth))]

With ``unimodal_losses`` either stream also learns from a classifier of its own, which is not asked afterwards: the loss
is the sum of three cross-entropies, so that neither stream is left to what the other has not yet learnt (Wang, Tran,
Feiszli: "What Makes Training Multi-Modal Classification Networks Hard?", CVPR 2020, there with weights that are
estimated while training).

Read: no code; it is the usual fusion, and no author's in particular.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import OwnDecisions, TwoFeatures


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

    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128
    #: Whether each stream also learns from its own features' classification.
    unimodal_losses: bool = False

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, one classifier."""
        return _ConcatNetwork(self, encoder, classes)


class _ConcatNetwork(TwoFeatures):
    def __init__(self, method: Concat, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(2 * method.features, classes)
        self.own = OwnDecisions(method.features, classes, method.dropout) if method.unimodal_losses else None

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        logits = self.classifier(self.dropout(torch.cat([texture, depth], 1)))
        return Output(logits, supervised_logits=() if self.own is None else (logits, *self.own(texture, depth)))
