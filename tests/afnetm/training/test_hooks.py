"""What a network may have to say of its own training: each hook changes what it says it changes, and nothing waits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from afnetm.contract.inputs import SCANS, learnable
from afnetm.data.splits import hold_out
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.hooks import Answers, Phase, TrainingBatch, TrainingHooks, hooks_of, phase_epochs, supervised_loss
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec, Head
from afnetm.model.stream import Stream
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import Curves, fit

N = TypeVar("N", bound=nn.Module)
CONFIG = TrainingConfig(epochs=4, batch_size=10, learning_rate=1e-3)


class Network(nn.Module):
    """Texture alone, in two children."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream(EncoderSpec(width=0.125), 3)
        self.head = Head(self.stream.channels, 6)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(self.stream(faces.texture)))


class Hooked(Network, TrainingHooks):
    """The same, as one that may override hooks."""


def trained(network: nn.Module, config: TrainingConfig = CONFIG, *, held_out: Tensor | None = None) -> Curves:
    data, labels = learnable()
    index = torch.arange(SCANS)
    if held_out is not None:
        index = index[~torch.isin(index, held_out)]
    return fit(network, data, index, labels, config, seed=3, held_out=held_out)


def made(kind: type[N]) -> N:
    torch.manual_seed(0)
    return kind()


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_hooks_that_nobody_overrides_change_no_bit() -> None:
    plain, hooked = made(Network), made(Hooked)
    curves = [trained(plain), trained(hooked)]
    assert torch.equal(curves[0].loss, curves[1].loss)
    assert all(torch.equal(value, hooked.state_dict()[name]) for name, value in plain.state_dict().items())


class Watching(Hooked):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.scans = 0
        self.batches: list[TrainingBatch] = []
        self.answered: list[Tensor] = []

    def begin(self, scans: int) -> None:
        self.scans = scans

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        self.batches.append(batch)
        self.answered.append(output.logits.detach())
        return supervised_loss(output, batch.targets, batch.smoothing)


def test_a_step_knows_which_scans_it_sees_and_how_far_the_training_is() -> None:
    network = made(Watching)
    data, labels = learnable()
    index = torch.arange(SCANS).flip(0)[:25]
    fit(network, data, index, labels, CONFIG, seed=0)
    assert network.scans == 25
    assert len(network.batches) == 4 * 3
    for batch in network.batches:
        assert torch.equal(batch.targets, labels[index[batch.index]])
        assert batch.smoothing == CONFIG.label_smoothing
    for epoch in range(4):
        seen = torch.cat([batch.index for batch in network.batches[3 * epoch : 3 * epoch + 3]])
        assert torch.equal(seen.sort().values, torch.arange(25))
    progress = torch.stack([batch.progress for batch in network.batches])
    assert torch.allclose(progress, torch.arange(12) / 12)


class Distilling(Hooked):
    """Its loss is the distance to one class, whatever the labels are."""

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        return cross_entropy(output.logits.float(), torch.full_like(batch.targets, 2))


def test_a_loss_of_its_own_is_what_is_minimised() -> None:
    network = made(Distilling)
    curves = trained(network, replace(CONFIG, epochs=25, learning_rate=3e-3))
    assert curves.loss[-1] < 0.1
    data, _ = learnable()
    assert (network.eval()(data.faces(torch.arange(SCANS))).logits.argmax(1) == 2).all()


class Soft(Hooked):
    """Labels smoothed by hand, of faces whose texture is that of their neighbours."""

    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        targets = 0.7 * one_hot(batch.targets, 6).float() + 0.3 / 6
        return replace(faces, texture=faces.texture.roll(1, 0)), replace(batch, targets=targets)


class Rolled(Hooked):
    """The same faces, with classes as targets."""

    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        return replace(faces, texture=faces.texture.roll(1, 0)), batch


def test_faces_and_targets_may_be_mixed_and_targets_soft() -> None:
    soft, smoothed = made(Soft), made(Rolled)
    curves = (
        trained(soft, replace(CONFIG, label_smoothing=0.0)),
        trained(smoothed, replace(CONFIG, label_smoothing=0.3)),
    )
    assert torch.allclose(curves[0].loss, curves[1].loss, atol=1e-4)
    usual = trained(made(Hooked), replace(CONFIG, label_smoothing=0.3))
    assert (curves[1].loss - usual.loss).abs().max() > 1e-3  # the faces of others are not one's own


class Modulated(Hooked):
    """Gradients of the head are taken off."""

    def adjust_gradients(self, output: Output, batch: TrainingBatch) -> None:
        for parameter in self.head.parameters():
            assert parameter.grad is not None
            parameter.grad.zero_()


def test_gradients_may_be_changed_before_the_step() -> None:
    network = made(Modulated)
    before = state(network)
    trained(network, replace(CONFIG, weight_decay=0.0))
    for name, tensor in network.state_dict().items():
        if name.startswith("head."):
            assert torch.equal(tensor, before[name])
    assert not torch.equal(
        network.state_dict()["stream.body.stages.0.0.0.weight"], before["stream.body.stages.0.0.0.weight"]
    )


class Phased(Hooked):
    """The stream first, the head then; each with a watch on what moved."""

    phases = (Phase(0.5, ("stream",)), Phase(0.5, ("head",)))

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[dict[str, Tensor]] = []

    def begin_phase(self, number: int) -> None:
        assert number == len(self.begun)
        self.begun.append(state(self))


