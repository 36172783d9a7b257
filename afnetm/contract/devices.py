"""Checks that hold on whatever device a method is trained; a processor can show most of it for a GPU.

A check takes a `Subject`, raises `UserError` with what is wrong, and returns a number worth keeping, or None.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from afnetm.contract.bench import ENCODER, Bench, demand
from afnetm.contract.inputs import TENSORS, blank_faces, learnable_dataset
from afnetm.contract.tape import taped
from afnetm.contract.waits import Waits
from afnetm.data.scan import EXPRESSIONS
from afnetm.face_batch import FaceBatch
from afnetm.hooks import hooks_of
from afnetm.method import Method, built
from afnetm.model.encoder import EncoderSpec
from afnetm.training import graphs
from afnetm.training.augment import AugmentationParameters, draw
from afnetm.training.config import Augmentation, Precision, TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.loop import DivergedError, fit, predict

#: Scans, and faces a step: two steps an epoch, of different sizes.
_SCANS, _BATCH = 7, 4
_RECIPE = TrainingConfig(epochs=2, batch_size=_BATCH, learning_rate=1e-3)
_STEPS = _RECIPE.epochs * math.ceil(_SCANS / _BATCH)
#: Relative to the norm: float32 is some 5e-7 from float64 here, and convolutions rounded as TF32 are 4e-4 to 6e-4 away
#: (concat and AFNet-M on a whole ResNet-18 at 64 px); other algorithms of float32 convolutions lie between.
_NEAR = 1e-4
#: Steps that are replayed on a GPU.
_REPLAYED = 52
#: Pixels of a face, where nothing but time speaks for another number.
_SIZE = 32


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
    precision: Precision = "float32"


@dataclass(frozen=True, eq=False)
class Training:
    """State after a training of a few steps, on the CPU: all of it must be the same the next time."""

    state: dict[str, Tensor]
    outcome: tuple[Tensor, ...]

    def differing(self, other: "Training") -> list[str]:
        """Names of what is not bit for bit the same."""
        names = [name for name, tensor in self.state.items() if not torch.equal(tensor, other.state[name])]
        same = all(torch.equal(one, two) for one, two in zip(self.outcome, other.outcome, strict=True))
        return names if same else [*names, "its curves or probabilities"]


@cache
def on_device(device: str, size: int) -> DeviceDataset:
    """The scans that methods are checked on, of all six classes."""
    return DeviceDataset(learnable_dataset(subjects=4, size=size), np.arange(_SCANS), torch.device(device))


def build(subject: Subject, *, seed: int = 0) -> nn.Module:
    """The method's network from a seed, laid out as in a worker, on the device."""
    torch.manual_seed(seed)
    encoder = replace(subject.encoder, size=subject.size)
    network = built(subject.kind(), encoder, len(EXPRESSIONS)).to(subject.device)
    return network.to(memory_format=torch.channels_last)


def train(subject: Subject, network: nn.Module, *, seed: int = 0, **other: Any) -> Training:
    """Two epochs of two steps by the project's own loop, or what `other` says, and the probabilities after them."""
    data = on_device(subject.device, subject.size)
    index = torch.arange(len(data), device=subject.device)
    config = replace(_RECIPE, precision=subject.precision, **other)
    curves = fit(network, data, index, (index + seed) % len(EXPRESSIONS), config, seed=seed)
    probabilities, _ = predict(network, data, index, config)
    state = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    return Training(state, (curves.loss, curves.accuracy, probabilities))


@cache
def _first(subject: Subject) -> Training:
    return train(subject, build(subject))


def trains(subject: Subject) -> None:
    """It trains in the mode of a worker without an error."""
    _first(subject)


def repeats(subject: Subject) -> None:
    """The same seed gives the same bits, in the weights and in all that comes of them."""
    apart = _first(subject).differing(train(subject, build(subject)))
    demand(not apart, f"trained twice from one seed, {_few(apart)} differ; what draws, or adds in any order?")


def writes_before_it_reads(subject: Subject) -> None:
    """It reads no memory that it never wrote: filled with NaN, fresh memory changes no bit."""
    first = _first(subject)
    with filling_memory():
        try:
            apart = first.differing(train(subject, build(subject)))
        except DivergedError:
            apart = ["loss and all"]
    demand(not apart, f"with fresh memory filled, {_few(apart)} differ; what reads torch.empty before it is written?")


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 1} others" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else ""


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
    """Start and end of a watch. Waiting for a GPU raises where it happens; what would wait on a CPU, at the end."""
    if device == "cuda":
        mode: Callable[[str], object] = torch.cuda.set_sync_debug_mode
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Synchronization debug mode")  # that it is a prototype
            try:
                yield partial(mode, "error"), partial(mode, "default")
            finally:
                mode("default")
        return
    waits = Waits()
    with ExitStack() as watch:
        yield partial(watch.enter_context, waits), watch.close
    demand(
        not waits.found,
        f"in training, the host would wait for a GPU at {', '.join(sorted(waits.found))}; keep numbers tensors, and "
        "shapes free of them (torch.where for a mask)",
    )


