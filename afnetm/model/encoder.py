"""timm's encoders by name, and those that can be cut into stages, so that a method can fuse between them."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self

import timm
import torch
from pydantic import ConfigDict, Field
from timm.layers import Format
from torch import Tensor, nn

from afnetm.data.decoding import TEXTURE_DEVIATION, TEXTURE_MEAN
from afnetm.errors import UserError, nearest
from afnetm.model.weights import weights_file, weights_path
from afnetm.strict import STRICT

#: Channels of what a depth stream may read (`afnetm.face_batch.Geometry`); texture has three.
_DEPTH_CHANNELS = (1, 2, 4, 5)
#: What timm and torch raise where a name, a size or weights do not fit.
UNFIT = (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """Encoder of every stream of every method of a suite.

    Attributes:
        name: one of ``timm.list_models()``. Methods that fuse between stages need one that can be cut into four.
        width: the stages' channels as a fraction of the original's, ResNets only. A narrowed ResNet takes timm's
            ``deep`` stem, because the plain stem's 64 channels cannot be narrowed.
        output_stride: pixels from one position of the last map to the next, for convolutional encoders that timm can
            dilate: later stages keep the size of the map and widen their kernels instead. 32 leaves the encoder as timm
            builds it. With 16, faces of 64 pixels have a last map of 4 x 4, not 2 x 2.
        weights: a ``.safetensors`` file of timm's state dict for `name`; ``"timm"`` for those that timm publishes,
            which are downloaded once (`afnetm.model.weights.published_file`); or None for random weights. A picture of
            one or more than three channels is read by weights that timm averages or repeats over channels.
        depth_weights: the same for what reads depth; None for `weights`.
        normalise: whether texture is shifted and scaled as the encoder's weights were trained with it (timm's
            ``pretrained_cfg``); None for whether weights are given.
        frozen_stages: how many of the first stages, the stem among them, keep their given weights as they are; or
            ``"all"``, the one choice beside 0 for encoders that have no stages. What is frozen has no gradients and
            computes as in evaluation, so that batch norms keep their running statistics, too. A trunk's stages count
            as those of a stream.
        size: side of the faces in pixels, for encoders built for one size (those with position embeddings or windows);
            None for timm's own. A benchmark sets it to its dataset's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str = "resnet18"
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    output_stride: Literal[8, 16, 32] = 32
    weights: str | None = None
    depth_weights: str | None = None
    normalise: bool | None = None
    frozen_stages: Literal[0, 1, 2, 3, "all"] = 0
    size: Annotated[int, Field(ge=1)] | None = None

    @property
    def fine_tuned(self) -> bool:
        """Whether given weights are trained further: whether there are any, and not all of them frozen."""
        return (self.weights or self.depth_weights) is not None and self.frozen_stages != "all"


class Normalised(nn.Module):
    """Texture as `FaceBatch` has it to texture as an encoder's published weights expect it: ``(B, 3, S, S)``.

    Args:
        name: of the encoder; its ``pretrained_cfg`` says mean and deviation of pixels in 0..1.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        config = timm.get_pretrained_cfg(name)
        mean, deviation = (
            (torch.tensor(config.mean), torch.tensor(config.std)) if config else (torch.zeros(3), torch.ones(3))
        )
        own = TEXTURE_DEVIATION, TEXTURE_MEAN
        self.register_buffer("scale", (own[0] / deviation).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", ((own[1] - mean) / deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return x * self.scale + self.shift


def normalisation(spec: EncoderSpec, in_channels: int) -> list[nn.Module]:
    """Modules before an encoder of `in_channels`: `Normalised` for texture where `spec` says so, or none."""
    wanted = spec.weights is not None if spec.normalise is None else spec.normalise
    return [Normalised(spec.name)] if wanted and in_channels == 3 else []


class EncoderPart(nn.Module):
    """Layers of an encoder that know where their weights come from, wherever in a network a method puts them.

    Attributes:
        pretrained: whether they began with given weights.
        frozen: whether these are not trained; the layers are then in evaluation mode, whatever their network's is.
    """

    pretrained = False
    frozen = False

    def marked(self, *, pretrained: bool, frozen: bool) -> Self:
        """Itself, marked so; what is frozen has no gradients from now on."""
        self.pretrained, self.frozen = pretrained, frozen
        return self.requires_grad_(False).eval() if frozen else self

    def train(self, mode: bool = True) -> Self:
        """Training mode, or evaluation mode where `mode` says so or the weights are frozen."""
        return super().train(mode and not self.frozen)


class Stage(EncoderPart, nn.Sequential):
    """One stage of an `Encoder`: ``(B, C, H, W)`` to ``(B, C', H', W')``."""


class Encoder(nn.Module):
    """A stream in stages 1 to 4, for methods that fuse between them (`Method.staged`); `Stream` is for all others.

    The stages end at a quarter, an eighth, a 16th and a 32nd of the picture's size, but never below the encoder's
    output stride.

    Attributes:
        stages: stage ``k`` is ``stages[k - 1]``; the stem is part of stage 1.
        channels: each stage's output channels.
    """

    def __init__(self, spec: EncoderSpec, in_channels: int) -> None:
        super().__init__()
        network = create_network(spec, in_channels, features_only=True)
        # Only a list of modules that are called in turn can be cut; and what is fused is (B, C, H, W).
        if type(network).__name__ != "FeatureListNet" or network.output_fmt != Format.NCHW:
            raise UserError(f"encoder '{spec.name}' cannot be cut into stages; try resnet18, resnet50, convnext_atto")
        infos = [info for info in network.feature_info.info if info["reduction"] >= 4]
        ends = [info["module"].replace(".", "_") for info in infos]
        stages: list[Stage] = []
        modules = normalisation(spec, in_channels)
        for name, module in network.named_children():
            modules.append(module)
            if name in ends:
                stages.append(Stage(*modules))
                modules = []
        if len(stages) != 4 or modules:
            raise UserError(f"encoder '{spec.name}' cannot be cut into four stages; try resnet18, convnext_atto")
        pretrained = given_weights(spec, in_channels) is not None
        frozen = len(stages) if spec.frozen_stages == "all" else spec.frozen_stages
        self.stages = nn.ModuleList(
            stage.marked(pretrained=pretrained, frozen=number < frozen) for number, stage in enumerate(stages)
        )
        self.channels: list[int] = [info["num_chs"] for info in infos]

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, S, S)`` to the last stage's ``(B, C, S / output_stride, S / output_stride)``."""
        for stage in self.stages:
            x = stage(x)
        return x

    @property
    def stem(self) -> list[nn.Module]:
        """The layers before stage 1's own, to be called in turn."""
        return list(self.stages[0].children())[:-1]

    @property
    def blocks(self) -> list[list[nn.Module]]:
        """Each stage's layers to be called in turn, the stem left out: its blocks, where timm has them in a row."""
        layers = [list(stage.children()) for stage in self.stages]
        layers[0] = layers[0][-1:]
        return [
            [block for layer in own for block in (layer.children() if isinstance(layer, nn.Sequential) else [layer])]
            for own in layers
        ]


