"""Common beginnings of strategies: two whole streams, each with features, or with a decision, of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import Encoder, EncoderSpec, Head
from afnetm.model.stream import Stream
from afnetm.model.trunk import Stages, Trunk, check_stages

#: Where the last maps are fused, of any encoder: there is no trunk.
LAST: Stages = (4,)


@dataclass(frozen=True, kw_only=True)
class StagedFusion(Method):
    """A strategy that fuses where it is told: a subclass says what the default is."""

    #: The stages, ascending, whose maps are fused; none for the features behind the last map.
    fuse_stages: Stages = ()

    def __post_init__(self) -> None:
        """Refuses stages that do not ascend.

        Raises:
            UserError: names the key, its value and what is allowed.
        """
        check_stages("fuse_stages", self.fuse_stages)

    @property
    def needs_stages(self) -> bool:
        """Whether it fuses before the last map."""
        return self.fuse_stages not in {(), LAST}


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


class OwnDecisions(nn.Module):
    """A classifier of each stream's features, for streams that learn from these beside what is fused.

    The loss is then the sum of three cross-entropies; the fused decision alone is asked afterwards.
    """

    def __init__(self, features: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.texture = nn.Linear(features, classes)
        self.depth = nn.Linear(features, classes)

    def forward(self, texture: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """The logits ``(B, classes)`` of texture's and of depth's features ``(B, features)``."""
        return self.texture(self.dropout(texture)), self.depth(self.dropout(depth))


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


class FusedStreams(nn.Module):
    """Two streams up to the last stage at which they are fused, and from the first of these on a trunk.

    Fused at stage 4 alone, whole streams of any encoder end in the maps that are fused.

    Attributes:
        fused_channels: of the maps at each stage in `stages`.
        channels: of the last map.
    """

    def __init__(self, method: Method, encoder: EncoderSpec, stages: Stages) -> None:
        super().__init__()
        self.kind, self.stages = method.geometry, stages
        if stages == LAST:
            self.texture: nn.Module = Stream(encoder, 3)
            self.depth: nn.Module = Stream(encoder, method.depth_channels)
            self.channels: int = self.texture.channels
            self.fused_channels = [self.channels]
        else:
            self.texture = _Cut(encoder, 3, stages)
            self.depth = _Cut(encoder, method.depth_channels, stages)
            self.trunk = Trunk(encoder, stages)
            self.channels, self.fused_channels = self.trunk.channels, self.trunk.fused_channels

    def pairs(self, faces: FaceBatch) -> list[tuple[Tensor, Tensor]]:
        """The maps of texture and depth to be fused, ``(B, C, H, W)`` each, one pair a stage."""
        texture, depth = self.texture(faces.texture), self.depth(faces.geometry(self.kind))
        return [(texture, depth)] if self.stages == LAST else list(zip(texture, depth, strict=True))

    def last_map(self, fused: Sequence[Tensor]) -> Tensor:
        """The fused maps, one a stage, to the last map ``(B, channels, H, W)``."""
        last: Tensor = fused[0] if self.stages == LAST else self.trunk(fused)
        return last


class FusedByOne(FusedStreams):
    """Two streams that are fused by a function of two maps without parameters, and one classifier."""

    def __init__(
        self,
        method: Method,
        encoder: EncoderSpec,
        classes: int,
        stages: Stages,
        fuse: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        super().__init__(method, encoder, stages)
        self.fuse = fuse
        self.head = Head(self.channels, classes, method.dropout)

    def forward(self, faces: FaceBatch) -> Output:
        """Logits of a batch."""
        return Output(self.head(self.last_map([self.fuse(*pair) for pair in self.pairs(faces)])))


class _Cut(nn.Module):
    """A stream up to the last of `stages`: a picture to its map at each of them."""

    def __init__(self, encoder: EncoderSpec, in_channels: int, stages: Stages) -> None:
        super().__init__()
        self.fused_at = stages
        self.stages = Encoder(encoder, in_channels).stages[: stages[-1]]

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage, block in enumerate(self.stages, start=1):
            x = block(x)
            if stage in self.fused_at:
                maps.append(x)
        return maps
