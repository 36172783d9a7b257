import math
from typing import Literal

import pytest
import torch
from torch import Tensor

from afnetm.model.weighting import AdaptiveFusion, MeanFusion, WeightingNorm, fusion

Weighting = Literal["channel", "sample", "position"]
READINGS = pytest.mark.parametrize("weighting", ["channel", "sample", "position"])


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def trained(channels: int, weighting: Weighting, norm: WeightingNorm = "softmax") -> AdaptiveFusion:
    module = AdaptiveFusion(channels, weighting=weighting, norm=norm)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module


@READINGS
@pytest.mark.parametrize("norm", ["softmax", "sigmoid"])
def test_it_starts_as_the_mean(weighting: Weighting, norm: WeightingNorm) -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    fused, weights = fusion(weighting, 6, norm=norm, reduction=8)(texture, depth)
    assert torch.allclose(fused, (texture + depth) / 2)
    assert torch.equal(weights, torch.full_like(weights, 0.5))


def test_without_weights_it_is_the_mean_and_stays_it() -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    fused, weights = fusion("none", 6, norm="softmax", reduction=8)(texture, depth)
    assert torch.allclose(fused, (texture + depth) / 2)
    assert weights is None
    assert not list(MeanFusion().parameters())


@pytest.mark.parametrize(
    ("weighting", "shape"), [("channel", (3, 2, 6, 1, 1)), ("sample", (3, 2, 1, 1, 1)), ("position", (3, 2, 1, 4, 4))]
)
def test_weights_share_one_between_the_modalities_and_differ_where_the_reading_says(
    weighting: Weighting, shape: tuple[int, ...]
) -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    _, weights = trained(6, weighting)(texture, depth)
    assert weights.shape == shape
    assert torch.allclose(weights.sum(1), torch.ones(3, *shape[2:]))
    assert (weights[:, 0].flatten(1).std(1 if weights[0, 0].numel() > 1 else 0) > 0.01).all()


def gelu(x: Tensor) -> Tensor:
    """``x`` times the share of a standard normal distribution below it."""
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


@READINGS
def test_it_is_the_documented_formula_position_by_position(weighting: Weighting) -> None:
    module, (texture, depth) = trained(4, weighting), torch.randn(2, 2, 4, 3, 3)
    fused, _ = module(texture, depth)
    w1, w2 = module.squeeze.weight[:, :, 0, 0], module.weigh.weight[:, :, 0, 0]
    for b in range(2):
        both = torch.cat([texture[b], depth[b]])
        for i in range(3):
            for j in range(3):
                x = both[:, i, j] if weighting == "position" else both.mean((1, 2))
                a = w2 @ gelu(w1 @ x + module.squeeze.bias) + module.weigh.bias
                half = len(a) // 2  # the first are texture's
                share = a[:half].exp() / (a[:half].exp() + a[half:].exp())
                expected = share * texture[b, :, i, j] + (1 - share) * depth[b, :, i, j]
                assert torch.allclose(fused[b, :, i, j], expected, atol=1e-5)


@READINGS
def test_it_learns_to_trust_the_modality_that_is_right(weighting: Weighting) -> None:
    # Depth carries the answer, texture noise: trained on the error alone, the weights must go to depth.
    module = AdaptiveFusion(4, weighting=weighting)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(200):
        depth, texture = torch.randn(32, 4, 2, 2), 2 * torch.randn(32, 4, 2, 2)
        fused, weights = module(texture, depth)
        (fused - depth).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert weights[:, 1].mean() > 0.8


@READINGS
def test_by_sigmoid_each_modality_has_a_weight_of_its_own(weighting: Weighting) -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    soft, free = trained(6, weighting), trained(6, weighting, "sigmoid")
    free.load_state_dict(soft.state_dict())
    shares, weights = soft(texture, depth)[1], free(texture, depth)[1]
    odds = (weights / (1 - weights)).log()  # what the softmax was taken of
    assert torch.allclose(odds.softmax(1), shares, atol=1e-5)
    assert (weights.sum(1) - 1).abs().max() > 0.05


@READINGS
def test_where_nothing_is_salient_does_not_count_for_weights_that_look_at_what_is(weighting: Weighting) -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    salient = torch.zeros(3, 1, 4, 4)
    salient[..., 1:3, :2] = 1
    module = trained(6, weighting)
    elsewhere = texture + 5 * (1 - salient)
    fused, weights = module(texture, depth, salient)
    assert torch.equal(weights, module(elsewhere, depth, salient)[1])
    assert not torch.allclose(module(texture, depth)[1], module(elsewhere, depth)[1])
    if weighting != "position":  # the mean of the four positions
        part = texture[..., 1:3, :2], depth[..., 1:3, :2]
        assert torch.allclose(weights, module(*part)[1], atol=1e-5)
    nothing = module(texture, depth, torch.zeros(3, 1, 4, 4))
    assert nothing[0].isfinite().all()
    assert fused.isfinite().all()


def test_under_autocast_weights_still_share_one() -> None:
    texture, depth = torch.randn(2, 3, 6, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        _, weights = trained(6, "channel")(texture.bfloat16(), depth.bfloat16())
    assert weights.dtype == torch.float32
    assert torch.allclose(weights.sum(1), torch.ones(3, 6, 1, 1), atol=1e-6)
