from dataclasses import replace

import pytest
import torch

from afnetm.hooks import supervised_loss
from baselines.mmtm import MMTM, TransferModule
from tests.baselines.conftest import EIGHTH, some_faces


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 5)])
def test_it_is_the_documented_formula_channel_by_channel(height: int, width: int) -> None:
    module, texture, depth = TransferModule(8), torch.randn(2, 8, height, width), torch.randn(2, 8, height, width)
    got_texture, got_depth = module(texture, depth)
    for b in range(2):
        squeezed = torch.cat([texture[b].flatten(1).mean(1), depth[b].flatten(1).mean(1)])
        joint = (module.squeeze.weight @ squeezed + module.squeeze.bias).clamp(min=0)
        assert len(joint) == 4  # a quarter of 16
        for layer, before, after in ((module.texture, texture, got_texture), (module.depth, depth, got_depth)):
            for c in range(8):
                gate = 2 / (1 + torch.exp(-(layer.weight[c] @ joint + layer.bias[c])))
                assert torch.allclose(after[b, c], gate * before[b, c], atol=1e-6)


def test_gates_that_know_nothing_leave_the_streams_alone() -> None:
    module, maps = TransferModule(8), torch.randn(2, 8, 3, 3)
    for layer in (module.texture, module.depth):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    assert all(torch.equal(after, before) for after, before in zip(module(maps, -maps), (maps, -maps), strict=True))


@pytest.mark.parametrize("first_stage", [1, 2, 3, 4])
def test_streams_are_apart_until_the_first_stage(first_stage: int) -> None:
    network = MMTM(first_stage=first_stage).build(EIGHTH, 6).eval()
    assert len(network.transfers) == 5 - first_stage
    depths: list[torch.Tensor] = []
    for stage in network.depth.stages:
        stage.register_forward_hook(lambda module, inputs, output: depths.append(output))
    faces = some_faces(2)
    with torch.no_grad():
        network(faces)
        network(replace(faces, texture=faces.texture + 1))
    same = [torch.equal(a, b) for a, b in zip(depths[:4], depths[4:], strict=True)]
    assert same == [stage <= first_stage for stage in (1, 2, 3, 4)]


def test_logits_are_the_mean_of_both_streams() -> None:
    network = MMTM().build(EIGHTH, 6).eval()
    seen: dict[str, torch.Tensor] = {}
    for name in ("texture_head", "depth_head"):
        getattr(network, name).register_forward_hook(lambda _, __, output, name=name: seen.update({name: output}))
    output = network(some_faces())
    assert torch.allclose(output.logits, torch.stack(list(seen.values())).mean(0))
    assert all(map(torch.equal, output.supervised_logits, seen.values()))


def test_each_stream_learns_from_its_own_answers_alone_and_the_transfer_modules_from_both() -> None:
    faces, labels = some_faces(6), torch.arange(6)
    gradients = []
    for part in (slice(0, 1), slice(1, 2), slice(0, 2)):
        torch.manual_seed(0)
        network = MMTM(first_stage=1).build(EIGHTH, 6)
        output = network(faces)
        supervised_loss(replace(output, supervised_logits=output.supervised_logits[part]), labels, 0.0).backward()
        gradients.append({name: p.grad for name, p in network.named_parameters() if p.grad is not None})
    of_texture, of_depth, of_both = gradients
    for name, gradient in of_both.items():
        if name.startswith("transfers"):
            assert torch.allclose(gradient, of_texture.get(name, 0) + of_depth.get(name, 0), atol=1e-5)
        else:
            own, other = (of_texture, of_depth) if name.startswith("texture") else (of_depth, of_texture)
            assert name not in other
            assert torch.allclose(gradient, own[name], atol=1e-5)
