"""What ``graph = true`` records and replays has the bits of what is run; on a processor a tape shows it for a graph."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Lock

import pytest
import torch
from torch import Tensor, nn

from afnetm.contract.bench import ENCODER, Bench
from afnetm.contract.checks import CHECKS
from afnetm.contract.devices import check_a_recorded_step_is_the_same
from afnetm.contract.inputs import learnable
from afnetm.contract.tape import Tapes, taped
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.hooks import Phase, TrainingBatch, TrainingHooks
from afnetm.method import Method, Output, built
from afnetm.model.afnetm import AFNetM
from afnetm.model.encoder import EncoderSpec
from afnetm.training import graphs
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import fit
from afnetm.training.step import StoredBatch, TrainingStep
from baselines.concat import Concat

CPU = torch.device("cpu")
CONFIG = TrainingConfig(epochs=2, batch_size=10, learning_rate=1e-3, graph=True)


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_said", set())


@pytest.fixture
def tape() -> Iterator[graphs.Recordings]:
    with taped():
        yield graphs.recordings(CPU)


class Small(nn.Module, TrainingHooks):
    """A network that a step takes a millisecond of, with weights, a buffer and random numbers of its own."""

    counted: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.layer, self.head = nn.BatchNorm1d(4), nn.Linear(4, 16), nn.Linear(16, 6)
        self.register_buffer("counted", torch.zeros(()))

    def forward(self, faces: FaceBatch) -> Output:
        maps = torch.cat([faces.texture, faces.depth], 1).mean((2, 3))
        hidden = nn.functional.dropout(self.layer(self.norm(maps)).relu(), 0.2, self.training)
        self.counted += 1
        return Output(self.head(hidden) * self.factor())

    def factor(self) -> float | Tensor:
        return 1.0


def method(network: type[nn.Module]) -> Method:
    @dataclass(frozen=True, kw_only=True)
    class Made(Method):
        name = network.__name__.lower()
        scale: float = 1.0

        def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
            return network()

    return Made()


def train(of: Method, config: TrainingConfig = CONFIG, *, fold: int = 0, scans: int = 15) -> dict[str, Tensor]:
    torch.manual_seed(fold)
    network = built(of, ENCODER, 6)
    data, labels = learnable()
    curves = fit(network, data, torch.arange(scans) + fold, labels, config, seed=fold)
    return {**{name: of.clone() for name, of in network.state_dict().items()}, **vars(curves)}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


EAGER = replace(CONFIG, graph=False)


def test_folds_of_a_method_are_replayed_by_one_recording(tape: graphs.Recordings) -> None:
    of = method(Small)
    for fold in (0, 1, 2, 0):
        assert same(train(of, fold=fold), train(of, EAGER, fold=fold))
    assert isinstance(tape.recorder, Tapes)
    assert (len(tape.steps), len(tape.recorder.recorded)) == (1, 2), "of batches of 7 and 8"


def test_a_network_that_was_trained_is_not_touched_by_the_next(tape: graphs.Recordings) -> None:
    torch.manual_seed(0)
    network = built(method(Small), ENCODER, 6)
    data, labels = learnable()
    fit(network, data, torch.arange(15), labels, CONFIG, seed=0)
    before = {name: of.clone() for name, of in network.state_dict().items()}
    train(network.built_from, fold=1)  # type: ignore[arg-type]
    assert same(before, network.state_dict())


@pytest.mark.parametrize(
    "other",
    [
        {"config": replace(CONFIG, weight_decay=0.5)},
        {"config": replace(CONFIG, epochs=1)},
        {"config": replace(CONFIG, label_smoothing=0.0)},
        {"scans": 14},
        {"of": method(Small)},
    ],
)
def test_what_is_recorded_of_another_training_is_not_replayed(
    other: dict[str, object], tape: graphs.Recordings
) -> None:
    of = method(Small)
    train(of)
    given = {"of": of, **other}
    config = given.pop("config", CONFIG)
    assert isinstance(config, TrainingConfig)
    assert same(train(config=config, **given), train(config=replace(config, graph=False), **given))  # type: ignore[arg-type]
    assert len(tape.steps) == 2


def test_a_network_that_no_method_built_is_recorded_for_itself_alone(tape: graphs.Recordings) -> None:
    class Scaled(Small):
        scale = 1.0

        def factor(self) -> float:
            return self.scale

    data, labels = learnable()
    found = []
    for config in (CONFIG, EAGER):
        for scale in (1.0, 3.0):
            torch.manual_seed(0)
            network = Scaled()
            network.scale = scale
            found.append(fit(network, data, torch.arange(15), labels, config, seed=0).loss)
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[3])


def test_phases_are_recorded_one_by_one(tape: graphs.Recordings) -> None:
    class Phased(Small):
        phases = (Phase(0.34, ("norm", "layer")), Phase(0.33, ("head",)), Phase(0.33, ("head",)))
        number = 0

        def begin_phase(self, number: int) -> None:
            self.number = number

        def factor(self) -> float:
            return 1.0 + self.number

    of, config = method(Phased), replace(CONFIG, epochs=3)
    for fold in range(2):
        assert same(train(of, config, fold=fold), train(of, replace(config, graph=False), fold=fold))
    assert len(tape.steps) == 3


def test_those_not_used_for_longest_are_given_up_when_they_hold_too_much(
    tape: graphs.Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = (method(Small) for _ in range(3))
    train(one)
    size = next(iter(tape.steps.values())).bytes
    assert size > 0
    monkeypatch.setattr(Tapes, "limit", 2 * size)
    for of in (two, one, three, one):
        train(of)
    assert isinstance(tape.recorder, Tapes)
    assert len(tape.recorder.recorded) == 2 * 3
    train(two)
    assert len(tape.recorder.recorded) == 2 * 4
    monkeypatch.setattr(Tapes, "limit", 0)
    train(three)
    assert len(tape.steps) == 1, "the one that is being replayed stays"


class Counting(Small):
    """A number of Python's own changes from step to step."""

    calls = 0

    def factor(self) -> float:
        self.calls += 1
        return 1.0 + 0.1 * self.calls


