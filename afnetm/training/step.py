"""The training step: one function over tensors that stay at their places in memory, from stored faces to new weights.

Whatever a step reads beside its batch (the rates of all steps, which of them it is) and whatever it changes (weights,
the optimiser's state, sums for the curves) are the same tensors from the first step to the last, and no number of
Python's own changes from one step to the next. So a step may be run as it is written, or recorded once and replayed
(`afnetm.training.graphs`): both are this function.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from afnetm.hooks import TrainingBatch, TrainingHooks
from afnetm.training.augment import draw
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset, StoredFaces
from afnetm.training.optimizing import learning_rate_factor, parameter_groups


@dataclass(frozen=True, eq=False)
class StoredBatch:
    """A batch of ``B`` faces as a step is given it.

    Attributes:
        faces: as they are stored.
        targets: ``(B,)`` int64, their classes.
        index: ``(B,)`` int64, which of the training scans they are.
    """

    faces: StoredFaces
    targets: Tensor
    index: Tensor


@dataclass(frozen=True, eq=False)
class TrainingScans:
    """The scans that a network is trained on.

    Attributes:
        data: where they are.
        rows: ``(N,)`` int64, which of `data` they are.
        labels: ``(len(data),)`` int64, every scan's class.
    """

    data: DeviceDataset
    rows: Tensor
    labels: Tensor

    def batch(self, index: Tensor) -> StoredBatch:
        """Those at `index`, ``(B,)`` int64 below N."""
        rows = self.rows[index]
        return StoredBatch(self.data.stored(rows), self.labels[rows], index)

    def read(self, index: Tensor, into: StoredBatch) -> None:
        """Writes those at `index` over the ones in `into`, which has as many, at their places in memory."""
        rows = self.rows[index]
        self.data.read(rows, into.faces)
        torch.index_select(self.labels, 0, rows, out=into.targets)
        into.index.copy_(index)


class TrainingStep:
    """A step of a phase of a training, and the state that steps change.

    Args:
        network: in the mode of the phase (`afnetm.hooks.training_phase`), on the scans' device.
        hooks: its own, or the defaults.
        config: how it is trained.
        generator: of augmentation, on the device; the order of scans is drawn from it, too.
        progress: how much of the training is done before each step of the phase, 0 to below 1.

    Attributes:
        loss: float32 scalar, the sum of all faces' losses since `begin_epoch`.
        hits: float32 scalar, how many of them were classified correctly.
        rates: of each step, the highest learning rate of any weight.
    """

    def __init__(
        self,
        network: nn.Module,
        hooks: TrainingHooks,
        config: TrainingConfig,
        generator: torch.Generator,
        progress: Sequence[float],
    ) -> None:
        self.network, self.hooks, self.config, self.generator = network, hooks, config, generator
        self.progress = progress
        self.forward = torch.compile(network) if config.compile else network
        groups = parameter_groups(network, config)
        factors = [learning_rate_factor(step, len(progress), config.warmup) for step in range(len(progress))]
        lines = [[done, *(group["lr"] * by for group in groups)] for done, by in zip(progress, factors, strict=True)]
        self.rates = [max(line[1:], default=0.0) for line in lines]
        device = generator.device
        # AdamW reads rates as double precision on a processor and as single precision on a GPU.
        self.lines = torch.tensor(lines, dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
        self.number = torch.zeros(1, dtype=torch.int64, device=device)
        self.line = torch.zeros_like(self.lines[:1])
        self.loss, self.hits = torch.zeros((), device=device), torch.zeros((), device=device)
        self.optimizer = AdamW(groups, lr=config.learning_rate, fused=True)
        for position, group in enumerate(self.optimizer.param_groups, start=1):
            group["lr"] = self.line[0, position]

    def begin_epoch(self) -> None:
        """Sums begin at zero."""
        self.loss.zero_()
        self.hits.zero_()

    def run(self, batch: StoredBatch) -> None:
        """One step; it waits for nothing."""
        count = len(batch.index)
        torch.index_select(self.lines, 0, self.number, out=self.line)
        self.number.add_(1)
        given = TrainingBatch(batch.targets, batch.index, self.line[0, 0].float(), self.config.label_smoothing)
        faces = batch.faces.decoded(draw(self.config.augmentation, count, self.generator))
        faces, given = self.hooks.prepare(faces, given)
        with autocast(self.generator.device, self.config):
            output = self.forward(faces)
        loss = self.hooks.loss(output, given)
        torch.autograd.backward(loss)
        self.hooks.adjust_gradients(output, given)
        if self.config.gradient_clip is not None:
            clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.loss.add_(loss.detach() * count)
        self.hits.add_((output.logits.detach().argmax(1) == batch.targets).sum())


def autocast(device: torch.device, config: TrainingConfig) -> torch.autocast:
    """The precision that a training configuration computes forward passes in."""
    return torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")
