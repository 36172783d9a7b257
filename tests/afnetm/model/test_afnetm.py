import json
from copy import deepcopy
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.afnetm import AFNetM, AFNetMNetwork
from afnetm.model.attention import AffineAttention, NoAttention, relative_change
from afnetm.model.cells import Cells
from afnetm.model.cost import flop_count, parameter_count
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods

TINY = EncoderSpec(width=0.125)
PLACES = [stages for count in range(1, 5) for stages in combinations((1, 2, 3, 4), count)]
PLANES = ("union", "regions")
WEIGHTINGS = ("channel", "sample", "position", "none")
#: Every attention with all planes that it takes.
ATTENDED = [("none", "union"), *product(("affine", "scale", "mask"), PLANES)]
#: Every reading with every other, at one pair of stages.
READINGS = [(*attended, weighting) for attended, weighting in product(ATTENDED, WEIGHTINGS)]
#: And at every other set of stages one of the readings, all in turn.
EVERYWHERE = [(*reading, (1, 3)) for reading in READINGS]
EVERYWHERE += [(*READINGS[7 * i % len(READINGS)], stages) for i, stages in enumerate(PLACES) if stages != (1, 3)]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def some_faces(count: int = 4, size: int = 64) -> FaceBatch:
    masks = (torch.rand(count, 4, size, size) > 0.7).float()
    return FaceBatch(
        torch.randn(count, 3, size, size), torch.randn(count, 1, size, size), masks[:, :1], masks, 200 / size
    )


@cache
def _fresh(method: AFNetM) -> AFNetMNetwork:
    torch.manual_seed(0)
    return AFNetMNetwork(method, TINY, 6)


def build(**values: Any) -> AFNetMNetwork:
    return deepcopy(_fresh(AFNetM(**values)))


def count(**values: Any) -> int:
    """Parameters at a ResNet-18's full width."""
    with torch.device("meta"):
        return parameter_count(AFNetM(**values).build(EncoderSpec(), 6))


def trained(**values: Any) -> AFNetMNetwork:
    """As after some training: nothing is zero that starts at zero."""
    network = build(**values)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return network


#: What else can be changed, each beside one reading or two.
FURTHER = [
    {"attention_stages": (2,)},
    {"attention_stages": (1, 4), "fuse_stages": (2, 4), "attention": "mask", "mask_planes": "regions"},
    {"weighting_input": "salient"},
    {"weighting_input": "salient", "weighting": "position", "attention": "none", "mask_planes": "regions"},
    {"weighting_norm": "sigmoid", "weighting": "sample"},
    {"weighting_norm": "sigmoid", "weighting_input": "salient", "fuse_stages": (1, 2)},
    {"streams": "continue"},
    {"streams": "continue", "fuse_stages": (4,), "attention": "none"},
    {"streams": "continue", "fuse_stages": (1, 3), "attention_stages": (4,), "weighting_norm": "sigmoid"},
]


@pytest.mark.parametrize(("attention", "planes", "weighting", "stages"), EVERYWHERE)
def test_whatever_the_reading_all_is_used_and_attention_and_weighting_start_as_nothing(
    attention: str, planes: str, weighting: str, stages: tuple[int, ...]
) -> None:
    values = {"mask_planes": planes, "fuse_stages": stages, "geometry": "depth" if stages[0] == 2 else "depth+normals"}
    check_start_and_use(attention=attention, weighting=weighting, **values)


@pytest.mark.parametrize("values", FURTHER, ids=str)
def test_so_are_all_parts_wherever_they_are(values: dict[str, Any]) -> None:
    check_start_and_use(**values)


def check_start_and_use(**values: Any) -> None:
    network = build(**values).eval()
    faces = some_faces(6, 32)
    with torch.no_grad():
        assert torch.allclose(network(faces).logits, plain(network, faces), atol=1e-5)

    network = trained(**values).train()
    torch.nn.functional.cross_entropy(network(faces).logits, torch.arange(6)).backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle, f"no gradient reaches {idle}"


def plain(network: AFNetMNetwork, faces: FaceBatch) -> Tensor:
    """The logits of the same streams and trunk without attention, and with the mean for every fusion."""
    stages = network.method.fuse_stages
    texture, depth, trunk = faces.texture, faces.geometry(network.method.geometry), torch.zeros(())
    for stage in range(1, 5):
        if stage > stages[0]:
            trunk = network.trunk.stages[stage - stages[0] - 1](trunk)
        if stage <= len(network.texture.stages):
            texture, depth = network.texture.stages[stage - 1](texture), network.depth.stages[stage - 1](depth)
        if stage in stages:
            trunk = trunk + (texture + depth) / 2
    if network.method.streams == "continue":
        trunk = torch.cat([trunk, texture, depth], 1)
    logits: Tensor = network.head(trunk)
    return logits