class Remembering(Small):
    """A tensor that is no buffer is left from the training before."""

    def begin(self, scans: int) -> None:
        self.kept = torch.rand(6)

    def factor(self) -> Tensor:
        return 1.0 + self.kept


class Moving(Small):
    """A buffer is another tensor at each step."""

    last: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("last", torch.ones(()))

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        self.last = 1 + self.last.clone()
        return super().loss(output, batch) * self.last


class Asking(Small):
    """The host decides."""

    def factor(self) -> float:
        return 2.0 if float(self.head.weight.detach().sum()) > 0 else 1.0


class Saying(Asking):
    eager_only = "it asks for the sum of its weights"


@pytest.mark.parametrize(
    ("network", "finds"),
    [
        (Small, None),
        (Counting, "in the first training with graph = true, .* differ; keep what changes"),
        (Remembering, "in the next training with graph = true"),
        (Moving, "in the first training with graph = true"),
        (Asking, "cannot be recorded: the host would wait for _local_scalar_dense; mend that, or say so in eager_only"),
        (Saying, None),
    ],
)
def test_what_cannot_be_replayed_is_found_by_the_contract(network: type[nn.Module], finds: str | None) -> None:
    assert check_a_recorded_step_is_the_same in CHECKS
    bench = Bench(type(method(network)))
    if finds is None:
        check_a_recorded_step_is_the_same(bench)
    else:
        with pytest.raises(UserError, match=finds):
            check_a_recorded_step_is_the_same(bench)


def test_a_learning_rate_that_is_a_number_would_be_found(
    tape: graphs.Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a scheduler of torch sets it: what is recorded is the rate of the first step, for all of them."""
    of, run = method(Small), TrainingStep.run
    eager = train(of, EAGER)

    def with_numbers(step: TrainingStep, batch: StoredBatch) -> None:
        taken = vars(step).setdefault("taken", iter(step.rates))
        rate = next(taken)  # of all weights, as none has a factor of its own
        for group in step.optimizer.param_groups:
            group["lr"] = rate
        run(step, batch)

    monkeypatch.setattr(TrainingStep, "run", with_numbers)
    assert same(train(of, EAGER), eager)
    assert not same(train(of), eager)


def test_without_a_gpu_the_bits_are_the_same_and_a_line_says_why_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "afnetm"):
        for of in (method(Small), method(Saying)):
            assert same(train(of), train(of, EAGER))
    line = "graph = true: no step is replayed: the device is 'cpu', and only a GPU has CUDA graphs"
    assert caplog.messages == [line]


class Locked(Small):
    """It cannot be copied."""

    def begin(self, scans: int) -> None:
        self.lock = Lock()


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Saying, "it asks for the sum of its weights"),
        (Locked, "the network cannot be copied: cannot pickle '_thread.lock' object"),
    ],
)
def test_without_a_recording_the_bits_are_the_same_and_a_line_says_why_once(
    network: type[nn.Module], reason: str, tape: graphs.Recordings, caplog: pytest.LogCaptureFixture
) -> None:
    of = method(network)
    with caplog.at_level(logging.WARNING, "afnetm"):
        for fold in range(2):
            assert same(train(of, fold=fold), train(of, EAGER, fold=fold))
    assert not tape.steps
    assert caplog.messages == [f"graph = true: '{of.name}' is trained without a graph: {reason}"]


def test_what_could_not_be_recorded_is_not_tried_again(
    tape: graphs.Recordings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = method(Asking)
    train(of)
    monkeypatch.setattr(Tapes, "record", None)
    assert same(train(of, fold=1), train(of, EAGER, fold=1))
    assert len(caplog.messages) == 1
    assert re.search("'asking' is trained without a graph: the host would wait", caplog.text)


def test_real_methods_have_the_same_bits_in_bfloat16_and_few_operations(tape: graphs.Recordings) -> None:
    """On a GPU each is launched by itself without a graph: their number bounds what a step takes there."""
    assert isinstance(tape.recorder, Tapes)
    config = replace(CONFIG, precision="bfloat16", epochs=1, batch_size=8)
    for of, most in ((Concat(dropout=0.1), 750), (AFNetM(), 1230)):
        for fold in range(2):
            assert same(train(of, config, fold=fold), train(of, replace(config, graph=False), fold=fold))
        assert tape.recorder.recorded[-1] <= most
    assert len(tape.steps) == 2
