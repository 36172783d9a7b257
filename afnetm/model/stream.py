"""Streams: any of timm's encoders that ends in a map of features, whole, for methods that need only that map."""

from collections.abc import Iterable
from dataclasses import replace

import torch
from timm.layers import to_2tuple
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.model.encoder import (
    UNFIT,
    Encoder,
    EncoderPart,
    EncoderSpec,
    create_network,
    given_weights,
    has_stages,
    normalisation,
    reason,
)
from afnetm.training.process import prepared


class Stream(nn.Module):
    """An encoder from picture to last feature map: convolutional stages, other convolutions, or tokens on a grid.

    Attributes:
        channels: of the last feature map.
    """

    def __init__(self, spec: EncoderSpec, in_channels: int) -> None:
        super().__init__()
        body = Encoder(spec, in_channels) if has_stages(spec) else _Whole(spec, in_channels)
        self.body = body
        self.channels: int = body.channels[-1]

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, S, S)`` to ``(B, channels, H, W)``; ``H = W = S / 32`` for most convolutional encoders."""
        features: Tensor = self.body(x)
        return features


class _Whole(EncoderPart):
    """An encoder that is not cut: its last map after its final norm; class and other prefix tokens left out."""

    def __init__(self, spec: EncoderSpec, in_channels: int) -> None:
        super().__init__()
        if spec.frozen_stages not in {0, "all"}:
            raise UserError(
                f"encoder.frozen_stages = {spec.frozen_stages}: encoder '{spec.name}' cannot be cut into stages; "
                "say 'all', or leave it out"
            )
        self.before = nn.Sequential(*normalisation(spec, in_channels))
        self.network = create_network(spec, in_channels)
        patch = to_2tuple(getattr(getattr(self.network, "patch_embed", None), "patch_size", 1))
        if spec.size is not None and any(spec.size % side for side in patch):  # timm would pass over the last pixels
            raise UserError(f"encoder '{spec.name}' cannot read {spec.size} px: its patches are {patch[0]} px wide")
        try:
            # What comes after the map is taken out: every parameter is to be learnt.
            self.last = self.network.prune_intermediate_layers(1, prune_norm=False, prune_head=True)
            self.channels: list[int] = [self.network.feature_info[-1]["num_chs"]]
        except UNFIT as error:
            raise UserError(f"encoder '{spec.name}' does not end in a map of features: {reason(error)}") from error
        self.marked(pretrained=given_weights(spec, in_channels) is not None, frozen=spec.frozen_stages == "all")

    def forward(self, x: Tensor) -> Tensor:
        (features,) = self.network.forward_intermediates(
            self.before(x), indices=self.last, norm=True, output_fmt="NCHW", intermediates_only=True
        )
        whole: Tensor = features
        return whole


def check_encoder(spec: EncoderSpec, *, size: int, staged: Iterable[str] = ()) -> None:
    """Refuses an encoder that cannot be built, read faces of `size` pixels, or be cut, before anything is made.

    It is tried in the mode that trainings compute in: what torch refuses there, because it would not repeat itself, is
    refused here.

    Args:
        spec: the suite's.
        size: of the dataset's faces, in pixels.
        staged: methods that need stages.

    Raises:
        UserError: the name is not timm's own, a staged method is to use what cannot be cut, or size or weights do not
            fit.
    """
    if spec.size not in {None, size}:
        raise UserError(f"encoder.size = {spec.size}: the dataset's faces are {size} px; leave it out")
    spec = replace(spec, size=size)
    stream = Stream(spec, 4)  # of depth and normals: what reads four channels reads three
    if spec.depth_weights is not None:
        Stream(spec, 3)  # by other weights
    for method in staged:
        if not has_stages(spec):
            raise UserError(
                f"method '{method}' fuses between stages, and encoder '{spec.name}' cannot be cut into any; "
                "leave the method out, or try resnet18, convnext_atto"
            )
    try:
        with prepared():
            features = stream(torch.zeros(2, 4, size, size))
            if features.requires_grad:  # else all is frozen
                torch.autograd.backward(features.sum())
    except UNFIT as error:
        raise UserError(f"encoder '{spec.name}' cannot read {size} px: {reason(error)}") from error
    if features.ndim != 4 or features.shape[1] != stream.channels:
        raise UserError(f"encoder '{spec.name}' does not end in a map of {stream.channels} channels, as timm says")
    trained = {name: parameter for name, parameter in stream.named_parameters() if parameter.requires_grad}
    idle = [name for name, parameter in trained.items() if parameter.grad is None]
    if idle:
        raise UserError(f"encoder '{spec.name}' has layers that its last map does not depend on, first {idle[0]}")
