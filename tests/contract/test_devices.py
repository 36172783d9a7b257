"""The checks that a GPU is measured by find the faults that they are for, and none where there is none."""

import random
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from afnetm.contract import devices
from afnetm.contract.bench import ENCODER, Bench, Check
from afnetm.contract.checks import CHECKS
from afnetm.contract.devices import ON_DEVICE, Subject
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from afnetm.training.loop import DivergedError


class Sound(nn.Module):
    """Trains, and nothing is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 6)
        self.calls = 0
        self.kept = torch.ones(6)  # no buffer

    def forward(self, faces: FaceBatch) -> Output:
        self.calls += 1
        return Output(self.changed(self.head(faces.texture.mean((2, 3)))))

    def changed(self, logits: Tensor) -> Tensor:
        return logits


class Waiting(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * 2 if logits.sum().item() > 0 else logits


class Masking(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits + logits[logits > 0].sum()  # how many there are is for the host to know


class Drawing(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * random.random()


class Reading(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * torch.empty(6).isnan().logical_not()


class Spreading(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits + 0 * torch.empty(6)


class Overflowing(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * torch.inf


class Counting(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * self.calls


class Keeping(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * self.kept


class Returning(Sound):
    def forward(self, faces: FaceBatch) -> Output:
        return Output(torch.zeros(len(faces.texture), 6))


def subject(network: type[nn.Module]) -> Subject:
    @dataclass(frozen=True, kw_only=True)
    class Made(Method):
        name = network.__name__

        def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
            return network()

    return Subject(Made, "cpu", 32, ENCODER)


@pytest.mark.parametrize("check", ON_DEVICE)
def test_what_is_sound_passes(check: str) -> None:
    ON_DEVICE[check](subject(Sound))


@pytest.mark.parametrize(
    ("check", "network"),
    [
        ("trains", Overflowing),
        ("repeats", Drawing),
        ("writes before it reads", Reading),
        ("writes before it reads", Spreading),
        ("never waits", Waiting),
        ("never waits", Masking),
        ("agrees", Counting),
    ],
)
def test_each_fault_is_found_by_its_check(check: str, network: type[nn.Module]) -> None:
    with pytest.raises((UserError, DivergedError)):
        ON_DEVICE[check](subject(network))


@pytest.mark.parametrize(
    ("check", "network"),
    [
        (devices.check_memory_is_written_before_it_is_read, Reading),
        (devices.check_a_gpu_would_not_be_waited_for, Waiting),
        (devices.check_no_tensor_is_left_on_the_processor, Keeping),
        (devices.check_no_tensor_is_left_on_the_processor, Returning),
    ],
)
def test_what_a_processor_can_show_is_in_the_contract(check: Check, network: type[nn.Module]) -> None:
    assert check in CHECKS
    check(Bench(subject(Sound).kind))
    with pytest.raises(UserError, match="GPU|torch.empty"):
        check(Bench(subject(network).kind))
