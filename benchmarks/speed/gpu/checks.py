"""What must hold of a method on a device, a check each; tests/contract/test_cuda.py has every method pass them.

A check takes a `Subject`, raises `AssertionError` with what is wrong, and returns a number worth keeping, or None.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from itertools import count

import numpy as np
import torch
from torch import Tensor, nn

from afnetm.data.scan import EXPRESSIONS
from afnetm.faces import Faces
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.training.augment import Draw, draw
from afnetm.training.loop import fit, predict
from afnetm.training.recipe import Augmentation, Recipe
from afnetm.training.resident import Resident
from benchmarks.speed.gpu.scans import learnable_cohort
from benchmarks.speed.graphs import Waits

#: Scans, and faces a step: two steps an epoch, of different sizes.
_SCANS, _BATCH = 7, 4
_RECIPE = Recipe(epochs=2, batch_size=_BATCH, learning_rate=1e-3)
_STEPS = _RECIPE.epochs * math.ceil(_SCANS / _BATCH)
#: Relative to the norm. One float32 is less than 1e-6 from the other, TF32 several 1e-4.
_NEAR = 2e-5


@dataclass(frozen=True)
class Subject:
    """A method, where it is to be checked, and how large.

    Attributes:
        kind: the method, at its defaults.
        device: ``"cpu"`` or ``"cuda"``.
        size: pixels of a face.
        encoder: of its streams.
        precision: of its trainings.
    """

    kind: type[Method]
    device: str
    size: int
    encoder: EncoderSpec
    precision: str = "float32"


@dataclass(frozen=True, eq=False)
class Training:
    """What a training of a few steps left behind, on the CPU: all of it must be the same the next time."""

    state: dict[str, Tensor]
    outcome: tuple[Tensor, ...]

    def differing(self, other: "Training") -> list[str]:
        """Names of what is not bit for bit the same."""
        names = [name for name, tensor in self.state.items() if not torch.equal(tensor, other.state[name])]
        same = all(torch.equal(one, two) for one, two in zip(self.outcome, other.outcome, strict=True))
        return names if same else [*names, "its curves or probabilities"]


@cache
def resident(device: str, size: int) -> Resident:
    """The scans that methods are checked on, of all six classes."""
    return Resident(learnable_cohort(subjects=4, size=size), np.arange(_SCANS), torch.device(device))


def build(subject: Subject) -> nn.Module:
    """The method's network from one seed, laid out as in a worker, on the device."""
    torch.manual_seed(0)
    encoder = replace(subject.encoder, size=subject.size)
    network = subject.kind().build(encoder, len(EXPRESSIONS)).to(subject.device)
    return network.to(memory_format=torch.channels_last)


def train(subject: Subject, network: nn.Module) -> Training:
    """Two epochs of two steps by the project's own loop, and the probabilities after them."""
    data = resident(subject.device, subject.size)
    index = torch.arange(len(data), device=subject.device)
    recipe = replace(_RECIPE, precision=subject.precision)
    curves = fit(network, data, index, index % len(EXPRESSIONS), recipe, seed=0)
    probabilities, _ = predict(network, data, index, recipe)
    state = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    return Training(state, (curves.loss, curves.accuracy, probabilities))


@cache
def _first(subject: Subject) -> Training:
    return train(subject, build(subject))


def trains(subject: Subject) -> None:
    """It trains in the mode of a worker without an error, and stays finite."""
    losses = _first(subject).outcome[0]
    assert losses.isfinite().all(), f"its loss is {losses.tolist()}; mend what overflows"


def repeats(subject: Subject) -> None:
    """The same seed gives the same bits, in the weights and in all that comes of them."""
    _same(subject, _first(subject), train(subject, build(subject)), "trained twice from one seed")


def leaves_memory(subject: Subject) -> None:
    """It reads no memory that it never wrote: filled with NaN, fresh memory changes no bit."""
    with filling_memory():
        filled = train(subject, build(subject))
    _same(subject, _first(subject), filled, "with fresh memory filled")


def _same(subject: Subject, one: Training, other: Training, when: str) -> None:
    apart = one.differing(other)
    assert not apart, f"{when}, {apart[0]} and {len(apart) - 1} others differ; what draws, or adds in any order?"


def never_waits(subject: Subject) -> None:
    """Within epochs the host never waits for the device: from the first step's forward pass to the last's."""
    network, steps = build(subject), count()
    with _no_waiting(subject.device) as (begin, end):

        def watch(*_: object) -> None:
            step = next(steps)
            if step == 0:
                begin()
            if step == _STEPS - 1:
                end()

        network.register_forward_pre_hook(watch)
        train(subject, network)


@contextmanager
def _no_waiting(device: str) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    """What begins and ends a watch. Waiting for a GPU raises where it happens; what would wait on a CPU, at the end."""
    if device == "cuda":
        try:
            yield partial(torch.cuda.set_sync_debug_mode, "error"), partial(torch.cuda.set_sync_debug_mode, "default")
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return
    waits = Waits()
    with ExitStack() as watch:
        yield partial(watch.enter_context, waits), watch.close
    assert not waits.found, f"the host would wait for {', '.join(sorted(waits.found))}; keep it a tensor"


def agrees(subject: Subject) -> float:
    """After a training its float32 logits are those of a CPU; returns how far they are off, relative to the norm."""
    network = build(replace(subject, device="cpu"))
    network.load_state_dict(_first(subject).state)
    faces = resident("cpu", subject.size).faces(torch.arange(_SCANS))
    with torch.no_grad():
        wanted = network.eval()(replace(faces)).logits
        found = network.to(subject.device)(_moved(faces, subject.device)).logits.cpu()
    apart = float((found - wanted).norm() / wanted.norm())
    assert apart <= _NEAR, f"its float32 logits are {apart:.1e} from a CPU's, relative to their norm; is TF32 on?"
    return apart


def _moved(faces: Faces, device: str) -> Faces:
    maps = {field.name: getattr(faces, field.name) for field in fields(Faces)}
    return Faces(**{name: of.to(device) if isinstance(of, Tensor) else of for name, of in maps.items()})


@contextmanager
def filling_memory() -> Iterator[None]:
    """Fresh tensors are filled with NaN, as torch's deterministic mode has it unless it is told not to."""
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def same_faces(device: str, size: int) -> float:
    """Scans become the same faces on a device as on a CPU, also moved; returns the share of pixels that differ.

    Within 1e-5 as they are. Moved, a pixel at the silhouette may be there on one side and not on the other.
    """
    index = torch.arange(_BATCH)
    drawn = draw(Augmentation(), _BATCH, torch.Generator().manual_seed(0))
    moved = Draw(**{name: tensor.to(device) for name, tensor in vars(drawn).items()})
    apart = 0.0
    for cpu_draw, device_draw, allowed in ((None, None, 0.0), (drawn, moved, 1e-3)):
        wanted = resident("cpu", size).faces(index, cpu_draw)
        found = resident(device, size).faces(index.to(device), device_draw)
        for name in ("texture", "depth", "valid", "masks", "normals"):
            differs = (getattr(found, name).cpu() - getattr(wanted, name)).abs() > (1e-5 if cpu_draw is None else 1e-3)
            share = float(differs.float().mean())
            assert share <= allowed, f"{share:.2%} of the numbers in faces.{name} are not those of a CPU"
            apart = max(apart, share)
    return apart


#: By name, in the order that they are made; `agrees` is of float32 alone.
CHECKS: dict[str, Callable[[Subject], float | None]] = {
    "trains": trains,
    "repeats": repeats,
    "leaves memory": leaves_memory,
    "never waits": never_waits,
    "agrees": agrees,
}
