import numpy as np
import pytest
import torch
from torch import nn

from baselines.sagate import Gate, SAGate
from tests.baselines.conftest import EIGHTH, some_faces


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def linear(layer: nn.Module, x: np.ndarray) -> np.ndarray:
    weight, bias = (p.detach().numpy().astype(np.float64) for p in (layer.weight, layer.bias))
    return weight.reshape(len(bias), -1) @ x + bias


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5)])
def test_a_gate_is_the_documented_formula_position_by_position(height: int, width: int) -> None:
    gate = Gate(8, reduction=2)
    maps = torch.randn(2, 2, 8, height, width)
    texture, depth, merged, weights = (x.detach().numpy() for x in gate(*maps))
    for b in range(2):
        t, d = maps[:, b].numpy().astype(np.float64)
        seen = np.concatenate([t.mean((1, 2)), d.mean((1, 2))])
        filters = [
            sigmoid(linear(mlp[2], np.maximum(linear(mlp[0], seen), 0))) for mlp in (gate.for_texture, gate.for_depth)
        ]
        for i in range(height):
            for j in range(width):
                own, other = t[:, i, j], d[:, i, j]
                separated = np.concatenate([own + filters[0] * other, other + filters[1] * own])
                scores = np.exp(linear(gate.weigh, separated))
                share = scores / scores.sum()
                m = share[0] * own + share[1] * other
                assert np.allclose(weights[b, :, i, j], share, atol=1e-5)
                assert np.allclose(merged[b, :, i, j], m, atol=1e-5)
                assert np.allclose(texture[b, :, i, j], (own + m) / 2, atol=1e-5)
                assert np.allclose(depth[b, :, i, j], (other + m) / 2, atol=1e-5)


@pytest.mark.parametrize("first_stage", [1, 3, 4])
def test_gates_are_behind_the_first_stage_and_each_later_one_and_the_last_merger_is_classified(
    first_stage: int,
) -> None:
    network, faces = SAGate(first_stage=first_stage).build(EIGHTH, 6).eval(), some_faces(2)
    texture, depth = faces.texture, faces.geometry("depth+normals")
    gates = dict(zip(range(first_stage, 5), network.gates, strict=True))
    for stage in range(1, 5):
        texture, depth = network.texture.stages[stage - 1](texture), network.depth.stages[stage - 1](depth)
        if stage in gates:
            texture, depth, merged, weights = gates[stage](texture, depth)
    output = network(faces)
    assert torch.allclose(output.logits, network.head.linear(merged.mean((2, 3))), atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["importance"], weights.mean((2, 3)), atol=1e-6)
