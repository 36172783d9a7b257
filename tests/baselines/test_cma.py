import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import pad

from afnetm.model.cells import Cells
from baselines.cma import MaskGuidedAttention, mask_distance
from tests.baselines.conftest import EIGHTH, some_faces


def test_the_distance_is_the_documented_cross_entropy() -> None:
    logits, mask = torch.randn(2, 2, 3, 3) * 3, (torch.rand(2, 1, 12, 12) > 0.5).float()
    total = 0.0
    for b in range(2):
        for m in range(2):
            for i in range(3):
                for j in range(3):
                    target = mask[b, 0, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].mean().item()
                    p = 1 / (1 + math.exp(-logits[b, m, i, j].item()))
                    total -= target * math.log(p) + (1 - target) * math.log(1 - p)
    assert mask_distance(logits, mask, Cells(4, 1.5)).item() == pytest.approx(total / 36, abs=1e-5)


def test_it_is_the_documented_formula_position_by_position() -> None:
    network, faces = MaskGuidedAttention(guidance=0.3).build(EIGHTH, 6).eval(), some_faces(size=96)
    maps = network.texture(faces.texture), network.depth(faces.geometry("depth+normals"))
    output = network(faces)
    fusion = network.fusions[0]
    kernel, bias = fusion.weigh.weight, fusion.weigh.bias
    logits = [
        torch.einsum("bchw,c->bhw", x, module.look.weight[0, :, 0, 0]) + module.look.bias
        for x, module in zip(maps, (fusion.texture, fusion.depth), strict=True)
    ]
    attended = [x * (1 + torch.sigmoid(a))[:, None] for x, a in zip(maps, logits, strict=True)]
    padded = pad(torch.cat(attended, 1), (1, 1, 1, 1))
    fused, importance = torch.zeros_like(maps[0]), torch.zeros(3, 2)
    for i in range(3):
        for j in range(3):
            scores = torch.einsum("bchw,mchw->bm", padded[:, :, i : i + 3, j : j + 3], kernel) + bias
            w = scores.exp() / scores.exp().sum(1, keepdim=True)
            fused[:, :, i, j] = w[:, :1] * attended[0][:, :, i, j] + w[:, 1:] * attended[1][:, :, i, j]
            importance += w / 9
    assert torch.allclose(output.logits, network.head(fused), atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["importance"], importance, atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["attention_texture"], logits[0].sigmoid(), atol=1e-5)
    assert torch.allclose(output.auxiliary_outputs["attention_depth"], logits[1].sigmoid(), atol=1e-5)
    assert output.auxiliary_loss is None


def test_the_penalty_is_the_guidance_times_the_distance_of_both_attentions() -> None:
    network, faces = MaskGuidedAttention(guidance=0.3).build(EIGHTH, 6), some_faces()
    output = network(faces)
    logits = [output.auxiliary_outputs[f"attention_{name}"].logit() for name in ("texture", "depth")]
    distance = mask_distance(torch.stack(logits, 1), faces.salient, Cells(32, 0.0))
    assert torch.allclose(output.auxiliary_loss, 0.3 * distance, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_attention_is_pulled_to_the_mask_and_a_constant_mask_is_no_trouble(value: float) -> None:
    torch.manual_seed(0)
    network = MaskGuidedAttention().build(EIGHTH, 6)
    faces = some_faces(4)
    faces = replace(faces, masks=torch.full_like(faces.masks, value))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    means = []
    for _ in range(10):
        output = network(faces)
        means.append(output.auxiliary_outputs["attention_texture"].mean().item())
        assert torch.isfinite(output.auxiliary_loss)
        torch.autograd.backward(output.auxiliary_loss)
        optimizer.step()
        optimizer.zero_grad()
    assert abs(means[-1] - value) < abs(means[0] - value)
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_half_a_mask_is_learnt() -> None:
    torch.manual_seed(0)
    network, faces = MaskGuidedAttention().build(EIGHTH, 6), some_faces(8)
    masks = torch.zeros_like(faces.masks)
    masks[:, :, :32] = 1
    faces = replace(faces, masks=masks, texture=faces.texture + 2 * masks[:, :1])  # the map can tell where
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(20):
        torch.autograd.backward(network(faces).auxiliary_loss)
        optimizer.step()
        optimizer.zero_grad()
    attention = network(faces).auxiliary_outputs["attention_texture"].detach()
    assert attention[:, 0].mean() > attention[:, 1].mean() + 0.2
