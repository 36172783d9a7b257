"""Texture alone: the 2D reference that a fusion has to surpass.

Read: no code; it is the usual network, and no author's in particular.
"""

from dataclasses import dataclass

from optuna.distributions import FloatDistribution
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Texture(Method):
    """The texture stream alone."""

    name = "texture"
    title = "Texture"
    version = 1
    summary = "texture alone"
    source = "one encoder and a linear classifier; the paper's 2D-only reference"
    reads = ("texture",)
    space = {"dropout": FloatDistribution(0.0, 0.5)}  # beyond a half, small encoders stop learning

    def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
        """A stream over texture, pooled and classified."""
        stream = Stream(encoder, 3)
        return _TextureStream(stream, Head(stream.channels, classes, self.dropout))


class _TextureStream(nn.Module):
    def __init__(self, stream: Stream, head: Head) -> None:
        super().__init__()
        self.texture, self.head = stream, head

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(self.texture(faces.texture)))