def test_attention_follows_the_stages_it_is_said_to_and_is_shown_of_the_last_of_them() -> None:
    network, faces = trained(attention_stages=(1, 2)).eval(), some_faces()
    assert [type(module) for module in network.depth.attentions] == [AffineAttention, AffineAttention, NoAttention]
    shown = network(faces).auxiliary_outputs["attention_depth"]
    first = network.depth.attentions[0](network.depth.stages[0](faces.geometry("depth+normals")), faces.salient)
    seen = network.depth.stages[1](first)
    assert torch.equal(shown, relative_change(seen, network.depth.attentions[1](seen, faces.salient)))


def test_weights_that_look_at_what_is_salient_do_not_see_the_rest_and_show_parts_of_their_sum() -> None:
    values = {"weighting_input": "salient", "weighting_norm": "sigmoid", "attention": "none"}
    network, faces = trained(**values).eval(), some_faces()
    maps = network.texture(faces.texture, faces.masks)[0][2], network.depth(faces.geometry("depth+normals"), None)[0][2]
    salient = Cells(16, 0.0).pooled(faces.salient, maps[0])
    _, weights = network.fusions[0](*maps, salient)
    importance = network(faces).auxiliary_outputs["importance"]
    each = weights.flatten(2).mean(2)
    assert torch.allclose(importance, each / each.sum(1, keepdim=True), atol=1e-6)
    assert (each.sum(1) - 1).abs().max() > 1e-3


