"""The bench: one method, built on the smallest encoder and trained once for all that is checked of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from afnetm.contract.inputs import SCANS, learnable
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Method, built
from afnetm.model.encoder import EncoderSpec
from afnetm.training.config import Augmentation, TrainingConfig
from afnetm.training.loop import Curves, fit

#: Of what is built, unless a check is about others.
ENCODER = EncoderSpec(name="resnet18", width=0.125)
STILL = Augmentation(rotation=0, scale=0, shift=0, flip=0, brightness=0, contrast=0, depth_shift=0)


@dataclass(frozen=True, eq=False)
class Trained:
    """A method at its defaults after a training on the learnable scans: what most checks look at.

    Attributes:
        network: in eval mode, whatever its `finalize` fits fitted.
        faces: the scans.
        labels: ``(SCANS,)`` int64, their classes.
        curves: of the training.
    """

    network: nn.Module
    faces: FaceBatch
    labels: Tensor
    curves: Curves


class Bench:
    """A method under test: its class, its encoder and where it is run."""

    def __init__(self, kind: type[Method]) -> None:
        self.kind = kind

    @cached_property
    def trained(self) -> Trained:
        """Trained when it is first asked for."""
        network = self.build()
        curves = self.train(network, epochs=25)
        data, labels = learnable()
        return Trained(network.eval(), data.faces(torch.arange(SCANS)), labels, curves)

    def build(self, method: Method | None = None, *, seed: int = 0, encoder: EncoderSpec = ENCODER) -> nn.Module:
        """A network of `method`, or of the defaults, from a seed, laid out as in a worker."""
        torch.manual_seed(seed)
        network = built(method or self.kind(), encoder, len(EXPRESSIONS))
        return network.to(memory_format=torch.channels_last)

    def train(self, network: nn.Module, *, epochs: int, seed: int = 0, **config: Any) -> Curves:
        """Trains on the learnable scans by the project's own loop, without augmentation unless it is asked for."""
        options = {"batch_size": 16, "learning_rate": 3e-3, "label_smoothing": 0.0, "augmentation": STILL, **config}
        data, labels = learnable()
        return fit(network, data, torch.arange(SCANS), labels, TrainingConfig(epochs=epochs, **options), seed=seed)


#: Raises `UserError` with what is wrong, and what mends it; whatever else it raises is the method's own.
Check = Callable[[Bench], None]


def demand(holds: object, message: str) -> None:
    """Raises `message` as a `UserError` where something does not hold."""
    if not holds:
        raise UserError(message)
