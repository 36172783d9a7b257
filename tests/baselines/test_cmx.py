"""CMX's modules, recomputed in numpy from the paper's formulas, one position, channel or head at a time."""

import numpy as np
import pytest
import torch
from torch import nn

from baselines.cmx import CMX, CrossPath, Fusion, Rectification
from tests.baselines.conftest import EIGHTH, some_faces


def array(x: torch.Tensor) -> np.ndarray:
    return x.detach().numpy().astype(np.float64)


def linear(layer: nn.Module, x: np.ndarray) -> np.ndarray:
    """A linear layer or 1 x 1 convolution of a vector."""
    weight = array(layer.weight).reshape(len(layer.weight), -1)
    return weight @ x + (0 if layer.bias is None else array(layer.bias))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3)])
def test_rectification_is_the_documented_formula(height: int, width: int) -> None:
    module, maps = Rectification(4, reduction=2), torch.randn(2, 2, 4, height, width)
    got = [array(x) for x in module(*maps)]
    for b in range(2):
        t, d = array(maps[0, b]), array(maps[1, b])
        pooled = np.concatenate([t.mean((1, 2)), d.mean((1, 2)), t.max((1, 2)), d.max((1, 2))])
        c = sigmoid(linear(module.channel[2], np.maximum(linear(module.channel[0], pooled), 0)))
        for i in range(height):
            for j in range(width):
                x, y = t[:, i, j], d[:, i, j]
                both = np.concatenate([x, y])
                s = sigmoid(linear(module.spatial[2], np.maximum(linear(module.spatial[0], both), 0)))
                assert np.allclose(got[0][b, :, i, j], x + 0.5 * c[4:] * y + 0.5 * s[1] * y, atol=1e-5)
                assert np.allclose(got[1][b, :, i, j], y + 0.5 * c[:4] * x + 0.5 * s[0] * x, atol=1e-5)


def exchanged(paths: tuple[CrossPath, CrossPath], maps: tuple[np.ndarray, np.ndarray], heads: int) -> list[np.ndarray]:
    """Tokens ``(L, C)`` of both modalities after the exchange of contexts."""
    own, asks, contexts = [], [], []
    for path, x in zip(paths, maps, strict=True):
        y, u = np.split(np.stack([np.maximum(linear(path.into, row), 0) for row in x]), 2, axis=1)
        k, v = np.split(np.stack([linear(path.context, row) for row in u]), 2, axis=1)
        size = k.shape[1] // heads
        blocks = []
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            scores = np.exp(sum(np.outer(k[p, part], v[p, part]) for p in range(len(x))) / np.sqrt(size))
            blocks.append(scores / scores.sum(0))
        own, asks, contexts = [*own, y], [*asks, u], [*contexts, blocks]
    after = []
    for m, path in enumerate(paths):
        found = np.concatenate([u @ g for u, g in zip(np.split(asks[m], heads, 1), contexts[1 - m], strict=True)], 1)
        new = maps[m] + np.stack([linear(path.back, np.concatenate(row)) for row in zip(own[m], found, strict=True)])
        centred = new - new.mean(1, keepdims=True)
        new = centred / np.sqrt((centred**2).mean(1, keepdims=True) + path.norm.eps)
        after.append(new * array(path.norm.weight) + array(path.norm.bias))
    return after


@pytest.mark.parametrize(("channels", "heads"), [(8, 1), (128, 2)])
def test_fusion_is_the_documented_formula_head_by_head(channels: int, heads: int) -> None:
    module, maps = Fusion(channels, reduction=2).eval(), torch.randn(2, 1, channels, 2, 3)
    for norm in (module.norm, module.embed[4]):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    tokens = tuple(array(x[0]).reshape(channels, 6).T for x in maps)
    both = np.concatenate(exchanged((module.texture, module.depth), tokens, heads), 1)

    def batch_norm(norm: nn.BatchNorm2d, x: np.ndarray) -> np.ndarray:
        return (x - array(norm.running_mean)) / np.sqrt(array(norm.running_var) + norm.eps)

    narrow = np.stack([linear(module.embed[0], row) for row in both]).reshape(2, 3, -1)
    padded = np.pad(narrow, ((1, 1), (1, 1), (0, 0)))
    kernel = array(module.embed[1].weight)[:, 0]
    for i in range(2):
        for j in range(3):
            near = padded[i : i + 3, j : j + 3]
            deep = np.array([(near[:, :, c] * kernel[c]).sum() for c in range(len(kernel))])
            deep = np.maximum(deep + array(module.embed[1].bias), 0)
            embedded = batch_norm(module.embed[4], linear(module.embed[3], deep))
            expected = batch_norm(module.norm, linear(module.residual, both[3 * i + j]) + embedded)
            assert np.allclose(array(module(*maps))[0, :, i, j], expected, atol=1e-4)


def test_streams_go_on_rectified_and_every_stage_s_fused_map_is_classified() -> None:
    network, faces = CMX().build(EIGHTH, 6).eval(), some_faces(2)
    texture, depth = faces.texture, faces.geometry("depth+normals")
    logits = network.classifier.bias.repeat(2, 1)
    weights = network.classifier.weight.split(network.texture.channels, 1)
    for stage in range(4):
        texture, depth = network.texture.stages[stage](texture), network.depth.stages[stage](depth)
        texture, depth = network.rectifications[stage](texture, depth)
        logits = logits + network.fusions[stage](texture, depth).mean((2, 3)) @ weights[stage].T
    assert torch.allclose(network(faces).logits, logits, atol=1e-4)