def agrees(subject: Subject) -> float:
    """After a training its float32 logits are those of a CPU; returns how far they are off, relative to the norm."""
    network = build(replace(subject, device="cpu"))
    network.load_state_dict(_first(subject).state)
    faces = on_device("cpu", subject.size).faces(torch.arange(_SCANS))
    with torch.no_grad():
        wanted = network.eval()(replace(faces)).logits
        found = network.to(subject.device)(_moved(faces, subject.device)).logits.cpu()
    apart = float((found - wanted).norm() / wanted.norm())
    demand(apart <= _NEAR, f"its float32 logits are {apart:.1e} from a CPU's, relative to their norm; is TF32 on?")
    return apart


def _moved(faces: FaceBatch, device: str) -> FaceBatch:
    return FaceBatch(**{name: getattr(faces, name).to(device) for name in TENSORS}, pixel_mm=faces.pixel_mm)


def replays(subject: Subject) -> None:
    """A training whose steps are recorded and replayed has the bits of one whose steps are run (``graph = true``).

    So has the next one, from other weights, with other labels and other draws, by the same recording; or the method
    says why its steps are not to be recorded.
    """
    epochs = _RECIPE.epochs if subject.device == "cpu" else _REPLAYED // _STEPS * _RECIPE.epochs
    wanted = [train(subject, build(subject, seed=seed), seed=seed, epochs=epochs) for seed in range(2)]
    with taped() if subject.device == "cpu" else nullcontext():
        found = [train(subject, build(subject, seed=seed), seed=seed, epochs=epochs, graph=True) for seed in range(2)]
        recorded = graphs.recordings(torch.Generator(subject.device).device)
    own = [step for step in recorded.steps.values() if isinstance(step.step.network.built_from, subject.kind)]
    why = ", ".join(recorded.refused.values())
    demand(
        own or hooks_of(build(subject)).eager_only,
        f"its steps cannot be recorded: {why}; mend that, or say so in eager_only",
    )
    for which, one, other in zip(("first", "next"), wanted, found, strict=True):
        differing = one.differing(other)
        demand(
            not differing,
            f"in the {which} training with graph = true, {_few(differing)} differ; keep what changes from step to "
            "step, or from training to training, in parameters and buffers, or say in eager_only why not",
        )


@contextmanager
def filling_memory() -> Iterator[None]:
    """Fresh tensors are filled with NaN, as torch's deterministic mode has it unless it is told not to."""
    memory: Any = torch.utils.deterministic
    before = memory.fill_uninitialized_memory
    memory.fill_uninitialized_memory = True
    try:
        yield
    finally:
        memory.fill_uninitialized_memory = before


def same_faces(device: str, size: int) -> float:
    """Scans become the same faces on a device as on a CPU, also moved; returns the share of pixels that differ.

    Within 1e-5 as they are. Moved, a pixel at the silhouette may be there on one side and not on the other.
    """
    index = torch.arange(_BATCH)
    drawn = draw(Augmentation(), _BATCH, torch.Generator().manual_seed(0))
    moved = AugmentationParameters(**{name: tensor.to(device) for name, tensor in vars(drawn).items()})
    apart = 0.0
    for cpu_draw, device_draw, near, allowed in ((None, None, 1e-5, 0.0), (drawn, moved, 1e-3, 1e-3)):
        wanted = on_device("cpu", size).faces(index, cpu_draw)
        found = on_device(device, size).faces(index.to(device), device_draw)
        for name in ("texture", "depth", "valid", "masks", "normals"):
            differs = (getattr(found, name).cpu() - getattr(wanted, name)).abs() > near
            share = float(differs.float().mean())
            demand(share <= allowed, f"{share:.2%} of the numbers in faces.{name} are not those of a CPU")
            apart = max(apart, share)
    return apart


#: By name, in the order that they are made; `agrees` is of float32 alone.
ON_DEVICE: dict[str, Callable[[Subject], float | None]] = {
    "trains": trains,
    "repeats": repeats,
    "writes before it reads": writes_before_it_reads,
    "never waits": never_waits,
    "agrees": agrees,
    "replays": replays,
}


def check_memory_is_written_before_it_is_read(bench: Bench) -> None:
    """Checks as much of it as a processor can show; `bench` repeats itself by another check."""
    writes_before_it_reads(Subject(bench.kind, "cpu", _SIZE, ENCODER))


def check_a_gpu_would_not_be_waited_for(bench: Bench) -> None:
    """Checks, as far as a processor can show, that no operation of a training gives the host a number or a shape."""
    never_waits(Subject(bench.kind, "cpu", _SIZE, ENCODER))


def check_a_recorded_step_is_the_same(bench: Bench) -> None:
    """Checks what ``graph = true`` replays, by operations on a tape that stands for a CUDA graph."""
    replays(Subject(bench.kind, "cpu", _SIZE, ENCODER))


def check_no_tensor_is_left_on_the_processor(bench: Bench) -> None:
    """Shown without a GPU by tensors that have no content, but a device that operations insist on."""
    with FakeTensorMode():
        network = _placed(bench.kind().build(ENCODER, len(EXPRESSIONS)).train())
        faces = _moved(blank_faces(2, size=_SIZE), "cuda")
        try:
            logits = network(faces).logits
        except RuntimeError as error:
            words = " ".join(str(error).split())
            demand(False, f"on a GPU: {words}; register what it keeps as buffers, and make tensors on their device")
    demand(logits.device.type == "cuda", f"on a GPU, its logits are on {logits.device}; keep them where the faces are")


def _placed(network: nn.Module) -> nn.Module:
    """`network` on a GPU that need not be there; torch's own way of moving it does not take tensors without content."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(parameter.detach().to("cuda")))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to("cuda"))
    return network
