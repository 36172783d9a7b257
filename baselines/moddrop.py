"""Modality dropout: in training a face may lose a modality, so that neither stream is left to what the other knows.

Shi, Hsu, Lakhotia, Mohamed: "Learning Audio-Visual Speech Representation by Masked Multimodal Cluster Prediction"
(AV-HuBERT), ICLR 2022 (arXiv 2201.02184), section on modality dropout; the idea is ModDrop's (Neverova, Wolf, Taylor,
Nebout, TPAMI 2016, arXiv 1501.00102). With the streams' features ``f_t`` and ``f_d`` and two draws a face::

    (k_t, k_d) = (0, 1)   with probability  modality_dropout * texture_dropout
                 (1, 0)   with probability  modality_dropout * (1 - texture_dropout)
                 (1, 1)   otherwise, and always at test time
    y          = W [k_t f_t; k_d f_d]

Read: ``avhubert/hubert.py`` and ``conf/pretrain/base_vox_iter5.yaml`` of the authors' code
(github.com/facebookresearch/av_hubert, commit b4fa4af), from which both probabilities are, and that features are
zeroed, not inputs, and not scaled up afterwards; so batch norms see whole faces alone. It draws once a batch, here once
a face, because a training has hundreds of steps, not hundreds of thousands. There a transformer reads the features, and
the training is self-supervised; here it is `concat` that is trained so. ModDrop was not read, and is cited from memory.
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
from baselines.two_streams import TwoFeatures


@dataclass(frozen=True, kw_only=True)
class ModalityDropout(Method):
    """Concatenation, trained on faces that may lack a modality."""

    name = "moddrop"
    title = "Modality dropout"
    version = 1
    summary = "concatenated features, of which a face in training may lose a modality's"
    source = "AV-HuBERT of Shi et al., ICLR 2022 (arXiv 2201.02184); after ModDrop, TPAMI 2016"
    space = {
        "modality_dropout": FloatDistribution(0.1, 0.9),  # from now and then to one modality nearly always
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Probability that a face in training loses one of its modalities.
    modality_dropout: Annotated[float, Field(ge=0, le=1)] = 0.5
    #: Probability that it is texture which such a face loses.
    texture_dropout: Annotated[float, Field(ge=0, le=1)] = 0.5
    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two streams, two fully-connected layers, one classifier."""
        return _ModalityDropoutNetwork(self, encoder, classes)


def kept_modalities(count: int, *, dropout: float, texture: float, device: torch.device) -> Tensor:
    """Draws which modalities `count` faces keep: ``(count, 2)`` float32 of 0 and 1, texture first, never two zeros.

    Args:
        count: of the faces.
        dropout: probability of losing one.
        texture: probability that it is texture.
        device: of the faces.
    """
    loses, which = torch.rand(2, count, device=device)
    lost = torch.stack([which < texture, which >= texture], 1) & (loses < dropout)[:, None]
    return torch.where(lost, 0.0, 1.0)


class _ModalityDropoutNetwork(TwoFeatures):
    def __init__(self, method: ModalityDropout, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.lost = {"dropout": method.modality_dropout, "texture": method.texture_dropout}
        self.classifier = nn.Linear(2 * method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        if self.training:
            kept = kept_modalities(len(texture), **self.lost, device=texture.device)
            texture, depth = kept[:, :1] * texture, kept[:, 1:] * depth
        return Output(self.classifier(self.dropout(torch.cat([texture, depth], 1))))
