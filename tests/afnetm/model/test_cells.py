"""Where cells are, against what a linear network of the same layers is seen to read; and masks, against sub-pixels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from afnetm.model.cells import Cells, last_cells, stage_cells
from afnetm.model.encoder import Encoder, EncoderSpec
from afnetm.model.stream import Stream


def linear(network: nn.Module) -> nn.Module:
    """The network with its strides and paddings, every weight positive and alike, and nothing that is not linear."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
            elif not isinstance(child, nn.Conv2d | nn.AvgPool2d) and not list(child.children()):
                setattr(module, name, nn.Identity())
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1 / max(1, parameter[0].numel()))
    return network.double().eval()


def middle(output: Tensor, picture: Tensor, cell: int) -> list[float]:
    """The mean place, down and across, of the pixels that a cell of `output` reads."""
    (reached,) = torch.autograd.grad(output[0, :, cell, cell].sum(), picture, retain_graph=True)
    weight = reached.sum((0, 1)) / reached.sum()
    at = torch.arange(picture.shape[-1], dtype=weight.dtype)
    return [float((weight.sum(1) * at).sum()), float((weight.sum(0) * at).sum())]


@pytest.mark.parametrize(
    "spec",
    [
        EncoderSpec(width=0.125),
        EncoderSpec(width=0.125, output_stride=16),
        EncoderSpec(name="test_convnext"),
        EncoderSpec(name="test_convnext", output_stride=16),
    ],
    ids=lambda spec: f"{spec.name}-{spec.output_stride}",
)
def test_a_cell_is_in_the_middle_of_what_it_reads(spec: EncoderSpec) -> None:
    encoder, picture = linear(Encoder(spec, 1)), torch.ones(1, 1, 800, 800).double().requires_grad_()
    x: Tensor = picture
    for stage, cells in zip(encoder.stages, stage_cells(spec), strict=True):
        x = stage(x)
        cell = x.shape[2] // 2
        assert x.shape[2] == 800 // cells.stride
        wanted = pytest.approx(cell * cells.stride + cells.offset, abs=0.01)
        assert middle(x, picture, cell) == [wanted, wanted]
    assert last_cells(spec) == stage_cells(spec)[-1]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("test_vit", Cells(16, 7.5)),  # patches
        ("swin_tiny_patch4_window7_224", Cells(32, 15.5)),  # patches that are merged two by two
        ("test_efficientnet", Cells(32, 0.0)),
        ("tf_efficientnet_lite0", Cells(32, 31.0)),  # padded behind alone
    ],
)
def test_what_is_not_cut_has_cells_too(name: str, cells: Cells) -> None:
    spec = EncoderSpec(name=name, size=64)
    torch.manual_seed(0)
    assert last_cells(spec) == cells
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert drawn == torch.rand(1)  # to find out draws nothing


def test_padding_behind_alone_moves_cells_as_well() -> None:
    network = linear(Stream(EncoderSpec(name="tf_efficientnet_lite0"), 1))
    picture = torch.ones(1, 1, 512, 512).double().requires_grad_()
    wanted = pytest.approx(7 * 32 + 31, abs=0.5)
    assert middle(network(picture), picture, 7) == [wanted, wanted]


@settings(max_examples=40, deadline=None)
@given(
    pixels=st.integers(9, 40),
    stride=st.sampled_from([1, 2, 3, 4, 8]),
    half=st.integers(0, 15),
    seed=st.integers(0, 99),
)
def test_a_plane_is_pooled_over_the_pixels_around_each_middle(pixels: int, stride: int, half: int, seed: int) -> None:
    """Each pixel is cut into two by two, so that windows begin and end between the parts."""
    offset = min(half / 2, stride - 0.5)
    count = max(1, int((pixels - 1 - offset) // stride) + 1)
    planes = torch.rand(1, 2, pixels, pixels, generator=torch.Generator().manual_seed(seed))
    got = Cells(stride, offset).pooled(planes, torch.zeros(1, 5, count, count))
    fine = planes.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for i in range(count):
        for j in range(count):
            rows, columns = (
                slice(
                    max(0, round(2 * (k * stride + offset - stride / 2) + 1)),
                    round(2 * (k * stride + offset + stride / 2) + 1),
                )
                for k in (i, j)
            )
            assert torch.allclose(got[0, :, i, j], fine[0, :, rows, columns].mean((1, 2)), atol=1e-5)


def test_a_spot_is_seen_by_the_cell_that_stands_on_it_in_whatever_precision() -> None:
    spot = torch.zeros(1, 1, 64, 64)
    spot[..., 31:34, 15:18] = 1  # around pixel (32, 16)
    with torch.autocast("cpu", torch.bfloat16):
        cornered = Cells(16, 0.0).pooled(spot, torch.zeros(1, 8, 4, 4))
        patches = Cells(16, 7.5).pooled(spot, torch.zeros(1, 8, 4, 4))
    assert cornered.dtype == torch.float32
    assert cornered[0, 0, 2, 1] == cornered.sum()
    assert (patches > 0).sum() == 4  # divided between the four patches that meet there
