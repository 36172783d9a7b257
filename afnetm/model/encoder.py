"""Streams: timm's convolutional encoders by name, cut into stages so that a method can fuse between them."""

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import timm
import torch
from pydantic import ConfigDict, Field
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.strict import STRICT


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """Which encoder every stream of every method of a suite is made of.

    Attributes:
        name: one of ``timm.list_models()``, with convolutional stages.
        width: the stages' channels as a fraction of the original's, ResNets only. A narrowed ResNet takes timm's
            ``deep`` stem, because the plain stem's 64 channels cannot be narrowed.
        weights: a ``.safetensors`` file of timm's state dict for `name`, or None for random weights.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str = "resnet18"
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: str | None = None


class Encoder(nn.Module):
    """A stream in stages 1 to 4, which end at a quarter, an eighth, a 16th and a 32nd of the picture's size.

    Attributes:
        stages: stage ``k`` is ``stages[k - 1]``; the stem is part of stage 1.
        channels: each stage's output channels.
    """

    def __init__(self, spec: EncoderSpec, in_channels: int) -> None:
        super().__init__()
        network = _create(spec, in_channels)
        infos = [info for info in network.feature_info.info if info["reduction"] >= 4]
        ends = [info["module"].replace(".", "_") for info in infos]
        stages: list[nn.Sequential] = []
        modules: list[nn.Module] = []
        for name, module in network.named_children():
            modules.append(module)
            if name in ends:
                stages.append(nn.Sequential(*modules))
                modules = []
        if len(stages) != 4 or modules:
            raise UserError(f"encoder '{spec.name}' cannot be cut into four stages; try resnet18, convnext_atto")
        self.stages = nn.ModuleList(stages)
        self.channels: list[int] = [info["num_chs"] for info in infos]

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, S, S)`` to the last stage's ``(B, C, S / 32, S / 32)``."""
        for stage in self.stages:
            x = stage(x)
        return x


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


def check_encoder(spec: EncoderSpec, *, size: int) -> None:
    """Refuses an encoder that cannot be built or cannot read faces of `size` pixels, before anything is trained.

    Raises:
        UserError: the name is not timm's own, it has no convolutional stages, or size or weights do not fit.
    """
    encoder = Encoder(spec, 3).eval()
    try:
        with torch.no_grad():
            encoder(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError) as error:
        raise UserError(f"encoder '{spec.name}' cannot read {size} px: {str(error).splitlines()[0]}") from error


@cache
def _names() -> frozenset[str]:
    return frozenset(timm.list_models())


def _create(spec: EncoderSpec, in_channels: int) -> Any:
    # Only timm's own names: "hf-hub:..." would reach the network and "local-dir:..." a path.
    if spec.name not in _names():
        close = ", ".join(difflib.get_close_matches(spec.name, _names(), n=3)) or "resnet18, resnet34, convnext_atto"
        raise UserError(f"encoder '{spec.name}' is not one of timm's {len(_names())} models; nearest: {close}")
    options: dict[str, Any] = {}
    if spec.width != 1:
        if timm.model_entrypoint(spec.name).__module__ != "timm.models.resnet":
            raise UserError(f"encoder '{spec.name}' has no width; width = {spec.width} is for ResNets, others take 1.0")
        channels = tuple(max(8, round(c * spec.width)) for c in (64, 128, 256, 512))
        options = {"channels": channels, "stem_type": "deep", "stem_width": max(4, round(32 * spec.width))}
    if spec.weights is not None:
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": _checked_weights(spec, options)}}
    try:
        network = timm.create_model(spec.name, features_only=True, in_chans=in_channels, **options)
    except (RuntimeError, TypeError, AttributeError, KeyError, ValueError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise UserError(f"encoder '{spec.name}' cannot be used as stages of feature maps here: {reason}") from error
    if type(network).__name__ != "FeatureListNet":
        raise UserError(f"encoder '{spec.name}' cannot be cut into stages; try resnet18, resnet50, convnext_atto")
    return network


def _checked_weights(spec: EncoderSpec, options: dict[str, Any]) -> str:
    """The path of weights that are safetensors by content and name, and complete: timm would pass over what lacks."""
    path = Path(str(spec.weights))
    try:
        with safe_open(path, framework="np") as file:
            names = set(file.keys())
    except (OSError, SafetensorError) as error:
        raise UserError(f"encoder weights '{path}' are not a readable safetensors file: {error}") from error
    if path.suffix != ".safetensors":  # timm picks its reader by the name, and its other reader unpickles
        raise UserError(f"encoder weights '{path}' must be named *.safetensors")
    with torch.device("meta"):
        needed = timm.create_model(spec.name, num_classes=0, **options).state_dict().keys()
    lacking = sorted(needed - names)
    if lacking:
        raise UserError(f"encoder weights '{path}' are not of '{spec.name}': {len(lacking)} lack, first {lacking[0]}")
    return str(path)
