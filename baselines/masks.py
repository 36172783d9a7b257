"""Masks alone: how much of the expression the salient regions tell, without a face.

A control: what a method gains by masks that come from a scan's own landmarks may be no more than this.

Read: no code; it is a control, and no author's in particular.
"""

from dataclasses import dataclass
from typing import Literal

from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Masks(Method):
    """A stream over the masks, which sees neither texture nor depth."""

    name = "masks"
    title = "Masks"
    version = 1
    summary = "masks alone, without texture and depth; a control"
    source = "one encoder and a linear classifier"
    reads = ("masks",)
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    #: What is read of the masks: the "union" of the salient regions, or a plane for each of the "regions".
    mask_planes: Literal["union", "regions"] = "regions"

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """A stream over masks, pooled and classified."""
        return _MaskStream(self, encoder, classes)


class _MaskStream(nn.Module):
    def __init__(self, method: Masks, encoder: EncoderSpec, classes: int) -> None:
        super().__init__()
        self.union = method.mask_planes == "union"
        self.masks = Stream(encoder, 1 if self.union else 4)
        self.head = Head(self.masks.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(self.masks(faces.salient if self.union else faces.masks)))
