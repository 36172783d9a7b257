"""Depth alone: the 3D reference that a fusion has to surpass.

Read: no code; it is the usual network, and no author's in particular.
"""

from dataclasses import dataclass

from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch, Geometry
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Depth(Method):
    """The depth stream alone."""

    name = "depth"
    title = "Depth"
    version = 1
    summary = "depth alone"
    source = "one encoder and a linear classifier; the paper's 3D-only reference"
    reads = ("depth",)
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """A stream over depth (and its normals), pooled and classified."""
        stream = Stream(encoder, self.depth_channels)
        return _DepthStream(stream, Head(stream.channels, classes, self.dropout), self.geometry)


class _DepthStream(nn.Module):
    def __init__(self, stream: Stream, head: Head, kind: Geometry) -> None:
        super().__init__()
        self.depth, self.head, self.kind = stream, head, kind

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(self.depth(faces.geometry(self.kind))))
