"""Hooks: what a method's module may have to say of its training, beside what it computes; all of it is optional.

A module that is a `TrainingHooks` as well as a ``torch.nn.Module`` overrides what it needs, and the loop
(`afnetm.training.loop`) calls it; every other module is trained by the defaults, which are these functions' own. Hooks
are called outside of what ``compile = true`` compiles, which is ``forward`` alone, so that any of them may be used
with it. Nothing in them may wait for the device (``.item()``, ``.cpu()``): the loop does not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.method import Output


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """A batch of ``B`` faces as a training step knows it, beside the faces.

    Attributes:
        targets: ``(B,)`` int64, their classes; or, where `TrainingHooks.prepare` mixed faces, ``(B, K)`` float32, each
            row a distribution over classes.
        index: ``(B,)`` int64, which of the N training scans they are, 0 to N - 1: the place of their histories.
        progress: float32 scalar, how much of the training is done: 0 at the first step, below 1 at the last.
        smoothing: of labels, from the training configuration.
    """

    targets: Tensor
    index: Tensor
    progress: Tensor
    smoothing: float


@dataclass(frozen=True, eq=False)
class Answers:
    """Output of a network for many scans together, as they are, in evaluation mode, and their classes.

    Attributes:
        output: float32.
        targets: ``(N,)`` int64.
    """

    output: Output
    targets: Tensor


@dataclass(frozen=True)
class Phase:
    """A part of a training with an optimiser and a schedule of its own.

    Attributes:
        share: of the epochs; a training's shares sum to 1.
        trains: the children of the network (``named_children``) that are trained in it; empty for all. The others have
            no gradients then, and compute as in evaluation.
    """

    share: float
    trains: tuple[str, ...] = ()


class TrainingHooks:
    """Base class of a network that takes part in its own training; the defaults are how all others are trained.

    Attributes:
        phases: one after the other.
        rate_factors: of the learning rate, by the name of a child; 1 for those that are not named.
        frozen_parts: children that no gradient trains, such as a teacher that follows by a moving average.
        held_out: the share of the training subjects, 0 to below 1, who are not trained on: `calibrate` is given what
            the trained network answers for their scans, and `review` what it answers between phases.
        eager_only: why its steps cannot be recorded once and replayed (``graph = true``), in a few words; empty where
            they can, which is where all that changes from step to step, or from one training to the next, is in
            parameters and buffers.
    """

    phases: Sequence[Phase] = (Phase(1.0),)
    rate_factors: Mapping[str, float] = {}
    frozen_parts: tuple[str, ...] = ()
    held_out: float = 0.0
    eager_only: str = ""

    def begin(self, scans: int) -> None:
        """Called once before the first step, with the number of training scans."""

    def review(self, number: int, answers: Callable[[], Sequence[Answers]]) -> None:
        """Called before each phase begins, from 0, where subjects are held out.

        Args:
            number: of the phase.
            answers: has the network, as it is now, answer for the training scans and for the held-out ones; which takes
                the time of their forward passes, where it is called.
        """

    def begin_phase(self, number: int) -> None:
        """Called before the first step of each phase, from 0."""

    def prepare(self, faces: FaceBatch, batch: TrainingBatch) -> tuple[FaceBatch, TrainingBatch]:
        """The faces and targets that are trained on, of those that were drawn: for mixing, or dropping a modality.

        What is random must be drawn by torch on the faces' device, from its default generator, which a run seeds.
        """
        return faces, batch

    def loss(self, output: Output, batch: TrainingBatch) -> Tensor:
        """Float32 scalar to be minimised."""
        return supervised_loss(output, batch.targets, batch.smoothing)

    def adjust_gradients(self, output: Output, batch: TrainingBatch) -> None:
        """Called when gradients are there, before they are clipped and the optimiser takes its step."""

    def calibrate(self, output: Output, targets: Tensor) -> None:
        """Fits to held-out scans, after the last epoch, what belongs into registered buffers: weights, temperatures.

        Args:
            output: of all held-out scans together, not augmented, in evaluation mode, float32.
            targets: ``(N,)`` int64, their classes.
        """


def hooks_of(network: nn.Module) -> TrainingHooks:
    """A network's own, or the defaults.

    Raises:
        UserError: its phases or parts are not what they may be; says what is allowed.
    """
    hooks = network if isinstance(network, TrainingHooks) else TrainingHooks()
    children = dict(network.named_children())
    named = [name for phase in hooks.phases for name in phase.trains]
    for name in (*named, *hooks.rate_factors, *hooks.frozen_parts):
        if name not in children:
            raise UserError(f"hooks: the network has no child '{name}'; it has {', '.join(children)}")
    shares = [phase.share for phase in hooks.phases]
    if not shares or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise UserError(f"hooks: phases have shares {shares}; allowed are numbers above 0 that sum to 1")
    if not 0 <= hooks.held_out < 1:
        raise UserError(f"hooks: held_out = {hooks.held_out}; allowed is 0 to below 1")
    return hooks


def phase_epochs(phases: Sequence[Phase], epochs: int) -> Iterator[tuple[int, Phase, range]]:
    """Each phase's number, itself and its epochs, by its share to the nearest whole one; not those that get none."""
    first, share = 0, 0.0
    for number, phase in enumerate(phases):
        share += phase.share
        last = round(share * epochs)
        if last > first:
            yield number, phase, range(first, last)
        first = last


