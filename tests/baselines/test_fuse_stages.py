"""Fusion between stages, an option of every strategy that fuses maps: against the same forward pass, written out."""

import json
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.hooks import supervised_loss
from afnetm.model.afnetm import AFNetM
from afnetm.model.encoder import EncoderSpec
from afnetm.model.stream import check_encoder
from baselines.aff import AFF
from baselines.cbam import CBAM
from baselines.cma import MaskGuidedAttention
from baselines.cross import CrossAttention
from baselines.gmu import GMU
from baselines.max import Maximum
from baselines.sum import Addition
from tests.baselines.conftest import EIGHTH, some_faces

KINDS = [Addition, Maximum, AFF, CBAM, GMU, MaskGuidedAttention, CrossAttention]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def stage_maps(network: nn.Module, faces: FaceBatch) -> dict[int, tuple[Tensor, Tensor]]:
    """What leaves each stage of both streams."""
    texture, depth, maps = faces.texture, faces.geometry("depth+normals"), {}
    for k, pair in enumerate(zip(network.texture.stages, network.depth.stages, strict=True), start=1):
        texture, depth = pair[0](texture), pair[1](depth)
        maps[k] = texture, depth
    return maps


def fused(network: nn.Module, k: int, texture: Tensor, depth: Tensor) -> Tensor:
    """What the ``k``-th fusing stage makes of two maps."""
    if hasattr(network, "fuse"):
        return network.fuse(texture, depth)
    if hasattr(network, "fusions"):
        return network.fusions[k](texture, depth)[0]
    if hasattr(network, "back"):
        t, d, _, _ = network.attentions[k](texture, depth)
        tokens = network.back[k](network.norms[k](torch.cat([t, d], 2)))
        return torch.stack([tokens[:, p] for p in range(tokens.shape[1])], 2).reshape(len(t), -1, *texture.shape[2:])
    halves = network.attentions[k](torch.cat([texture, depth], 1))[0].chunk(2, 1)
    return halves[0] + halves[1]


@each_kind
@pytest.mark.parametrize("stages", [(3,), (1, 2), (2, 4)])
def test_maps_are_fused_at_these_stages_and_one_trunk_goes_on(kind: Any, stages: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    method = kind(fuse_stages=stages, dropout=0.0)
    network, faces = method.build(EIGHTH, 6).eval(), some_faces(size=96)
    maps = stage_maps(network, faces)
    assert len(maps) == stages[-1]
    x = fused(network, 0, *maps[stages[0]])
    for stage, block in enumerate(network.trunk.stages, start=stages[0] + 1):
        x = block(x)
        if stage in stages:
            x = x + fused(network, stages.index(stage), *maps[stage])
    output = network(faces)
    classifier = network.head.linear if hasattr(network, "head") else network.classifier
    assert torch.allclose(output.logits, classifier(x.mean((2, 3))), atol=1e-4)
    for name, extra in output.auxiliary_outputs.items():
        assert extra.min() >= 0, name
        assert extra.max() <= 1 + 1e-6, name

    network.train()
    supervised_loss(network(faces), torch.arange(3), 0.0).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@each_kind
def test_the_last_maps_are_any_encoder_s_and_others_a_staged_one_s(kind: Any) -> None:
    tokens = EncoderSpec(name="test_vit", size=64)
    assert not kind().needs_stages
    assert kind(fuse_stages=(4,)).build(tokens, 6).eval()(some_faces(2)).logits.shape == (2, 6)
    assert not kind(fuse_stages=(4,)).needs_stages
    assert kind(fuse_stages=(2, 4)).needs_stages
    with pytest.raises(UserError, match="encoder 'test_vit' cannot be cut"):
        kind(fuse_stages=(3,)).build(tokens, 6)
    with pytest.raises(UserError, match="method 'mine' fuses between stages"):
        check_encoder(tokens, size=64, staged=["mine"])


@each_kind
@pytest.mark.parametrize("stages", [[3, 1], [2, 2], [0], [5]])
def test_stages_out_of_order_or_range_are_refused(kind: Any, stages: list[int]) -> None:
    with pytest.raises((UserError, ValueError), match="fuse_stages"):
        TypeAdapter(kind).validate_json(json.dumps({"fuse_stages": stages}))


def test_the_mean_at_a_stage_is_afnetm_without_attention_and_weights() -> None:
    faces = some_faces()
    mean = Addition(fuse_stages=(2, 3)).build(EIGHTH, 6).eval()
    other = AFNetM(fuse_stages=(2, 3), attention="none", weighting="none").build(EIGHTH, 6).eval()
    other.load_state_dict(mean.state_dict())
    assert torch.equal(mean(faces).logits, other(faces).logits)


def test_streams_that_decide_nothing_by_themselves_have_no_losses_of_their_own() -> None:
    with pytest.raises(UserError, match=r"unimodal_losses = true: .* fuse_stages = \[3\]"):
        Addition(fuse_stages=(3,), unimodal_losses=True)
