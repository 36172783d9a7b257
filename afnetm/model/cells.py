"""Cells: which pixels a position of an encoder's map stands for, so that masks are read where features were seen.

A strided convolution that is padded on both sides, as a ResNet's, puts the middle of cell ``i`` on pixel
``i * stride``; one that cuts the picture into patches, as a ConvNeXt's, on the middle of patch ``i``. Half a cell lies
between: 16 pixels at a stride of 32.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from timm.layers import to_2tuple
from torch import Tensor, nn

from afnetm.model.encoder import Encoder, EncoderSpec, has_stages
from afnetm.model.stream import Stream

#: Of the picture that is sent through an encoder to see what it does, pixels, unless it is built for one size.
_SIZE = 224


@dataclass(frozen=True)
class Cells:
    """The cells of a map: the middle of cell ``i``, along either side, is at pixel ``i * stride + offset``.

    Pixels are counted by their middles, so that the middle of the first ``s`` pixels is ``(s - 1) / 2``.
    """

    stride: int
    offset: float

    def pooled(self, planes: Tensor, features: Tensor) -> Tensor:
        """Planes ``(B, R, H, W)`` as the map `features` ``(B, C, h, w)`` sees them: ``(B, R, h, w)`` float32.

        Each cell has the mean of the ``stride * stride`` pixels around its middle, of those that are in the picture.
        """
        rows, columns = (self._windows(planes.shape[axis], features.shape[axis], planes.device) for axis in (2, 3))
        return (rows @ planes @ columns.T).float()

    def _windows(self, pixels: int, cells: int, device: torch.device) -> Tensor:
        """``(cells, pixels)``: what part of each cell's window is on each pixel; every row sums to 1."""
        middles = torch.arange(cells, device=device, dtype=torch.float32)[:, None] * self.stride + self.offset
        pixel = torch.arange(pixels, device=device, dtype=torch.float32)
        half = self.stride / 2
        common = torch.minimum(pixel + 0.5, middles + half) - torch.maximum(pixel - 0.5, middles - half)
        common = common.clamp_min(0)
        return common / common.sum(1, keepdim=True).clamp_min(1e-6)


def stage_cells(spec: EncoderSpec) -> tuple[Cells, ...]:
    """The cells of each stage's map of an encoder that can be cut into stages."""
    return _traced(replace(spec, weights=None), True)


def last_cells(spec: EncoderSpec) -> Cells:
    """The cells of the last map of any encoder."""
    return _traced(replace(spec, weights=None), has_stages(spec))[-1]


@cache
def _traced(spec: EncoderSpec, staged: bool) -> tuple[Cells, ...]:
    """Found by sending a picture through, on no device: layers say by stride, kernel and padding where cells go.

    Of several layers with a stride that read a map of one size, the first is the main path's and the others shortcuts
    beside it. What cannot be followed, as a merging of patches without any such layer, has its cells in the middle of
    what they join.
    """
    layers: list[tuple[int, int, float]] = []
    ends: list[tuple[int, int]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], _output: Any) -> None:
        stride, size = to_2tuple(layer.stride)[0], inputs[0].shape[-1]
        if inputs[0].ndim == 4:
            layers.append((size, stride, _middle(layer, size, stride)))

    def end(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        ends.append((output.shape[-1], len(layers)))

    size = spec.size or _SIZE
    with torch.device("meta"), torch.no_grad():
        network = Encoder(spec, 3) if staged else Stream(spec, 3)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
                module.register_forward_hook(note)
        for stage in network.stages if isinstance(network, Encoder) else [network]:
            stage.register_forward_hook(end)
        network.eval()(torch.zeros(1, 3, size, size))
    return tuple(_cells(layers[:count], stride=round(size / side)) for side, count in ends)


def _cells(layers: list[tuple[int, int, float]], *, stride: int) -> Cells:
    """Of a map of this stride that such layers, each the size it reads, its stride and its middle, have made."""
    jump, offset, passed = 1, 0.0, set()
    for size, step, middle in layers:
        if size not in passed:
            offset += middle * jump
            jump *= step
        if step > 1:
            passed.add(size)
    return Cells(jump, offset) if jump == stride else Cells(stride, (stride - 1) / 2)


def _middle(layer: Any, size: int, stride: int) -> float:
    """Middle of a layer's first window, in positions of the map of `size` that it reads."""
    reach: int = to_2tuple(getattr(layer, "dilation", 1))[0] * (to_2tuple(layer.kernel_size)[0] - 1)
    padding = layer.padding
    if isinstance(padding, str) or type(layer).__name__.endswith("Same"):  # as TensorFlow pads: less before than after
        lacking = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
        before = 0 if padding == "valid" else lacking // 2
    else:
        before = int(to_2tuple(padding)[0])
    return reach / 2 - before
