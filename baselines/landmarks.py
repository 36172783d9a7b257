"""Landmarks alone: how much of the expression the coordinates of the posed landmarks tell, without a face.

A control: on data whose landmarks were set by hand, on test scans as well, it says what those who set them have seen.

Read: no code; it is a control, and no author's in particular.
"""

from dataclasses import dataclass
from typing import Annotated

from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import Field
from torch import nn
from torch.nn.functional import relu

from afnetm.data.maps import LANDMARK_ROWS
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Dropout, Method, Output
from afnetm.model.encoder import EncoderSpec


@dataclass(frozen=True, kw_only=True)
class Landmarks(Method):
    """A small perceptron over standardised coordinates, which sees neither texture nor depth."""

    name = "landmarks"
    title = "Landmarks"
    version = 1
    summary = "posed landmark coordinates alone, without a face; a control"
    source = "a perceptron with one hidden layer"
    reads = ("landmarks",)
    space = {
        "features": IntDistribution(32, 512, log=True),  # from fewer than there are coordinates to twice as many
        "dropout": FloatDistribution(0.0, 0.5),  # beyond a half, small networks stop learning
    }

    dropout: Dropout = 0.2

    #: Of the hidden layer.
    features: Annotated[int, Field(ge=1, le=4096)] = 128

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """The perceptron; it has no use for an encoder."""
        return _Perceptron(self, classes)


class _Perceptron(nn.Module):
    def __init__(self, method: Landmarks, classes: int) -> None:
        super().__init__()
        count = 3 * LANDMARK_ROWS
        self.standardise = nn.BatchNorm1d(count, affine=False)
        self.hidden = nn.Linear(count, method.features)
        self.dropout = nn.Dropout(method.dropout)
        self.classify = nn.Linear(method.features, classes)

    def forward(self, faces: FaceBatch) -> Output:
        if faces.landmarks is None:
            raise UserError("landmarks: these faces have none; say masks = 'annotated' or 'detected'")
        coordinates = self.standardise(faces.landmarks.flatten(1))
        return Output(self.classify(self.dropout(relu(self.hidden(coordinates)))))
