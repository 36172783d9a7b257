"""Sum fusion: each stream ends in a fully-connected layer, and a classifier reads the sum of both::

    y = W (relu(W_t pool(F_texture)) + relu(W_d pool(F_depth)))

Against concatenation the classifier has half the weights, and both streams must agree on what a feature means.

With ``fuse_stages`` maps are fused, as in Feichtenhofer, Pinz, Zisserman: "Convolutional Two-Stream Network Fusion for
Video Action Recognition", CVPR 2016, and one trunk goes on: ``F = (F_texture + F_depth) / 2``. The half keeps the scale
of a map, which a batch normalisation behind it would take out anyway. With ``unimodal_losses`` either stream also
learns from a classifier of its own, which is not asked afterwards: the loss is the sum of three cross-entropies.

Read: ``cnn_ucf101_fusion.m`` of the authors' code (github.com/feichtenhofer/twostreamfusion, commit a098f08), where the
sum of maps is not halved, and one of the streams goes on, the other one beside it if wanted. The sum of features is the
usual one, and no author's in particular.
"""

from dataclasses import dataclass
from typing import Annotated

from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn

from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec
from afnetm.model.trunk import Stages
from baselines.two_streams import FusedByOne, OwnDecisions, StagedFusion, TwoFeatures


@dataclass(frozen=True, kw_only=True)
class Addition(StagedFusion):
    """The sum after the fully-connected layers, or of maps."""

    name = "sum"
    title = "Sum"
    version = 1
    summary = "features added after the fully-connected layers"
    source = "the usual sum fusion of two-stream networks, as in Feichtenhofer et al., CVPR 2016, there on feature maps"
    space = {
        "features": IntDistribution(32, 512, log=True),  # from a few times the classes to a ResNet-18's own width
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small classifiers stop learning
    }

    #: Width of each stream's fully-connected layer.
    features: Annotated[int, Field(ge=8, le=4096)] = 128
    #: The stages, 1 to 4 and ascending, whose maps are fused, by their mean; none for the features behind the
    #: streams. From the first of them on one trunk goes on, to which each further fused map is added.
    fuse_stages: Stages = ()
    #: Whether each stream also learns from its own features' classification.
    unimodal_losses: bool = False

    def __post_init__(self) -> None:
        """Refuses stages that do not ascend, and losses of streams that decide nothing.

        Raises:
            UserError: names the key, its value and what is allowed.
        """
        super().__post_init__()
        if self.unimodal_losses and self.fuse_stages:
            raise UserError(
                f"unimodal_losses = true: the streams decide nothing by themselves where fuse_stages = "
                f"{list(self.fuse_stages)}; leave one of them out"
            )

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """Two encoders, two fully-connected layers, one classifier."""
        if self.fuse_stages:
            return FusedByOne(self, encoder, classes, self.fuse_stages, lambda texture, depth: (texture + depth) / 2)
        return _AdditionNetwork(self, encoder, classes)


class _AdditionNetwork(TwoFeatures):
    def __init__(self, method: Addition, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder, features=method.features)
        self.classifier = nn.Linear(method.features, classes)
        self.own = OwnDecisions(method.features, classes, method.dropout) if method.unimodal_losses else None

    def forward(self, faces: FaceBatch) -> Output:
        texture, depth = self.features(faces)
        logits = self.classifier(self.dropout(texture + depth))
        return Output(logits, supervised_logits=() if self.own is None else (logits, *self.own(texture, depth)))