def test_phases_train_what_they_say_each_with_a_schedule_of_its_own() -> None:
    network = made(Phased)
    curves = trained(network)
    first, second, last = [*network.begun, state(network)]
    heads = [name for name in last if name.startswith("head.")]
    streams = [name for name in last if name.startswith("stream.")]
    assert all(torch.equal(first[name], second[name]) for name in heads)
    assert all(torch.equal(second[name], last[name]) for name in streams)  # running statistics of norms as well
    assert any(not torch.equal(first[name], second[name]) for name in streams)
    assert any(not torch.equal(second[name], last[name]) for name in heads)
    assert curves.learning_rate[2] > curves.learning_rate[1]  # the second phase's rate rises anew
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_epochs_are_shared_out_whole() -> None:
    phases = (Phase(0.1), Phase(0.45), Phase(0.45))
    assert [(number, list(epochs)) for number, _, epochs in phase_epochs(phases, 4)] == [(1, [0, 1]), (2, [2, 3])]
    for epochs in range(1, 40):
        assert [one for *_, of in phase_epochs(phases, epochs) for one in of] == list(range(epochs))


class Factored(Hooked):
    rate_factors = {"head": 0.0}


class Taught(Hooked):
    """A stream that no gradient trains."""

    frozen_parts = ("stream",)


@pytest.mark.parametrize(("kind", "still"), [(Factored, "head."), (Taught, "stream.")])
def test_parts_may_have_a_rate_of_their_own_or_none(kind: type[Hooked], still: str) -> None:
    network = made(kind)
    before = state(network)
    trained(network)
    for name, tensor in network.state_dict().items():
        assert name.startswith(still) == torch.equal(tensor, before[name]) or "num_batches" in name


class Tempered(Hooked):
    """Keeps what it is given of the held-out scans."""

    held_out = 0.25
    temperature: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("temperature", torch.ones(()))

    def calibrate(self, output: Output, targets: Tensor) -> None:
        assert not self.training
        self.given = output, targets
        self.temperature.fill_(2.0)


def test_what_is_fitted_to_held_out_scans_is_given_those_and_no_others() -> None:
    network, held_out = made(Tempered), torch.tensor([3, 30, 8])
    data, labels = learnable()
    trained(network, held_out=held_out)
    output, targets = network.given
    assert torch.equal(targets, labels[held_out])
    with torch.no_grad():
        logits = network(data.faces(held_out, softened=CONFIG.augmentation.moves)).logits
    assert torch.equal(output.logits, logits)
    assert network.temperature == 2.0


class Reviewing(Tempered):
    """Notes what it is shown before each of its phases."""

    phases = (Phase(0.25), Phase(0.75))

    def begin_phase(self, number: int) -> None:
        self.weights_at = [*getattr(self, "weights_at", []), state(self)]

    def review(self, number: int, answers: Callable[[], Sequence[Answers]]) -> None:
        self.seen = [*getattr(self, "seen", []), answers()]
        assert len(self.seen) == number + 1
        assert not any(of.output.logits.requires_grad for of in self.seen[-1])


def test_what_is_reviewed_before_a_phase_are_the_answers_of_then_for_both_parts() -> None:
    network, held_out = made(Reviewing), torch.tensor([3, 30, 8])
    data, labels = learnable()
    trained(network, held_out=held_out)
    parts = (torch.tensor([i for i in range(SCANS) if i not in {3, 30, 8}]), held_out)
    for weights, seen in zip(network.weights_at, network.seen, strict=True):
        then = made(Reviewing).eval()
        then.load_state_dict(weights)
        for part, answers in zip(parts, seen, strict=True):
            assert torch.equal(answers.targets, labels[part])
            with torch.no_grad():
                logits = then(data.faces(part, softened=CONFIG.augmentation.moves)).logits
            assert torch.allclose(answers.output.logits, logits, atol=1e-5)


def test_whole_subjects_are_held_out() -> None:
    subjects = [f"s{number // 3}" for number in range(30)]
    index = np.arange(6, 30)
    train, held = hold_out(subjects, index, share=0.25, seed=1)
    names = np.array(subjects)
    assert sorted([*train, *held]) == index.tolist()
    assert not set(names[train]) & set(names[held])
    assert len(set(names[held])) == 2
    assert np.array_equal(held, hold_out(subjects, index, share=0.25, seed=1)[1])
    assert any(not np.array_equal(held, hold_out(subjects, index, share=0.25, seed=seed)[1]) for seed in range(2, 6))
    assert len(hold_out(subjects, index, share=0.0, seed=1)[1]) == 0
    with pytest.raises(UserError, match=r"held_out = 0.9: of 1 training subjects nobody would be left"):
        hold_out(["s0"] * 4, np.arange(4), share=0.9, seed=0)


def test_weights_of_cross_entropies_are_factors() -> None:
    torch.manual_seed(0)
    logits, targets = (torch.randn(5, 3), torch.randn(5, 3)), torch.tensor([0, 1, 2, 1, 0])
    one, other = (cross_entropy(of, targets, label_smoothing=0.1) for of in logits)
    for weights in ((0.25, 2.0), torch.tensor([0.25, 2.0])):
        output = Output(logits[0], supervised_logits=logits, supervised_weights=weights)
        assert torch.allclose(supervised_loss(output, targets, 0.1), 0.25 * one + 2.0 * other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate_factors": {"neck": 0.1}}, "the network has no child 'neck'; it has stream, head"),
        ({"phases": (Phase(0.5),)}, r"phases have shares \[0.5\]; allowed are numbers above 0 that sum to 1"),
        ({"phases": (Phase(1.0, ("heads",)),)}, "no child 'heads'"),
        ({"held_out": 1.0}, "held_out = 1.0; allowed is 0 to below 1"),
    ],
)
def test_hooks_that_cannot_be_are_refused_by_name(settings: dict[str, object], message: str) -> None:
    network = Hooked()
    vars(network).update(settings)
    with pytest.raises(UserError, match=message):
        hooks_of(network)
