"""A part that no gradient reaches breaks the contract, unless the network declares it frozen."""

import pytest
from torch import nn

from afnetm import TrainingHooks
from afnetm.contract.bench import Bench
from afnetm.contract.learning import check_every_parameter_learns
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from afnetm.model.encoder import EncoderSpec
from baselines.texture import Texture


class Net(nn.Module):
    """A classifier of the mean colour, and one that nothing reads."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.slow = nn.Linear(3, 6), nn.Linear(3, 6)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(faces.texture.mean((2, 3))))


class Declaring(Net, TrainingHooks):
    frozen_parts = ("slow",)


def bench(network: type[nn.Module]) -> Bench:
    class Slow(Texture):
        def build(self, encoder: EncoderSpec, classes: int) -> nn.Module:
            return network()

    return Bench(Slow)


def test_an_idle_part_is_named_unless_it_is_declared_frozen() -> None:
    with pytest.raises(UserError, match=r"no gradient reaches slow\.bias, slow\.weight; use it, .* frozen_parts"):
        check_every_parameter_learns(bench(Net))
    check_every_parameter_learns(bench(Declaring))