class Head(nn.Module):
    """Global average pooling, dropout and a linear layer: ``(B, C, H, W)`` to ``(B, features)``."""

    def __init__(self, channels: int, features: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, features)

    def forward(self, x: Tensor) -> Tensor:
        """The features, or logits, of the pooled map."""
        out: Tensor = self.linear(self.dropout(x.mean((2, 3))))
        return out


def given_weights(spec: EncoderSpec, in_channels: int) -> str | None:
    """The weights of `spec` that are for pictures of `in_channels`: three are texture's, up to five depth's."""
    depth = spec.depth_weights if in_channels in _DEPTH_CHANNELS else None
    return depth or spec.weights


def check_frozen(spec: EncoderSpec) -> None:
    """Refuses to freeze random weights; an encoder that is made to take a trained model's is not asked.

    Raises:
        UserError: names the key, its value and what is allowed.
    """
    if spec.frozen_stages != 0 and spec.weights is None:
        value = f"'{spec.frozen_stages}'" if spec.frozen_stages == "all" else spec.frozen_stages
        raise UserError(
            f"encoder.frozen_stages = {value}: random weights would stay random; give encoder.weights, or leave it out"
        )


@cache
def has_stages(spec: EncoderSpec) -> bool:
    """Whether `spec` can be cut into stages: whether `Encoder` can be made of it."""
    try:
        with torch.device("meta"):
            Encoder(replace(spec, weights=None, depth_weights=None), 3)
    except UserError:
        return False
    return True


@cache
def _names() -> frozenset[str]:
    return frozenset(timm.list_models())


def create_network(spec: EncoderSpec, in_channels: int, *, features_only: bool = False) -> Any:
    """timm's network by name, without its classifier, with random or the given weights; nothing is downloaded.

    Raises:
        UserError: the name is not timm's own, or width, size or weights do not fit it.
    """
    # Only timm's own names: "hf-hub:..." would reach the network and "local-dir:..." a path.
    if spec.name not in _names():
        close = ", ".join(nearest(spec.name, _names(), count=3)) or "resnet18, resnet34, convnext_atto"
        raise UserError(f"encoder '{spec.name}' is not one of timm's {len(_names())} models; nearest: {close}")
    options: dict[str, Any] = {}
    config = timm.get_pretrained_cfg(spec.name)
    if spec.size is not None and config is not None and config.fixed_input_size:
        options["img_size"] = spec.size
    if spec.width != 1:
        if timm.model_entrypoint(spec.name).__module__ != "timm.models.resnet":
            raise UserError(f"encoder '{spec.name}' has no width; width = {spec.width} is for ResNets, others take 1.0")
        channels = tuple(max(8, round(c * spec.width)) for c in (64, 128, 256, 512))
        options |= {"channels": channels, "stem_type": "deep", "stem_width": max(4, round(32 * spec.width))}
    if spec.output_stride != 32:
        options["output_stride"] = spec.output_stride
    kind: dict[str, Any] = {"features_only": True} if features_only else {"num_classes": 0}
    try:
        if source := given_weights(spec, in_channels):
            file = weights_file(weights_path(source, spec.name), spec.name, in_channels, options)
            weights = {"pretrained": True, "pretrained_cfg_overlay": {"file": file}}
        else:
            weights = {}
        return timm.create_model(spec.name, in_chans=in_channels, **kind, **weights, **options)
    except UNFIT as error:
        _check_output_stride(spec)
        raise UserError(f"encoder '{spec.name}' cannot be built as asked: {reason(error)}") from error


def _check_output_stride(spec: EncoderSpec) -> None:
    """Says so where it is the output stride that an encoder, which cannot be built, does not take.

    Raises:
        UserError: it can be built without.
    """
    if spec.output_stride == 32:
        return
    try:
        with torch.device("meta"):
            create_network(replace(spec, output_stride=32, weights=None, depth_weights=None), 3)
    except UserError:
        return
    raise UserError(
        f"encoder '{spec.name}' cannot be dilated to output_stride = {spec.output_stride}; leave it out, or try "
        "resnet18, convnext_atto"
    )


def reason(error: Exception) -> str:
    """The first line of what `error` says."""
    return str(error).strip().split("\n")[0] or type(error).__name__
