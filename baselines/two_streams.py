"""Common beginnings of strategies: two whole streams, each with features, or with a decision, of its own."""

from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream


class TwoStreams(nn.Module):
    """A stream of texture and one of what a method calls depth; `method` is the strategy's, `encoder` the suite's."""

    def __init__(self, method: Method, encoder: EncoderSpec) -> None:
        super().__init__()
        self.kind = method.geometry
        self.texture = Stream(encoder, 3)
        self.depth = Stream(encoder, method.depth_channels)

    def maps(self, faces: FaceBatch) -> tuple[Tensor, Tensor]:
        """The last maps of texture and depth, ``(B, C, H, W)`` each."""
        return self.texture(faces.texture), self.depth(faces.geometry(self.kind))


class TwoFeatures(TwoStreams):
    """Two streams that each end in a fully-connected layer of `features` outputs."""

    def __init__(self, method: Method, encoder: EncoderSpec, *, features: int) -> None:
        super().__init__(method, encoder)
        self.texture_features = Head(self.texture.channels, features)
        self.depth_features = Head(self.depth.channels, features)
        self.dropout = nn.Dropout(method.dropout)

    def features(self, faces: FaceBatch) -> tuple[Tensor, Tensor]:
        """``relu(W pool(map))`` of texture and of depth, ``(B, features)`` each, not dropped out."""
        texture, depth = self.maps(faces)
        return self.texture_features(texture).relu(), self.depth_features(depth).relu()


class TwoDecisions(TwoStreams):
    """Two streams that each end in a classifier."""

    def __init__(self, method: Method, encoder: EncoderSpec, classes: int) -> None:
        super().__init__(method, encoder)
        self.texture_head = Head(self.texture.channels, classes, method.dropout)
        self.depth_head = Head(self.depth.channels, classes, method.dropout)

    def decisions(self, faces: FaceBatch) -> tuple[Tensor, Tensor]:
        """The logits of texture and of depth, ``(B, classes)`` float32 each."""
        texture, depth = self.maps(faces)
        return self.texture_head(texture).float(), self.depth_head(depth).float()
