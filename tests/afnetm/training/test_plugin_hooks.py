"""The hooks of `tests/plugin/taught.py`, a method outside the project: one training, and what each hook did to it."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, one_hot

from afnetm.contract.bench import ENCODER, STILL
from afnetm.contract.inputs import SCANS, learnable
from afnetm.face_batch import FaceBatch
from afnetm.hooks import TrainingBatch
from afnetm.method import Output, built
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import fit
from tests.plugin.taught import Taught

CONFIG = TrainingConfig(epochs=5, batch_size=10, augmentation=STILL)
HELD_OUT = torch.tensor([3, 8, 17, 30])
INDEX = torch.tensor([scan for scan in range(SCANS) if scan not in HELD_OUT])
EPOCH, STEPS = 3, 15  # batches; the first phase has two of five epochs
FIRST = 2 * EPOCH


@dataclass
class Step:
    """One as the network saw it.

    Attributes:
        drawn: before `prepare`, faces and batch.
        given: after it.
        output: of the forward pass.
        loss: that was minimised.
        weights: when the loss was computed, before the optimiser's step.
        gradients: after the backward pass, by parameter; not of those without any.
    """

    drawn: tuple[FaceBatch, TrainingBatch]
    given: tuple[FaceBatch, TrainingBatch]
    output: Output | None = None
    loss: Tensor | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """A training, step by step, and what the network was at the start of each phase and at the end."""

    network: Any
    steps: list[Step]
    begun: list[dict[str, Tensor]]
    calibrated: list[tuple[Output, Tensor]]


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def training() -> Watched:
    """Hooks do what they do, and note it."""
    torch.manual_seed(0)
    network: Any = built(Taught(), ENCODER, 6)
    watched = Watched(network, [], [], [])
    prepare, loss, adjust = network.prepare, network.loss, network.adjust_gradients
    begin_phase, calibrate = network.begin_phase, network.calibrate

    def preparing(*drawn: Any) -> Any:
        watched.steps.append(Step(drawn, prepare(*drawn)))
        return watched.steps[-1].given

    def losing(output: Output, batch: TrainingBatch) -> Tensor:
        step = watched.steps[-1]
        step.output, step.loss, step.weights = output, loss(output, batch), state(network)
        return step.loss

    def adjusting(*given: Any) -> None:
        named = network.named_parameters()
        watched.steps[-1].gradients = {name: of.grad.clone() for name, of in named if of.grad is not None}
        adjust(*given)

    def beginning(number: int) -> None:
        watched.begun.append(state(network))
        begin_phase(number)

    def calibrating(*given: Any) -> None:
        watched.calibrated.append(given)
        calibrate(*given)

    network.prepare, network.loss, network.adjust_gradients = preparing, losing, adjusting
    network.begin_phase, network.calibrate = beginning, calibrating
    data, labels = learnable()
    fit(network, data, INDEX, labels, CONFIG, seed=1, held_out=HELD_OUT)
    watched.begun.append(state(network))
    assert len(watched.steps) == STEPS
    return watched


def moved(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    """Children of which a weight or a statistic changed."""
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    return {name.partition(".")[0] for name in changed} - {"temperature", "overfit"}


def test_each_phase_trains_what_it_names_and_the_slow_head_follows_without_gradients(training: Watched) -> None:
    assert moved(training.begun[0], training.begun[1]) == {"depth", "depth_head"}
    assert moved(training.begun[1], training.begun[2]) == {"texture", "texture_head", "slow_head"}
    for number, step in enumerate(training.steps):
        trained = {"depth", "depth_head"} if number < FIRST else {"texture", "texture_head"}
        assert {name.partition(".")[0] for name in step.gradients} == trained


def test_the_hook_before_the_step_sees_gradients_and_the_weights_from_before_it(training: Watched) -> None:
    """The slow head goes a tenth of the way to what the fast one was, not to what the optimiser makes of it."""
    for step, then in zip(training.steps[FIRST:], training.steps[FIRST + 1 :], strict=False):
        for name in ("weight", "bias"):
            (key,) = (one for one in step.weights if one.startswith("slow_head.") and one.endswith(name))
            slow, fast = step.weights[key], step.weights[key.replace("slow_head", "texture_head")]
            assert torch.allclose(then.weights[key], slow + 0.1 * (fast - slow), atol=1e-7)
            assert step.gradients[key.replace("slow_head", "texture_head")].abs().max() > 0


def test_the_head_learns_twice_as_fast(training: Watched) -> None:
    """AdamW's first step is as long as the learning rate for every weight, decay aside, whatever its gradient."""
    one, then = training.steps[FIRST], training.steps[FIRST + 1]
    biases = [name for name in one.gradients if name.endswith("bias")]
    length = {name: (then.weights[name] - one.weights[name]).abs().median() for name in biases}
    head = [value for name, value in length.items() if name.startswith("texture_head.")]
    rest = [value for name, value in length.items() if name.startswith("texture.")]
    assert head
    assert rest
    assert torch.allclose(torch.stack(head), 2 * torch.stack(rest).median(), rtol=0.02)


