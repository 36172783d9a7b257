import math

import pytest
import torch
from torch import Tensor

from afnetm.model.attention import (
    AffineAttention,
    AttentionKind,
    MaskModulation,
    NoAttention,
    ScaleAttention,
    mask_attention,
    relative_change,
)
from afnetm.model.cells import Cells

FORMS = pytest.mark.parametrize("form", [AffineAttention, ScaleAttention])
#: A map of a quarter of the masks' side, and one of their own.
QUARTER, SAME = Cells(4, 1.5), Cells(1, 0.0)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def trained(
    form: type[AffineAttention | ScaleAttention], channels: int, cells: Cells = QUARTER
) -> AffineAttention | ScaleAttention:
    """MA as after some training: no weight is zero."""
    module = form(channels, cells=cells)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return module


def half_mask(size: int, planes: int = 1) -> Tensor:
    mask = torch.zeros(3, planes, size, size)
    mask[..., : size // 2] = 1
    return mask


def gelu(x: Tensor) -> Tensor:
    """``x`` times the share of a standard normal distribution below it."""
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def vectors(module: AffineAttention | ScaleAttention, features: Tensor, plane: Tensor) -> Tensor:
    """Both vectors of one face ``(C, H, W)`` and plane ``(H, W)``, position by position."""
    _, height, width = features.shape
    positions = [(i, j) for i in range(height) for j in range(width)]
    mean = sum(features[:, i, j] * plane[i, j] for i, j in positions) / sum(plane[i, j] for i, j in positions)
    hidden = gelu(module.squeeze.weight @ mean + module.squeeze.bias)
    return module.modulate.weight @ hidden + module.modulate.bias


@pytest.mark.parametrize("planes", [1, 4])
@pytest.mark.parametrize("kind", ["affine", "scale", "mask", "none"])
def test_it_starts_as_the_identity(kind: AttentionKind, planes: int) -> None:
    features, masks = torch.randn(3, 6, 8, 8), torch.rand(3, planes, 32, 32)
    assert torch.equal(mask_attention(kind, 6, cells=QUARTER, planes=planes, reduction=8)(features, masks), features)


def test_affine_leaves_alone_what_is_not_salient() -> None:
    features = torch.randn(3, 6, 8, 8)
    adjusted = trained(AffineAttention, 6)(features, half_mask(32))
    assert torch.equal(adjusted[..., 4:], features[..., 4:])
    assert (adjusted[..., :4] - features[..., :4]).abs().mean() > 0.01


def test_scale_changes_what_is_salient_and_what_remains_each_by_what_is_there() -> None:
    module, features = trained(ScaleAttention, 6), torch.rand(3, 6, 8, 8) + 0.1
    factor = module(features, half_mask(32)) / features
    for half in (factor[..., :4], factor[..., 4:]):
        assert torch.allclose(half, half[..., :1, :1].expand_as(half), atol=1e-5)  # a factor a channel
        assert (half - 1).abs().mean() > 0.01
    assert not torch.allclose(factor[..., :4], factor[..., 4:], atol=1e-2)


@FORMS
def test_salient_positions_are_adjusted_by_what_is_salient_alone(form: type[AffineAttention | ScaleAttention]) -> None:
    module, features = trained(form, 6), torch.randn(3, 6, 8, 8)
    other = features.clone()
    other[..., 4:] = torch.randn(3, 6, 8, 4)
    mask = half_mask(32)
    assert torch.allclose(module(features, mask)[..., :4], module(other, mask)[..., :4], atol=1e-6)


@pytest.mark.parametrize("planes", [1, 2])
def test_affine_is_the_documented_formula_position_by_position(planes: int) -> None:
    module, features, masks = trained(AffineAttention, 4, SAME), torch.randn(2, 4, 3, 3), torch.rand(2, planes, 3, 3)
    got = module(features, masks)
    for b in range(2):
        pairs = [vectors(module, features[b], masks[b, r]) for r in range(planes)]
        for i in range(3):
            for j in range(3):
                m = masks[b, :, i, j]
                scale = sum(m[r] * pairs[r][:4] for r in range(planes))
                shift = sum(m[r] * pairs[r][4:] for r in range(planes))
                assert torch.allclose(got[b, :, i, j], features[b, :, i, j] * (1 + scale) + shift, atol=1e-5)


@pytest.mark.parametrize("planes", [1, 2])
def test_scale_is_the_documented_formula_position_by_position(planes: int) -> None:
    module, features, masks = trained(ScaleAttention, 4, SAME), torch.randn(2, 4, 3, 3), torch.rand(2, planes, 3, 3)
    got = module(features, masks)
    for b in range(2):
        remaining = 1 - masks[b].max(0).values
        salient = [vectors(module, features[b], masks[b, r])[:4] for r in range(planes)]
        rest = vectors(module, features[b], remaining)[4:]
        for i in range(3):
            for j in range(3):
                factor = 1 + sum(masks[b, r, i, j] * salient[r] for r in range(planes)) + remaining[i, j] * rest
                assert torch.allclose(got[b, :, i, j], features[b, :, i, j] * factor, atol=1e-5)


@pytest.mark.parametrize("planes", [1, 4])
def test_mask_is_a_scale_and_a_shift_of_each_channel_that_the_masks_alone_decide(planes: int) -> None:
    module = MaskModulation(6, planes=planes)
    torch.nn.init.normal_(module.modulate.weight, std=0.3)
    masks, features, others = torch.rand(2, planes, 32, 32), torch.rand(2, 6, 8, 8) + 0.1, torch.rand(2, 6, 8, 8)
    got, of_others, of_nothing = module(features, masks), module(others, masks), module(torch.zeros(2, 6, 1, 1), masks)
    scale = (got - of_nothing) / features
    assert torch.allclose(scale, scale[..., :1, :1].expand_as(scale), atol=1e-5)  # the same everywhere
    assert torch.allclose(of_others, others * scale[..., :1, :1] + of_nothing, atol=1e-5)  # whatever the features are
    assert (module(features, masks.flip(0)) - got).abs().mean() > 1e-4
    assert (scale - 1).abs().mean() > 1e-3


@FORMS
def test_every_number_of_it_learns(form: type[AffineAttention | ScaleAttention]) -> None:
    module = trained(form, 6)
    module(torch.randn(16, 6, 8, 8), (torch.rand(16, 4, 32, 32) > 0.7).float()).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None
        assert (parameter.grad != 0).all(), f"part of {name} has no gradient"


def test_both_forms_cost_the_same() -> None:
    shapes = [
        {name: p.shape for name, p in form(24, cells=SAME).named_parameters()}
        for form in (AffineAttention, ScaleAttention)
    ]
    assert shapes[0] == shapes[1]
    assert not list(NoAttention().parameters())


def test_a_face_without_salient_regions_passes_affine_unchanged_and_scale_as_a_whole() -> None:
    features, nothing = torch.rand(2, 6, 8, 8) + 0.1, torch.zeros(2, 1, 32, 32)
    assert torch.equal(trained(AffineAttention, 6)(features, nothing), features)
    factor = trained(ScaleAttention, 6)(features, nothing) / features
    assert torch.allclose(factor, factor[..., :1, :1].expand_as(factor), atol=1e-5)


def test_the_change_is_shown_as_a_share_between_nothing_and_all() -> None:
    before = torch.randn(2, 6, 4, 4)
    before[:, :, 0, 1] = 0
    after = before.clone()
    after[:, :, 0, 0] *= 2  # by as much as was there
    after[:, :, 0, 1] = 1  # by all that is there
    formatted = relative_change(before, after)
    assert torch.allclose(formatted[:, 0, 0], torch.tensor(0.5))
    assert torch.allclose(formatted[:, 0, 1], torch.tensor(1.0))
    assert (formatted.flatten(1)[:, 2:] == 0).all()


def test_the_change_is_shown_at_fourteen_positions_a_side_at_most() -> None:
    before = torch.randn(2, 6, 56, 56, requires_grad=True)
    formatted = relative_change(before, before + torch.randn(2, 6, 56, 56))
    assert formatted.shape == (2, 14, 14)
    assert not formatted.requires_grad