@contextmanager
def training_phase(network: nn.Module, hooks: TrainingHooks, phase: Phase) -> Iterator[None]:
    """The network in training mode, with what `phase` does not train out of it; afterwards as before."""
    still = [
        child
        for name, child in network.named_children()
        if name in hooks.frozen_parts or (phase.trains and name not in phase.trains)
    ]
    stilled = [parameter for child in still for parameter in child.parameters() if parameter.requires_grad]
    network.train()
    for child in still:
        child.eval()
    for parameter in stilled:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in stilled:
            parameter.requires_grad_(True)


def supervised_loss(output: Output, targets: Tensor, smoothing: float) -> Tensor:
    """The loss, in float32: the supervised logits' cross-entropies, weighed and summed, and the auxiliary loss.

    Args:
        output: of a batch.
        targets: ``(B,)`` int64 classes or ``(B, K)`` float32 distributions.
        smoothing: of labels.
    """
    trained = output.supervised_logits or (output.logits,)
    losses = [cross_entropy(logits.float(), targets, label_smoothing=smoothing) for logits in trained]
    if output.supervised_weights is not None:
        losses = [loss * weight for loss, weight in zip(losses, output.supervised_weights, strict=True)]
    supervised = torch.stack(losses).sum()
    return supervised if output.auxiliary_loss is None else supervised + output.auxiliary_loss.float()


def step_loss(
    network: nn.Module, faces: FaceBatch, targets: Tensor, *, smoothing: float = 0.0, progress: float = 0.0
) -> tuple[Output, Tensor]:
    """Output and loss of one training step as the loop takes it, on faces that are all the training scans.

    Gradients, and what the network has to say of them, are left to the caller: for checks of a method.
    """
    output, _, loss = _step(network, faces, targets, smoothing=smoothing, progress=progress)
    return output, loss


def step_gradients(network: nn.Module, faces: FaceBatch, targets: Tensor, *, progress: float) -> None:
    """Leaves the gradients of such a step at the network's parameters, as the network has adjusted them."""
    output, batch, loss = _step(network, faces, targets, smoothing=0.0, progress=progress)
    torch.autograd.backward(loss)
    hooks_of(network).adjust_gradients(output, batch)


def _step(
    network: nn.Module, faces: FaceBatch, targets: Tensor, *, smoothing: float, progress: float
) -> tuple[Output, TrainingBatch, Tensor]:
    hooks = hooks_of(network)
    hooks.begin(len(targets))
    index = torch.arange(len(targets), device=targets.device)
    batch = TrainingBatch(targets, index, torch.full((), progress, device=targets.device), smoothing)
    faces, batch = hooks.prepare(faces, batch)
    output: Output = network(faces)
    return output, batch, hooks.loss(output, batch)
