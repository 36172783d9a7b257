"""OGM-GE: gradients of the modality that is ahead are scaled down, so that the other learns, too; noise is added.

Peng, Wei, Deng, Wang, Hu: "Balanced Multimodal Learning via On-the-fly Gradient Modulation", CVPR 2022 (arXiv
2203.15332). The network is `baselines.concat`, whose logits are two halves, ``y_t = W_t f_t + b / 2`` and ``y_d``
likewise. After each backward pass, over the faces of the batch::

    r_t = sum(softmax(y_t)[label]) / sum(softmax(y_d)[label]),    r_d = 1 / r_t
    k   = 1 - tanh(alpha r)    for the modality whose r is above 1; 1 for the other
    g   = k g + n              n normal, its deviation that of the elements of g before

for each weight of both encoders. Evaluation is that of `baselines.concat`.

Read: ``main.py``, ``models/basic_model.py`` and ``models/fusion_modules.py`` of the authors' code
(github.com/GeWu-Lab/OGM-GE_CVPR2022, commit 343dc1d). There the encoders' features are classified without layers of
their own, gradients are modulated in the first 51 of 100 epochs, and of weights with four axes, which in their ResNets
are all but those of norms; here in the first half of a training, and of weights with two axes or more, so that
transformers are modulated, too. They train by SGD; AdamW divides gradients by their usual size, so that here a factor
counts as far as it changes. ``alpha`` is what they recommend for CREMA-D, their dataset of facial expressions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import linear

from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingBatch, TrainingHooks
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from baselines.two_streams import TwoFeatures

#: The share of the training, from its beginning, in which gradients are modulated.
_MODULATED = 0.5


@dataclass(frozen=True, kw_only=True)
class OGM(Method):
    """Concatenation, with gradients modulated by how far either modality is ahead."""

    name = "ogm"
    title = "OGM-GE"
    version = 1
    summary = "concatenation; gradients of the modality that is ahead are scaled down"
    source = "Peng et al., CVPR 2022"
    space = {
        "alpha": FloatDistribution(0.05, 1.0),  # 0.1 to 0.8 in the paper; at 1 a modality ahead all but stands still
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: How strongly the modality that is ahead is held back.
    alpha: Annotated[float, Field(gt=0, le=10)] = 0.8
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, one classifier."""
        return _OGMNetwork(self, encoder, classes)


class _OGMNetwork(TwoFeatures, TrainingHooks):
    def __init__(self, method: OGM, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.alpha = method.alpha
        self.classifier = nn.Linear(2 * method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        features = self.dropout(torch.cat(self.features(faces), 1))
        logits = self.classifier(features)
        parts = zip(features.detach().chunk(2, 1), self.classifier.weight.detach().chunk(2, 1), strict=True)
        halves = [linear(of, weight, self.classifier.bias.detach() / 2) for of, weight in parts]
        # The halves are for `adjust_gradients`, and learn nothing.
        return Output(logits, supervised_logits=(logits, *halves), supervised_weights=(1.0, 0.0, 0.0))

    def adjust_gradients(self, output: Output, batch: TrainingBatch) -> None:
        """Scales and disturbs the encoders' gradients."""
        texture, depth = output.supervised_logits[1:]
        early = batch.progress <= _MODULATED
        for stream, factor in zip(
            (self.texture, self.depth), modulation(texture, depth, batch.targets, self.alpha), strict=True
        ):
            for gradient in _gradients(stream):
                noise = torch.randn_like(gradient) * gradient.std()
                gradient.copy_(torch.where(early, factor * gradient + noise, gradient))


def modulation(texture: Tensor, depth: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """The factors, float32 scalars, of texture's and of depth's gradients.

    Args:
        texture: ``(B, K)``, its half of the logits.
        depth: the same.
        targets: ``(B,)`` int64.
        alpha: how strongly the one that is ahead is held back.
    """
    scores = [of.detach().float().softmax(1).gather(1, targets[:, None]).sum() for of in (texture, depth)]
    ratio = scores[0] / scores[1]
    one = torch.ones_like(ratio)
    return (
        torch.where(ratio > 1, 1 - torch.tanh(alpha * ratio), one),
        torch.where(ratio > 1, one, 1 - torch.tanh(alpha / ratio)),
    )


def _gradients(stream: nn.Module) -> Iterator[Tensor]:
    for parameter in stream.parameters():
        if parameter.ndim > 1 and parameter.grad is not None:
            yield parameter.grad
