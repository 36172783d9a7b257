"""Given weights that are not trained: the same bits after any training, in every place that a method puts them."""

from pathlib import Path
from typing import Any, Literal

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import afnetm
from afnetm import TrainingConfig, UserError
from afnetm.data.dataset import FaceDataset
from afnetm.face_batch import FaceBatch
from afnetm.method import Method, built
from afnetm.model.afnetm import AFNetM
from afnetm.model.cost import parameter_count
from afnetm.model.encoder import Encoder, EncoderPart, EncoderSpec
from afnetm.model.stream import Stream, check_encoder
from afnetm.registry import methods
from afnetm.training.gradcam import gradcam
from afnetm.training.optimizing import parameter_groups

Frozen = Literal[0, 1, 2, 3, "all"]
NAME = "test_resnet"
SHORT = TrainingConfig(epochs=2, batch_size=16)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    network = timm.create_model(NAME)
    network(torch.randn(8, 3, 64, 64))  # running statistics of its own
    save_file(network.state_dict(), path)
    return path


def spec(weights: Path, frozen: Frozen) -> EncoderSpec:
    return EncoderSpec(name=NAME, weights=str(weights), frozen_stages=frozen, output_stride=16)


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(module: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in before.items() if not torch.equal(module.state_dict()[name], tensor)}


def parts(module: nn.Module) -> list[EncoderPart]:
    return [part for part in module.modules() if isinstance(part, EncoderPart)]


@pytest.mark.parametrize("name", sorted(methods().keys() - {"landmarks"}))  # which has no encoder
def test_every_method_trains_with_frozen_encoders_and_leaves_them_alone(
    name: str, weights: Path, learnable: FaceDataset
) -> None:
    frozen: Frozen = "all" if len(name) % 2 else 2
    kind: type[Method] = methods()[name]
    torch.manual_seed(1)
    model = built(kind(), spec(weights, frozen), 6)
    kept = [part for part in parts(model) if part.frozen]
    before, fixed = state(model), [state(part) for part in kept]
    afnetm.fit(model, learnable, SHORT)
    assert changed(model, before), "nothing was trained"
    assert not any(changed(part, was) for part, was in zip(kept, fixed, strict=True))
    assert all(not part.training and not any(p.requires_grad for p in part.parameters()) for part in kept)
    inside = [part for part in parts(model) if not part.frozen]
    assert (not inside) or frozen == 2
    faces = FaceBatch(
        torch.randn(2, 3, 32, 32), torch.randn(2, 1, 32, 32), *(torch.ones(2, n, 32, 32) for n in (1, 4)), pixel_mm=5.0
    )
    assert gradcam(model, faces, torch.zeros(2, dtype=torch.long)), "no evidence is shown"


@pytest.mark.parametrize("frozen", [0, 1, 2, 3, "all"])
def test_stages_are_frozen_from_the_first_on_in_streams_and_trunk_alike(frozen: Frozen, weights: Path) -> None:
    count = 4 if frozen == "all" else frozen
    model: Any = AFNetM(fuse_stages=(2,)).build(spec(weights, frozen), 6).train()
    for stages, first in ((model.texture.stages, 1), (model.depth.stages, 1), (model.trunk.stages, 3)):
        for number, stage in enumerate(stages, start=first):
            assert stage.frozen == (not stage.training) == (number <= count)
    free = AFNetM(fuse_stages=(2,)).build(spec(weights, 0), 6)
    held = sum(p.numel() for part in parts(model) if part.frozen for p in part.parameters())
    assert parameter_count(model) == parameter_count(free) - held
    listed = [p for group in parameter_groups(model, SHORT) for p in group["params"]]
    assert sum(p.numel() for p in listed) == parameter_count(model)


def test_what_is_frozen_computes_as_in_evaluation_in_training_too(weights: Path) -> None:
    x = torch.randn(4, 3, 64, 64)
    plain, frozen = Encoder(spec(weights, 0), 3).eval(), Encoder(spec(weights, "all"), 3).train()
    assert torch.equal(plain(x), frozen(x))
    assert not frozen(x).requires_grad
    later = Encoder(spec(weights, 2), 3).train()
    half = later.stages[1](later.stages[0](x))
    assert torch.equal(half, plain.stages[1](plain.stages[0](x)))
    assert later(x).requires_grad


def test_an_encoder_that_is_not_cut_is_frozen_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    save_file(timm.create_model("test_vit", img_size=64).state_dict(), path)
    whole = EncoderSpec(name="test_vit", weights=str(path), frozen_stages="all")
    check_encoder(whole, size=64)
    stream = Stream(EncoderSpec(**{**vars(whole), "size": 64}), 3).train()
    assert not any(p.requires_grad for p in stream.parameters())
    assert not any(module.training for module in stream.body.modules())
    with pytest.raises(UserError, match=r"^encoder.frozen_stages = 2: encoder 'test_vit' cannot be cut .* say 'all'"):
        check_encoder(EncoderSpec(name="test_vit", weights=str(path), frozen_stages=2), size=64)


@pytest.mark.parametrize("frozen", [1, "all"])
def test_random_weights_are_not_frozen(frozen: Frozen) -> None:
    with pytest.raises(UserError, match=rf"^encoder.frozen_stages = '?{frozen}'?: random weights .*; give"):
        afnetm.create_model("concat", num_classes=6, encoder=NAME, frozen_stages=frozen)


def test_given_weights_have_a_learning_rate_of_their_own(weights: Path, learnable: FaceDataset) -> None:
    torch.manual_seed(2)
    model = built(methods()["concat"](), spec(weights, 1), 6)
    groups = parameter_groups(model, TrainingConfig(learning_rate=0.5, pretrained_factor=0.25, weight_decay=0.1))
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    given = {id(p) for part in parts(model) for p in part.parameters() if p.requires_grad}
    assert given < rates.keys()
    assert all(rate == (0.125 if parameter in given else 0.5) for parameter, rate in rates.items())
    assert {group["weight_decay"] for group in groups} == {0.1, 0.0}

    def moved(factor: float) -> tuple[float, float]:
        """By how much weights of the encoder and of the classifier are changed by one step."""
        torch.manual_seed(2)
        model = built(methods()["concat"](), spec(weights, 1), 6)
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        config = TrainingConfig(epochs=1, batch_size=4096, warmup=0.0, pretrained_factor=factor, weight_decay=0.0)
        curves = afnetm.fit(model, learnable, config)
        assert curves.learning_rate[0] == pytest.approx(1e-3)
        change = {name: float((p.detach() - before[name]).abs().max()) for name, p in model.named_parameters()}
        inside = {name for name in change if "stages" in name}
        return max(change[name] for name in inside), max(change[name] for name in change.keys() - inside)

    (given_whole, new_whole), (given_tenth, new_tenth) = moved(1.0), moved(0.1)
    assert given_tenth == pytest.approx(0.1 * given_whole, rel=1e-2)
    assert new_tenth == pytest.approx(new_whole, rel=1e-2)


def test_only_what_was_given_is_pretrained(weights: Path) -> None:
    half = EncoderSpec(name=NAME, depth_weights=str(weights))
    assert [{part.pretrained for part in parts(Encoder(half, channels))} for channels in (3, 4)] == [{False}, {True}]
    assert not any(part.pretrained for part in parts(Encoder(EncoderSpec(name=NAME), 3)))