def test_the_forward_pass_is_attention_after_every_stage_and_fusion_at_the_named_ones() -> None:
    network, faces = trained(fuse_stages=(2, 4)).eval(), some_faces()
    with torch.no_grad():
        texture, depth, fused, weights = faces.texture, faces.geometry("depth+normals"), {}, {}
        for stage in range(1, 5):
            before = network.texture.stages[stage - 1](texture), network.depth.stages[stage - 1](depth)
            texture = network.texture.attentions[stage - 1](before[0], faces.salient)
            depth = network.depth.attentions[stage - 1](before[1], faces.salient)
            if stage in {2, 4}:
                fused[stage], weights[stage] = network.fusions[stage // 2 - 1](texture, depth)
        expected = network.trunk.stages[1](network.trunk.stages[0](fused[2])) + fused[4]
        output = network(faces)
    assert len(network.trunk.stages) == 2
    assert torch.allclose(output.logits, network.head(expected), atol=1e-6)
    importance = (weights[2].flatten(2).mean(2) + weights[4].flatten(2).mean(2)) / 2
    assert torch.allclose(output.auxiliary_outputs["importance"], importance, atol=1e-6)
    assert torch.equal(output.auxiliary_outputs["attention_texture"], relative_change(before[0], texture))
    assert torch.equal(output.auxiliary_outputs["attention_depth"], relative_change(before[1], depth))


def test_before_training_masks_do_not_matter_and_both_modalities_weigh_the_same() -> None:
    network, faces = build().eval(), some_faces()
    unmasked = FaceBatch(faces.texture, faces.depth, faces.valid, torch.zeros_like(faces.masks), faces.pixel_mm)
    output = network(faces)
    assert torch.equal(output.logits, network(unmasked).logits)
    assert torch.equal(output.auxiliary_outputs["importance"], torch.full((4, 2), 0.5))
    assert output.auxiliary_outputs["attention_texture"].max() == 0


@pytest.mark.parametrize("size", [48, 224])
@pytest.mark.parametrize("stages", [(1,), (3,), (2, 4)])
def test_extras_are_numbers_and_small_maps_of_each_face(stages: tuple[int, ...], size: int) -> None:
    auxiliary_outputs = trained(fuse_stages=stages).eval()(some_faces(2, size)).auxiliary_outputs
    assert torch.allclose(auxiliary_outputs["importance"].sum(1), torch.ones(2))
    side = min(14, size // 2 ** (stages[-1] + 1) + (size % 2 ** (stages[-1] + 1) > 0))
    for name in ("attention_texture", "attention_depth"):
        assert auxiliary_outputs[name].shape == (2, side, side)
        assert 0 <= auxiliary_outputs[name].min() < auxiliary_outputs[name].max() <= 1


def test_what_is_left_out_has_no_extras() -> None:
    faces = some_faces(2, 32)
    assert set(build(attention="none").eval()(faces).auxiliary_outputs) == {"importance"}
    assert set(build(weighting="none").eval()(faces).auxiliary_outputs) == {"attention_texture", "attention_depth"}


@pytest.mark.parametrize(("attention", "planes", "weighting"), READINGS)
def test_an_answer_repeats_itself_and_does_not_depend_on_the_other_faces(
    attention: str, planes: str, weighting: str
) -> None:
    network = trained(attention=attention, mask_planes=planes, weighting=weighting, fuse_stages=(1, 3)).eval()
    faces, others = some_faces(2, 32), some_faces(2, 32)
    mixed = {name: torch.cat([getattr(faces, name)[:1], getattr(others, name)[1:]]) for name in
             ("texture", "depth", "valid", "masks")}  # fmt: skip
    with torch.no_grad():
        one, same, other = network(faces), network(faces), network(FaceBatch(**mixed, pixel_mm=faces.pixel_mm))
    for a, b, c in zip(tensors(one), tensors(same), tensors(other), strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a[:1], c[:1])


@pytest.mark.parametrize(("attention", "planes", "weighting"), READINGS)
def test_it_works_in_bfloat16(attention: str, planes: str, weighting: str) -> None:
    network = trained(attention=attention, mask_planes=planes, weighting=weighting, fuse_stages=(1, 3))
    faces = some_faces(4, 32)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(faces)
    torch.nn.functional.cross_entropy(output.logits.float(), torch.arange(4)).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
    whole = network(faces)
    for name, extra in output.auxiliary_outputs.items():
        assert extra.dtype == torch.float32
        assert torch.allclose(extra, whole.auxiliary_outputs[name], atol=0.1)


def tensors(output: Output) -> list[Tensor]:
    return [output.logits, *output.auxiliary_outputs.values()]


def test_masks_decide_what_attention_does_and_a_reading_what_is_computed() -> None:
    faces = some_faces(2, 32)
    answers = []
    for attention, planes, weighting in READINGS:
        torch.manual_seed(0)
        network = trained(attention=attention, mask_planes=planes, weighting=weighting, fuse_stages=(1, 3)).eval()
        answers.append(network(faces).logits.detach())
    for one, other in combinations(answers, 2):
        assert not torch.allclose(one, other, atol=1e-4)


def test_only_one_trunk_goes_on_after_fusing() -> None:
    # One resnet18's stage 4 has 8,393,728 parameters: fusing before it saves just them, less what fusing costs.
    early, late = (count(fuse_stages=(stage,), reduction=8) for stage in (3, 4))
    attention = 2 * (512 * 64 + 64 + 64 * 1024 + 1024)  # MA of stage 4 in both streams
    fusion = {c: 2 * c * (c // 4) + c // 4 + (c // 4) * 2 * c + 2 * c for c in (256, 512)}
    assert late - early == 8_393_728 + attention + fusion[512] - fusion[256]


def test_streams_that_continue_cost_their_further_stages_and_a_wider_classifier() -> None:
    ends, continues = (count(streams=how, attention="none") for how in ("end", "continue"))
    assert continues - ends == 2 * 8_393_728 + 2 * 512 * 6


def test_masks_and_the_form_of_attention_change_no_parameter_count() -> None:
    assert len({count(attention=a, mask_planes=m) for a, m in ATTENDED if a in {"affine", "scale"}}) == 1
    modules = [module for module in build().modules() if isinstance(module, AffineAttention)]
    saved = sum(parameter_count(module) for module in modules)
    assert len(modules) == 6
    assert parameter_count(build()) - parameter_count(build(attention="none")) == saved


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fuse_stages": [3, 1]}, r"fuse_stages = \[3, 1\]: stages ascend, each once, for instance \[1, 3\]"),
        ({"fuse_stages": [2, 2]}, r"fuse_stages = \[2, 2\]: stages ascend, each once"),
        ({"attention": "none", "mask_planes": "regions"}, "mask_planes = 'regions': nothing reads masks where"),
        ({"attention": "scale", "masks": "ones"}, "masks = 'ones': leaves nothing for the second vector"),
        ({"attention_stages": [2, 1]}, r"attention_stages = \[2, 1\]: stages ascend, each once"),
        ({"attention_stages": [1, 4]}, r"attention_stages = \[1, 4\]: the streams end at stage 3"),
        ({"attention_stages": [1, 2, 3]}, r"attention_stages = \[1, 2, 3\]: these are all stages of the streams"),
        ({"attention_stages": [1], "attention": "none"}, r"attention_stages = \[1\]: there is none to place"),
        ({"weighting_norm": "sigmoid", "weighting": "none"}, "weighting_norm = 'sigmoid': there are no weights"),
        ({"weighting_input": "salient", "weighting": "none"}, "weighting_input = 'salient': there are no weights"),
        ({"weighting_input": "salient", "masks": "ones"}, "weighting_input = 'salient': is all of the map"),
    ],
)
def test_stages_out_of_order_and_choices_that_change_nothing_are_refused_in_one_line(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        TypeAdapter(AFNetM).validate_json(json.dumps(values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stages", [[], [0], [5], [1.5], 3])
def test_stages_that_there_are_not_are_refused(stages: object) -> None:
    with pytest.raises(ValueError, match="fuse_stages"):
        TypeAdapter(AFNetM).validate_json(json.dumps({"fuse_stages": stages}))


def test_costs_are_those_counted_by_hand() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8 * 16, 6))

    class OnTexture(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, faces: FaceBatch) -> Tensor:
            return self.network(faces.texture)

    assert parameter_count(network) == (3 * 9 + 1) * 8 + (128 + 1) * 6
    assert flop_count(OnTexture(), size=4) == 2 * (16 * 8 * 27 + 128 * 6)


def test_late_fusion_gives_the_mean_of_both_streams_probabilities() -> None:
    network = methods()["late"]().build(TINY, 6).eval()
    output = network(some_faces())
    texture, depth = output.supervised_logits
    assert torch.allclose(output.logits.exp(), (texture.softmax(1) + depth.softmax(1)) / 2, atol=1e-6)
