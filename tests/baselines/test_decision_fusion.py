"""Rules that combine decisions against their formulas, and what teaches whom."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.hooks import supervised_loss
from afnetm.method import Output
from afnetm.model.cost import parameter_count
from baselines.depth import Depth
from baselines.late import Late
from baselines.product import Product
from baselines.twice import Twice
from baselines.weighted import Weighted
from tests.baselines.conftest import EIGHTH, some_faces


def built(method: object) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = method.build(EIGHTH, 6)
    return network


def decisions(network: nn.Module, faces: FaceBatch) -> list[list[list[float]]]:
    """Each stream's class probabilities, face by face, from the exponentials of its logits."""
    logits = (
        network.texture_head(network.texture(faces.texture)),
        network.depth_head(network.depth(faces.geometry("depth+normals"))),
    )
    found = []
    for stream in logits:
        powers = [[math.exp(v) for v in face] for face in stream.tolist()]
        found.append([[p / sum(face) for p in face] for face in powers])
    return found


def gradients(network: nn.Module, faces: FaceBatch) -> dict[str, torch.Tensor]:
    supervised_loss(network.train()(faces), torch.arange(len(faces.depth)) % 6, 0.0).backward()
    return {name: p.grad for name, p in network.named_parameters()}


@torch.no_grad()
def test_the_product_of_the_probabilities_normalised() -> None:
    network, faces = built(Product()).eval(), some_faces()
    got = network(faces).logits.softmax(1)
    for face, (texture, depth) in enumerate(zip(*decisions(network, faces), strict=True)):
        products = [t * d for t, d in zip(texture, depth, strict=True)]
        assert got[face].tolist() == pytest.approx([p / sum(products) for p in products], abs=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("weight", [0.5, 0.8, 0.02])
def test_the_convex_combination_of_the_probabilities(weight: float) -> None:
    network, faces = built(Weighted()).eval(), some_faces()
    assert network.weight == 0.5
    network.weight.fill_(weight)
    output = network(faces)
    for face, (texture, depth) in enumerate(zip(*decisions(network, faces), strict=True)):
        expected = [weight * t + (1 - weight) * d for t, d in zip(texture, depth, strict=True)]
        assert output.logits[face].exp().tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.allclose(output.auxiliary_outputs["importance"], torch.tensor([weight, 1 - weight]).expand(3, 2))


def test_streams_learn_as_under_the_mean_rule_whatever_decides() -> None:
    faces = some_faces(12)
    mean = gradients(built(Late(dropout=0.0)), faces)
    for method in (Product, Weighted):
        other = gradients(built(method(dropout=0.0)), faces)
        assert other.keys() == mean.keys()
        assert all(torch.equal(other[name], mean[name]) for name in mean)


@pytest.mark.parametrize(("of_texture", "of_depth"), [(1.0, 1.0), (3.0, 0.5), (0.0, 2.0), (4.0, 0.0)])
def test_the_weight_is_the_likeliest_for_held_out_scans(of_texture: float, of_depth: float) -> None:
    torch.manual_seed(1)
    network, labels = built(Weighted()), torch.arange(60) % 6
    right = torch.nn.functional.one_hot(labels, 6)
    streams = tuple(sure * right + torch.randn(60, 6) for sure in (of_texture, of_depth))
    network.calibrate(Output(streams[0], supervised_logits=streams), labels)

    texture, depth = (of.softmax(1)[torch.arange(60), labels].double().numpy() for of in streams)
    tried = np.linspace(0, 1, 10_001)
    likelihoods = np.log(tried[:, None] * texture + (1 - tried[:, None]) * depth).mean(1)
    assert network.weight.item() == pytest.approx(tried[likelihoods.argmax()], abs=1e-4)
    assert network.held_out == 0.2


@torch.no_grad()
def test_depth_twice_is_the_mean_of_two_networks_of_depth() -> None:
    network, faces = built(Twice()).eval(), some_faces()
    one, other = (
        head(stream(faces.geometry("depth+normals"))).softmax(1)
        for head, stream in zip(network.heads, network.streams, strict=True)
    )
    assert not torch.allclose(one, other, atol=1e-3)
    assert torch.allclose(network(faces).logits.softmax(1), (one + other) / 2, atol=1e-6)
    assert parameter_count(network) == 2 * parameter_count(built(Depth()))
