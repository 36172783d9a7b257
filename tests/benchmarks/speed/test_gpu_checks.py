"""The checks that a GPU is measured by find the faults that they are for, and none where there is none."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from afnetm.faces import Faces
from afnetm.method import Method, Output
from afnetm.model.encoder import EncoderSpec
from afnetm.training.process import prepare_process
from benchmarks.speed.gpu.checks import CHECKS, Subject
from tests.contract.test_cuda import test_no_tensor_is_left_on_the_processor as stays


class Sound(nn.Module):
    """Trains, and nothing is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 6)
        self.calls = 0
        self.kept = torch.ones(6)  # no buffer

    def forward(self, faces: Faces) -> Output:
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


class Overflowing(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * torch.inf


class Counting(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * self.calls


class Keeping(Sound):
    def changed(self, logits: Tensor) -> Tensor:
        return logits * self.kept


def subject(network: type[nn.Module]) -> Subject:
    @dataclass(frozen=True, kw_only=True)
    class Made(Method):
        name = network.__name__

        def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
            return network()

    return Subject(Made, "cpu", 32, EncoderSpec())


@pytest.fixture(autouse=True)
def _as_a_worker() -> Iterator[None]:
    prepare_process()
    yield
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = True


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_sound_passes(check: str) -> None:
    CHECKS[check](subject(Sound))


@pytest.mark.parametrize(
    ("check", "network"),
    [
        ("trains", Overflowing),
        ("repeats", Drawing),
        ("leaves memory", Reading),
        ("never waits", Waiting),
        ("never waits", Masking),
        ("agrees", Counting),
    ],
)
def test_each_fault_is_found_by_its_check(check: str, network: type[nn.Module]) -> None:
    with pytest.raises(AssertionError):
        CHECKS[check](subject(network))


def test_a_tensor_that_stays_behind_is_found() -> None:
    stays(subject(Sound).kind, EncoderSpec())
    with pytest.raises(AssertionError, match="buffers"):
        stays(subject(Keeping).kind, EncoderSpec())
