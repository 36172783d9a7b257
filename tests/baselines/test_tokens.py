import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from baselines.attention_maps import attention_map, token_attention_map
from baselines.tokens import AttentionLayer, Tokens, positions


def test_positions_are_the_documented_sinusoids() -> None:
    got = positions(3, 5, 16, device=torch.device("cpu")).unflatten(0, (3, 5))
    for row in range(3):
        for column in range(5):
            for k in range(4):
                f = 10_000 ** (-4 * k / 16)
                values = [math.sin(f * row), math.cos(f * row), math.sin(f * column), math.cos(f * column)]
                assert torch.allclose(got[row, column, k::4], torch.tensor(values), atol=1e-6)


@given(st.integers(1, 16), st.integers(1, 16))
def test_no_two_positions_are_alike(height: int, width: int) -> None:
    codes = positions(height, width, 32, device=torch.device("cpu"))
    assert codes.shape == (height * width, 32)
    assert (torch.cdist(codes, codes) + torch.eye(len(codes)) > 0.1).all()


def test_tokens_are_projected_positions_row_by_row() -> None:
    tokens, x = Tokens(6, 32), torch.randn(2, 6, 3, 5)
    got, codes = tokens(x), positions(3, 5, 32, device=x.device)
    for i in range(3):
        for j in range(5):
            expected = x[:, :, i, j] @ tokens.project.weight.T + tokens.project.bias + codes[5 * i + j]
            assert torch.allclose(got[:, 5 * i + j], expected, atol=1e-5)


def norm(layer: torch.nn.LayerNorm, x: torch.Tensor) -> torch.Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + layer.eps).sqrt() * layer.weight + layer.bias


@pytest.mark.parametrize(("tokens", "context"), [(1, 1), (4, 4), (15, 6)])
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_is_the_documented_formula_head_by_head(tokens: int, context: int, training: bool) -> None:
    layer, x, c = AttentionLayer(64).train(training), torch.randn(2, tokens, 64), torch.randn(2, context, 64)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    got, weights = layer(x, c)
    attention = layer.attention
    sources = (norm(layer.norm, x), norm(layer.norm, c), norm(layer.norm, c))
    query, key, value = (
        torch.einsum("bld,ed->ble", source, w) + b
        for source, w, b in zip(
            sources, attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True
        )
    )
    found, seen = [], []
    for head in (slice(0, 32), slice(32, 64)):
        scores = torch.einsum("bld,bsd->bls", query[..., head], key[..., head]) / math.sqrt(32)
        seen.append(scores.exp() / scores.exp().sum(2, keepdim=True))
        found.append(torch.einsum("bls,bsd->bld", seen[-1], value[..., head]))
    between = x + torch.cat(found, 2) @ attention.out_proj.weight.T + attention.out_proj.bias
    first, second = layer.mlp[1], layer.mlp[3]
    hidden = norm(layer.mlp[0], between) @ first.weight.T + first.bias
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    expected = between + hidden @ second.weight.T + second.bias
    assert torch.allclose(got, expected, atol=1e-4)
    assert torch.allclose(weights, torch.stack(seen).mean(0), atol=1e-5)


def test_the_operations_of_self_attention_are_counted() -> None:
    layer, x = AttentionLayer(64).eval(), torch.randn(1, 5, 64)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        layer(x, x)
    projections, scores_and_sums, mlp = 4 * 5 * 64 * 64, 2 * 5 * 5 * 64, 2 * 5 * 64 * 256
    assert counter.get_total_flops() == 2 * (projections + scores_and_sums + mlp)


@given(st.integers(1, 40), st.integers(1, 40))
def test_attention_maps_are_small_and_within_0_and_1(height: int, width: int) -> None:
    weights = torch.randn(2, height * width).softmax(1)
    small = token_attention_map(weights, height, width)
    assert small.shape == (2, min(height, 14), min(width, 14))
    assert 0 <= small.min() <= small.max() <= 1
    if max(height, width) <= 14:
        assert torch.allclose(small.flatten(1), weights / weights.max(1, keepdim=True).values)


def test_an_attention_map_averages_and_has_no_gradient() -> None:
    attention = torch.rand(2, 28, 28, requires_grad=True)
    small = attention_map(attention)
    assert torch.allclose(small[1, 3, 4], attention[1, 6:8, 8:10].mean())
    assert not small.requires_grad
