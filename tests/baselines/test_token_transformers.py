"""Joint tokens and MulT, written out over layers that are tested by themselves (test_tokens.py)."""

import pytest
import torch
from torch import Tensor

from baselines.joint_tokens import JointTokens
from baselines.mult import MulT
from tests.baselines.conftest import EIGHTH, some_faces


def normed(norm: torch.nn.LayerNorm, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight + norm.bias


def relative(paid: Tensor, rows: int) -> Tensor:
    return (paid / paid.max(1, keepdim=True).values).unflatten(1, (rows, -1))


@pytest.mark.parametrize("layers", [1, 3])
def test_joint_tokens_ask_each_other_across_modalities(layers: int) -> None:
    torch.manual_seed(0)
    network, faces = JointTokens(layers=layers, width=64).build(EIGHTH, 6).eval(), some_faces(size=96)
    maps = network.texture(faces.texture), network.depth(faces.geometry("depth+normals"))
    kinds = network.texture_kind[0, 0], network.depth_kind[0, 0]
    modules = network.texture_tokens, network.depth_tokens
    rows = [tokens(one)[:, p] + kind for tokens, one, kind in zip(modules, maps, kinds, strict=True) for p in range(9)]
    z = torch.stack([network.class_token[0, 0].repeat(3, 1), *rows], 1)
    assert z.shape == (3, 19, 64)
    for layer in network.layers:
        z, weights = layer(z, z)
    output = network(faces)
    assert torch.allclose(output.logits, network.classifier(normed(network.norm, z[:, 0])), atol=1e-4)
    paid = weights[:, 0]
    assert torch.allclose(paid.sum(1), torch.ones(3))
    share = paid[:, 1:10].sum(1) / (1 - paid[:, 0])
    shown = output.auxiliary_outputs
    assert torch.allclose(shown["importance"], torch.stack([share, 1 - share], 1), atol=1e-5)
    assert torch.allclose(shown["attention_texture"], relative(paid[:, 1:10], 3), atol=1e-5)
    assert torch.allclose(shown["attention_depth"], relative(paid[:, 10:], 3), atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
def test_mult_reads_the_other_modality_s_first_tokens_in_every_layer_and_then_its_own(layers: int) -> None:
    torch.manual_seed(0)
    network, faces = MulT(layers=layers, width=64).build(EIGHTH, 6).eval(), some_faces(size=96)
    t = network.texture_tokens(network.texture(faces.texture))
    d = network.depth_tokens(network.depth(faces.geometry("depth+normals")))
    gathered, paid = [], []
    for own, other, across, within in (
        (t, d, network.texture_across, network.texture_within),
        (d, t, network.depth_across, network.depth_within),
    ):
        x = own
        for layer in across.layers:
            x, weights = layer(x, other)
        x = normed(across.norm, x)
        for layer in within.layers:
            x, _ = layer(x, x)
        gathered.append(normed(within.norm, x).sum(1) / 9)
        paid.append(weights.mean(1))
    h = torch.cat(gathered, 1)
    first, last = network.residual[0], network.residual[3]
    h = h + ((h @ first.weight.T + first.bias).clamp(min=0) @ last.weight.T + last.bias)
    output = network(faces)
    assert torch.allclose(output.logits, h @ network.classifier.weight.T + network.classifier.bias, atol=1e-4)
    assert torch.allclose(output.auxiliary_outputs["attention_depth"], relative(paid[0], 3), atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["attention_texture"], relative(paid[1], 3), atol=1e-5)
