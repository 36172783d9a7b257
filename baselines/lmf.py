"""Low-rank multimodal fusion: a bilinear form over both modalities' features, its weight tensor kept of low rank.

Liu, Shen, Lakshminarasimhan, Liang, Zadeh, Morency: "Efficient Low-rank Multimodal Fusion with Modality-Specific
Factors", ACL 2018. With each stream's features ``t`` and ``d`` after its fully-connected layer, a one appended to both
so that the form holds each modality alone as well, and rank ``R``::

    y_k = b_k + sum over r of w_r (u_kr . [t; 1]) (v_kr . [d; 1])

The form gives the logits themselves, without a layer behind it.

Read: ``model.py`` of the authors' code (github.com/Justin1904/Low-rank-Multimodal-Fusion, commit ea47551), from which
the learnt weights ``w`` of the ranks are. There all start from Xavier's distribution; here the weights of the ranks and
of the appended ones, which are the factors' biases, start at one, so that training begins close to the sum of two
linear classifiers rather than with products of two small numbers. Before the form their code has a normalisation and
three layers for features that come from elsewhere; here the streams are trained, and have the one layer that all
methods of this kind have.
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
from baselines.two_streams import TwoFeatures


@dataclass(frozen=True, kw_only=True)
class LMF(Method):
    """Low-rank bilinear fusion after the fully-connected layers."""

    name = "lmf"
    title = "LMF"
    version = 2
    summary = "low-rank bilinear form of the features after the fully-connected layers"
    source = "Liu et al., ACL 2018 (arXiv 1806.00064)"
    space = {
        "rank": IntDistribution(1, 16, log=True),  # so many times the weights of concatenation's classifier
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Rank of the weight tensor.
    rank: Annotated[int, Field(ge=1, le=256)] = 4
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, two fully-connected layers, the factors of the bilinear form."""
        return _LMFNetwork(self, encoder, classes)


class _LMFNetwork(TwoFeatures):
    def __init__(self, method: LMF, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.rank = method.rank
        self.texture_factors = nn.Linear(method.features, method.rank * classes)
        self.depth_factors = nn.Linear(method.features, method.rank * classes)
        self.weight = nn.Parameter(torch.ones(method.rank))
        self.bias = nn.Parameter(torch.zeros(classes))
        nn.init.ones_(self.texture_factors.bias)
        nn.init.ones_(self.depth_factors.bias)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        products = self.texture_factors(self.dropout(texture)) * self.depth_factors(self.dropout(depth))
        return Output((self.weight[:, None] * products.unflatten(1, (self.rank, -1))).sum(1) + self.bias)
