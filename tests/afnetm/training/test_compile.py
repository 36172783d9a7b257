"""``compile = true`` holds every hook: a network that uses them all learns as it does uncompiled, on a processor."""

import shutil
from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, one_hot

from afnetm.contract.inputs import SCANS, learnable
from afnetm.face_batch import FaceBatch
from afnetm.hooks import Phase, TrainingBatch, TrainingHooks, supervised_loss
from afnetm.method import Output
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import Curves, fit

CONFIG = TrainingConfig(epochs=4, batch_size=10, learning_rate=1e-2)
HELD_OUT = torch.tensor([3, 30, 8])
INDEX = torch.tensor([scan for scan in range(SCANS) if scan not in HELD_OUT])
#: Compiled code sums in another order; what differs in the last bit of float32 grows over a dozen steps.
TOLERANCE = 1e-4


class Hooked(nn.Module, TrainingHooks):
    """Linear layers of mean colour and depth, small enough to be compiled in seconds, without random numbers."""

    phases = (Phase(0.5, ("depth",)), Phase(0.5, ("texture",)))
    rate_factors: Mapping[str, float] = {"texture": 2.0}
    frozen_parts = ("slow",)
    held_out = 0.1
    temperature: Tensor
    history: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.texture, self.depth, self.slow = nn.Linear(3, 6), nn.Linear(1, 6), nn.Linear(3, 6)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("history", torch.zeros(0), persistent=False)
        self.phase = 0
        self.weights: list[dict[str, Tensor]] = []
        self.forwards: list[Tensor] = []

    def begin(self, scans: int) -> None:
        self.history = torch.zeros(scans)

    def begin_phase(self, number: int) -> None:
        self.phase = number
        self.weights.append({name: value.clone() for name, value in self.named_parameters()})

    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        targets = one_hot(batch.targets, 6).float()
        texture, targets = (0.7 * of + 0.3 * of.roll(1, 0) for of in (faces.texture, targets))
        return replace(faces, texture=texture), replace(batch, targets=targets)

    def forward(self, faces: FaceBatch) -> Output:
        colour = faces.texture.mean((2, 3))
        own = self.texture(colour), self.depth(faces.depth.mean((2, 3)))
        logits = (own[0] + own[1] + self.slow(colour)) / 3 / self.temperature
        compiled = torch.full_like(logits[:, 0], float(torch.compiler.is_compiling()))
        weights = (0.0, 1.0) if self.phase == 0 else (1.0, 0.5)
        return Output(logits, own, supervised_weights=weights, auxiliary_outputs={"compiled": compiled})

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        assert not torch.compiler.is_compiling()
        self.forwards.append(output.auxiliary_outputs["compiled"])
        texture, depth = (of.float().log_softmax(1) for of in output.supervised_logits)
        distance = kl_div(texture, depth.detach(), log_target=True, reduction="none").sum(1)
        self.history[batch.index] = distance.detach()
        return supervised_loss(output, batch.targets, batch.smoothing) + batch.progress * distance.mean()

    def adjust_gradients(self, output: Output, batch: TrainingBatch) -> None:
        for parameter in (self.texture.weight, self.depth.weight):
            if parameter.grad is not None:
                parameter.grad[0] = 0.0
        with torch.no_grad():
            self.slow.weight.lerp_(self.texture.weight, 0.1)

    def calibrate(self, output: Output, targets: Tensor) -> None:
        tried = torch.linspace(0.1, 2.0, 20)
        losses = torch.stack([cross_entropy(output.logits / one, targets) for one in tried.unbind()])
        self.temperature.copy_(tried[losses.argmin()])


def trained(*, compiled: bool) -> tuple[Hooked, Curves]:
    torch.manual_seed(0)
    network = Hooked()
    data, labels = learnable()
    config = replace(CONFIG, compile=compiled, weight_decay=0.0)
    return network, fit(network, data, INDEX, labels, config, seed=3, held_out=HELD_OUT)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "cl"))), reason="torch.compile needs a C++ compiler")
def test_every_hook_does_to_a_compiled_training_what_it_does_to_another() -> None:
    (eager, usual), (network, curves) = trained(compiled=False), trained(compiled=True)
    assert [float(torch.stack([of.mean() for of in one.forwards]).mean()) for one in (eager, network)] == [0.0, 1.0]
    assert len(network.forwards) == 4 * 3
    assert torch.allclose(curves.loss, usual.loss, atol=TOLERANCE)
    assert torch.equal(curves.learning_rate, usual.learning_rate)
    for name, value in network.named_parameters():
        assert torch.allclose(value, eager.get_parameter(name), atol=TOLERANCE), name
    assert torch.allclose(network.history, eager.history, atol=TOLERANCE)  # what was written at the scans' index
    assert network.history.count_nonzero() == len(INDEX)
    assert network.temperature == eager.temperature != 1.0

    first, second = network.weights
    last = dict(network.named_parameters())
    moved = [
        {name for name in old if not torch.equal(old[name], new[name])}
        for old, new in [(first, second), (second, last)]
    ]
    assert moved == [{"depth.weight", "depth.bias", "slow.weight"}, {"texture.weight", "texture.bias", "slow.weight"}]
    for layer in ("texture", "depth"):  # the row whose gradient was taken off, and another
        assert torch.equal(last[f"{layer}.weight"][0], first[f"{layer}.weight"][0])
        assert not torch.equal(last[f"{layer}.weight"][1], first[f"{layer}.weight"][1])
