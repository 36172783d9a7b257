"""The training loop: one page, the same for every method, on whatever device the data is.

Nothing within an epoch waits for the device: order, augmentation and losses stay there, and the curves are read once
at the end. The last epoch's weights are what is evaluated; test scans are seen by `predict` alone. What a method does
to its own training are `afnetm.hooks`. What gradients do not train, an SVM or a temperature, say, is fitted after the
last epoch, to the training scans or to held-out ones.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from inspect import signature
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from afnetm.hooks import Answers, hooks_of, phase_epochs, training_phase
from afnetm.method import Finalizing, Output
from afnetm.training import graphs
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.process import float32_products
from afnetm.training.step import TrainingScans, TrainingStep, autocast


class DivergedError(ArithmeticError):
    """A training, or what it led to, is not finite: there is nothing to evaluate."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Values recorded per epoch, each ``(epochs,)`` float32 on the CPU.

    Attributes:
        loss: mean training loss.
        accuracy: of the training scans as augmented, while the weights were changing.
        learning_rate: at the epoch's last step, of new weights.
    """

    loss: Tensor
    accuracy: Tensor
    learning_rate: Tensor


_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def _in_its_precision(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """The same function, whose float32 is that of its `config` all along: TF32 is for backward passes, too."""

    @wraps(function)
    def within(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        config: TrainingConfig = signature(function).bind(*args, **kwargs).arguments["config"]
        with float32_products(config.precision):
            return function(*args, **kwargs)

    return within


@_in_its_precision
def fit(
    model: nn.Module,
    data: DeviceDataset,
    index: Tensor,
    labels: Tensor,
    config: TrainingConfig,
    *,
    seed: int,
    held_out: Tensor | None = None,
) -> Curves:
    """Trains `model`, which is on the data's device, in place, and fits what is fitted after that.

    Args:
        model: ``forward(faces) -> Output``; it may be a `TrainingHooks`.
        data: the scans.
        index: ``(N,)`` int64 on the device, which of them are trained on.
        labels: ``(len(data),)`` int64 on the device, every scan's class.
        config: how.
        seed: decides order and augmentation.
        held_out: the same as `index` of scans that `TrainingHooks.calibrate` is given.

    Raises:
        DivergedError: the loss became infinite or no number; says from which epoch on, and what helps.
    """
    hooks = hooks_of(model)
    generator = torch.Generator(data.device).manual_seed(seed)
    scans = TrainingScans(data, index, labels)
    batches = math.ceil(len(index) / config.batch_size)
    loss_sum, hits = torch.zeros(2, config.epochs, device=data.device)
    rates = torch.zeros(config.epochs)
    chances = _chances(labels[index], config)
    hooks.begin(len(index))
    for number, phase, epochs in phase_epochs(hooks.phases, config.epochs):
        if held_out is not None and len(held_out):
            hooks.review(number, partial(_answers, model, data, (index, held_out), labels, config))
        hooks.begin_phase(number)
        with training_phase(model, hooks, phase):
            steps = range(epochs.start * batches, epochs.stop * batches)
            progress = [step / (config.epochs * batches) for step in steps]
            first = TrainingStep(model, hooks, config, generator, progress)
            with graphs.steps(first, scans, batches=batches, phase=number) as (step, take):
                for epoch in epochs:
                    step.begin_epoch()
                    order = _order(len(index), chances, step.generator)
                    for part in order.tensor_split(batches):
                        take(part)
                    loss_sum[epoch], hits[epoch] = step.loss, step.hits
            rates[epochs.start : epochs.stop] = torch.tensor(first.rates[batches - 1 :: batches])
    curves = Curves(loss_sum.cpu() / len(index), hits.cpu() / len(index), rates)
    _check_finite(curves.loss, config)
    if chances is not None:  # what is fitted last learns of classes as the network did
        index = index[_order(len(index), chances, generator)]
    finalize(model, data, index, labels, config)
    if held_out is not None and len(held_out):
        (answers,) = _answers(model, data, (held_out,), labels, config)
        with torch.no_grad():
            hooks.calibrate(answers.output, answers.targets)
    return curves


def _chances(targets: Tensor, config: TrainingConfig) -> Tensor | None:
    """Chances of scans of these classes to be drawn, ``(N,)`` float64 of any sum; None where each is taken once."""
    return 1.0 / torch.bincount(targets).double()[targets] if config.sampling == "balanced" else None


def _order(scans: int, chances: Tensor | None, generator: torch.Generator) -> Tensor:
    """The training scans of an epoch in their order, ``(N,)`` int64 below N, the number of `scans`."""
    if chances is None:
        return torch.randperm(scans, generator=generator, device=generator.device)
    return torch.multinomial(chances, scans, replacement=True, generator=generator)


def _check_finite(loss: Tensor, config: TrainingConfig) -> None:
    bad = (~loss.isfinite()).nonzero()
    if len(bad):
        raise DivergedError(
            f"the training loss is not finite from epoch {int(bad[0]) + 1} of {config.epochs} on; try a lower "
            f"learning_rate (it is {config.learning_rate:g}) or a longer warmup ({config.warmup:g})"
        )


def finalize(model: nn.Module, data: DeviceDataset, index: Tensor, labels: Tensor, config: TrainingConfig) -> None:
    """Has a module that is `Finalizing` fit its last part to the scans at `index` as they are, not augmented."""
    if isinstance(model, Finalizing):
        features = [output.features for output in _outputs(model, data, index, config)]
        model.finalize(torch.cat([f for f in features if f is not None]).float(), labels[index])


@_in_its_precision
def predict(
    model: nn.Module, data: DeviceDataset, index: Tensor, config: TrainingConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """Class probabilities ``(N, K)`` float32 of the scans at `index`, not augmented, and auxiliary outputs; on the CPU.

    Raises:
        DivergedError: some of them are not finite.
    """
    outputs = _outputs(model, data, index, config)
    probabilities = torch.cat([output.logits for output in outputs]).float().softmax(1).cpu()
    auxiliary_outputs = {
        name: torch.cat([o.auxiliary_outputs[name] for o in outputs]).float().cpu()
        for name in outputs[0].auxiliary_outputs
    }
    for name, values in [("logits", probabilities), *auxiliary_outputs.items()]:
        if bad := int((~values.isfinite()).flatten(1).any(1).sum()):
            raise DivergedError(f"'{name}' of the trained network is not finite for {bad} of {len(index)} scans")
    return probabilities, auxiliary_outputs


def _answers(
    model: nn.Module, data: DeviceDataset, parts: Sequence[Tensor], labels: Tensor, config: TrainingConfig
) -> tuple[Answers, ...]:
    return tuple(Answers(_joined(_outputs(model, data, part, config)), labels[part]) for part in parts)


def _joined(outputs: Sequence[Output]) -> Output:
    """Outputs of batches as that of all their scans, float32."""

    def of(name: str) -> Tensor | None:
        parts = [getattr(output, name) for output in outputs]
        return None if parts[0] is None else torch.cat(parts).float()

    supervised = zip(*(output.supervised_logits for output in outputs), strict=True)
    logits = torch.cat([output.logits for output in outputs]).float()
    return Output(logits, tuple(torch.cat(parts).float() for parts in supervised), features=of("features"))


@torch.no_grad()
def _outputs(model: nn.Module, data: DeviceDataset, index: Tensor, config: TrainingConfig) -> list[Output]:
    model.eval()
    outputs = []
    for batch in torch.split(index, config.batch_size):
        with autocast(data.device, config):
            outputs.append(model(data.faces(batch, softened=config.augmentation.moves)))
    return outputs
