"""The product rule and learnt weights against their formulas, and what teaches whom."""

import math

import pytest
import torch
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.hooks import supervised_loss
from baselines.late import Late
from baselines.product import Product
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
@pytest.mark.parametrize("balance", [0.0, 1.3, -4.0])
def test_the_convex_combination_of_the_probabilities(balance: float) -> None:
    network, faces = built(Weighted()).eval(), some_faces()
    assert network.balance == 0
    nn.init.constant_(network.balance, balance)
    output, w = network(faces), 1 / (1 + math.exp(-balance))
    for face, (texture, depth) in enumerate(zip(*decisions(network, faces), strict=True)):
        expected = [w * t + (1 - w) * d for t, d in zip(texture, depth, strict=True)]
        assert output.logits[face].exp().tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.allclose(output.auxiliary_outputs["importance"], torch.tensor([w, 1 - w]).expand(3, 2))


def test_streams_learn_as_under_the_mean_rule_whatever_decides() -> None:
    faces = some_faces(12)
    mean = gradients(built(Late(dropout=0.0)), faces)
    for method in (Product, Weighted):
        other = gradients(built(method(dropout=0.0)), faces)
        assert all(torch.equal(other[name], mean[name]) for name in mean)
        assert set(other) - set(mean) == ({"balance"} if method is Weighted else set())
    assert other["balance"] != 0


def test_weights_go_to_the_modality_that_is_right() -> None:
    network, faces, labels = built(Weighted()).eval(), some_faces(12), torch.arange(12) % 6
    # Depth answers right and texture evenly, whatever the face.
    network.depth_head.forward = lambda _: 4 * torch.nn.functional.one_hot(labels, 6).float()
    network.texture_head.forward = lambda _: torch.zeros(12, 6)
    optimizer = torch.optim.Adam([network.balance], lr=0.1)
    for _ in range(50):
        output = network(faces)
        supervised_loss(output, labels, 0.0).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert output.auxiliary_outputs["importance"][0, 1] > 0.9