def test_weights_of_both_cross_entropies_progress_and_the_distance_are_what_the_loss_is_made_of(
    training: Watched,
) -> None:
    for number, step in enumerate(training.steps):
        batch = step.given[1]
        assert batch.progress == pytest.approx(number / STEPS)
        assert step.output is not None
        assert step.loss is not None
        texture, depth = step.output.supervised_logits
        of = depth if number < FIRST else texture
        expected = cross_entropy(of, batch.targets, label_smoothing=CONFIG.label_smoothing)
        if number >= FIRST:
            far = kl_div(texture.log_softmax(1), depth.log_softmax(1), log_target=True, reduction="batchmean")
            expected = expected + number / STEPS * far
            assert far > 1e-4
        assert torch.allclose(step.loss, expected, atol=1e-5)


def test_faces_are_mixed_with_their_neighbours_and_targets_with_them(training: Watched) -> None:
    _, labels = learnable()
    for step in training.steps:
        (faces, drawn), (mixed, given) = step.drawn, step.given
        assert torch.equal(drawn.targets, labels[INDEX[drawn.index]])
        assert torch.allclose(mixed.texture, 0.9 * faces.texture + 0.1 * faces.texture.roll(1, 0))
        assert torch.equal(mixed.depth, faces.depth)
        hard = one_hot(drawn.targets, 6).float()
        assert torch.allclose(given.targets, 0.9 * hard + 0.1 * hard.roll(1, 0))


def test_the_history_has_each_training_scan_s_last_distance_at_its_place_and_is_not_kept(training: Watched) -> None:
    expected = torch.full((len(INDEX),), torch.nan)
    for step in training.steps[-EPOCH:]:
        assert step.output is not None
        texture, depth = (of.log_softmax(1) for of in step.output.supervised_logits)
        expected[step.given[1].index] = kl_div(texture, depth, log_target=True, reduction="none").sum(1).detach()
    assert torch.allclose(training.network.history, expected, atol=1e-6)
    assert "history" not in training.network.state_dict()


@torch.no_grad()
def answers(weights: dict[str, Tensor], scans: Tensor) -> Output:
    """Of a network with these weights for scans as they are, before a temperature."""
    network = built(Taught(), ENCODER, 6)
    network.load_state_dict(weights | {"temperature": torch.ones(())})
    output: Output = network.eval()(learnable()[0].faces(scans))
    return output


def test_what_held_out_subjects_decide_is_of_their_scans(training: Watched) -> None:
    """How far depth is from them when its phase has ended, and the temperature of the trained network."""
    labels = learnable()[1]
    losses = [
        cross_entropy(answers(training.begun[1], scans).supervised_logits[1], labels[scans])
        for scans in (INDEX, HELD_OUT)
    ]
    assert training.network.overfit == pytest.approx(float(losses[1] - losses[0]), abs=1e-4)
    assert training.network.overfit != 0.0

    ((output, targets),) = training.calibrated
    logits = answers(training.begun[2], HELD_OUT).logits
    assert torch.equal(targets, labels[HELD_OUT])
    assert torch.allclose(output.logits, logits, atol=1e-4)
    by_temperature = {one: float(cross_entropy(logits / one, targets)) for one in (0.5, 1.0, 2.0)}
    assert training.network.temperature == min(by_temperature, key=lambda one: by_temperature[one]) != 1.0
    with torch.no_grad():
        after = training.network.eval()(learnable()[0].faces(HELD_OUT)).logits
    assert torch.allclose(after, logits / training.network.temperature, atol=1e-4)
