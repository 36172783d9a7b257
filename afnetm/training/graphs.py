"""Steps that are recorded once and replayed (``graph = true``): on a GPU as CUDA graphs, one launch for a whole step.

A step is recorded once for a method with its hyper-parameters, a training configuration and the shapes of all tensors,
on a network of its own, for each of the two sizes that an epoch's batches have. Every later training like it, the next
fold's, writes its weights, buffers and random state over those, begins with a fresh optimiser, replays,
and takes the weights back. What a recorded step cannot have is what the host decides in it: where it has any, where
a method says that it has (`afnetm.hooks.TrainingHooks.eager_only`) and where there is no GPU, steps are run one
operation after the other as without the key, and a line says why, once a method.
"""

import copy
import logging
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from afnetm.hooks import hooks_of
from afnetm.training.step import TrainingScans, TrainingStep

#: Types know less of it than there is.
_cuda: Any = torch.cuda
_log = logging.getLogger("afnetm")
#: Steps before one is recorded: libraries choose and allocate at first, and compilers compile.
_WARM = 3
#: Of a GPU's memory, what recorded steps may hold: weights, optimisers' state, batches. What steps compute in between
#: is in one pool, which is as large as the largest needs it.
_SHARE = 0.25


class UnrecordableError(Exception):
    """A step cannot be recorded; the message says why."""


class Recorder(Protocol):
    """A way to record what runs on a kind of device."""

    @property
    def limit(self) -> float:
        """Bytes that all recorded steps may hold."""

    def record(
        self, run: Callable[[], None], rewind: Callable[[], object], generator: torch.Generator
    ) -> Callable[[], object]:
        """Runs `run` a few times; returns what repeats it, on the same tensors.

        Args:
            run: reads and writes tensors that stay where they are.
            rewind: makes it a first step again.
            generator: that it draws from beside torch's default one.

        Raises:
            UnrecordableError: says why it cannot be.
        """


class CudaGraphs:
    """CUDA graphs of one GPU: all in one pool of memory, as only one is replayed at a time and none reads another's."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = _cuda.Stream(device)
        self.pool = _cuda.graph_pool_handle()

    @property
    def limit(self) -> float:
        """A share of the GPU's memory that this process may use."""
        total = float(_cuda.get_device_properties(self.device).total_memory)
        return _SHARE * total * float(_cuda.get_per_process_memory_fraction(self.device))

    def record(
        self, run: Callable[[], None], rewind: Callable[[], object], generator: torch.Generator
    ) -> Callable[[], object]:
        """Warms up on a stream of its own, and captures there; a step that waits is refused before it is captured."""
        current = _cuda.current_stream(self.device)
        graph = _cuda.CUDAGraph()
        try:
            self.stream.wait_stream(current)
            with _cuda.stream(self.stream), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
                warnings.filterwarnings("ignore", "Synchronization debug mode")  # that it is a prototype
                for _ in range(_WARM):
                    rewind()
                    run()
                rewind()
                _cuda.set_sync_debug_mode("error")
                try:
                    run()
                finally:
                    _cuda.set_sync_debug_mode("default")
            current.wait_stream(self.stream)
            with warnings.catch_warnings():  # newer releases find generators themselves, and say so
                warnings.simplefilter("ignore")
                graph.register_generator_state(generator)
            with _cuda.graph(graph, pool=self.pool, stream=self.stream):
                run()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            # What broke for good raises here once more, and is no reason to go on.
            _cuda.synchronize(self.device)
            torch.rand(1, device=self.device)
            raise UnrecordableError(f"{type(error).__name__}: {error}".split("\n")[0]) from error
        replay: Callable[[], object] = graph.replay
        return replay


#: By the kind of device.
RECORDERS: dict[str, Callable[[torch.device], Recorder]] = {"cuda": CudaGraphs}


class RecordedStep:
    """A step of a network of its own, recorded for each size of its batches.

    Args:
        like: a step before its first; it stays as it is.
        scans: that it is to be taken over.
        sizes: of batches.
        recorder: of the device.
    """

    def __init__(self, like: TrainingStep, scans: TrainingScans, sizes: set[int], recorder: Recorder) -> None:
        try:
            network = copy.deepcopy(like.network)
        except (RuntimeError, TypeError) as error:  # it holds a tensor with a history, or a lock
            raise UnrecordableError(f"the network cannot be copied: {error}".split("\n")[0]) from error
        generator = torch.Generator(like.generator.device)
        self.step = TrainingStep(network, hooks_of(network), like.config, generator, like.progress)
        for group in self.step.optimizer.param_groups:
            group["capturable"] = True
        self._batches = {size: scans.batch(torch.arange(size, device=generator.device)) for size in sorted(sizes)}
        self._replays: dict[int, Callable[[], object]] = {}
        default = _default_state(generator.device)
        try:
            for size, batch in self._batches.items():
                self._replays[size] = recorder.record(partial(self.step.run, batch), self.step.number.zero_, generator)
        finally:
            _set_default_state(generator.device, default)

    @property
    def bytes(self) -> int:
        """Of all tensors that are kept from step to step."""
        state = [tensor for of in self.step.optimizer.state.values() for tensor in of.values()]
        faces = [batch.faces.texture for batch in self._batches.values()]
        kept = [*_tensors(self.step.network).values(), *state, *faces]
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)

    @torch.no_grad()
    def begin(self, like: TrainingStep) -> None:
        """Takes the place of `like`, which has not taken a step either."""
        _write(like.network, self.step.network)
        for state in self.step.optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()
        self.step.lines.copy_(like.lines)
        self.step.number.zero_()
        self.step.generator.set_state(like.generator.get_state())

    @torch.no_grad()
    def end(self, like: TrainingStep) -> None:
        """Gives `like` the weights and buffers, and the place in its random numbers."""
        _write(self.step.network, like.network)
        like.generator.set_state(self.step.generator.get_state())

    def run(self, scans: TrainingScans, index: Tensor) -> None:
        """One step over the scans at `index`."""
        scans.read(index, self._batches[len(index)])
        self._replays[len(index)]()


class Recordings:
    """Recorded steps of this process on a device, those used last at the end; and why others could not be recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.steps: OrderedDict[Hashable, RecordedStep] = OrderedDict()
        self.refused: dict[Hashable, str] = {}

    def get(self, like: TrainingStep, scans: TrainingScans, batches: int, phase: int) -> RecordedStep:
        """A recorded step like this one, there already or recorded now.

        Raises:
            UnrecordableError: says why there is none.
        """
        count = len(scans.rows)
        sizes = {count // batches, -(-count // batches)}
        if getattr(like.network, "built_from", None) is None:  # what else it depends on is not known
            return RecordedStep(like, scans, sizes, self.recorder)
        key = _key(like, scans, batches, phase)
        if key in self.refused:
            raise UnrecordableError(self.refused[key])
        found = self.steps.pop(key, None)
        if found is None:
            try:
                found = RecordedStep(like, scans, sizes, self.recorder)
            except UnrecordableError as error:
                self.refused[key] = str(error)
                raise
        self.steps[key] = found
        while len(self.steps) > 1 and sum(step.bytes for step in self.steps.values()) > self.recorder.limit:
            self.steps.popitem(last=False)
        return found


@cache
def recordings(device: torch.device) -> Recordings:
    """Those of this process on a device of a kind that is in `RECORDERS`."""
    return Recordings(RECORDERS[device.type](device))


#: Lines that were logged: each is once.
_said: set[str] = set()


@contextmanager
def steps(
    step: TrainingStep, scans: TrainingScans, *, batches: int, phase: int
) -> Iterator[tuple[TrainingStep, Callable[[Tensor], None]]]:
    """The state that steps change, and a function that takes a step over the scans at an index: recorded if it may be.

    Args:
        step: before its first; when all is done its network has been trained.
        scans: that it is taken over.
        batches: of an epoch, of at most two sizes.
        phase: of the training.
    """
    recorded = _recorded(step, scans, batches, phase) if step.config.graph else None
    if recorded is None:
        yield step, lambda index: step.run(scans.batch(index))
    else:
        recorded.begin(step)
        yield recorded.step, partial(recorded.run, scans)
        recorded.end(step)


def _recorded(step: TrainingStep, scans: TrainingScans, batches: int, phase: int) -> RecordedStep | None:
    device = step.generator.device
    if device.type not in RECORDERS:
        _say(f"no step is replayed: the device is '{device.type}', and only a GPU has CUDA graphs")
        return None
    try:
        if step.hooks.eager_only:
            raise UnrecordableError(step.hooks.eager_only)
        return recordings(device).get(step, scans, batches, phase)
    except UnrecordableError as error:
        method = getattr(step.network, "built_from", None)
        name = type(step.network).__name__ if method is None else str(method.name)
        _say(f"'{name}' is trained without a graph: {error}")
        return None


def _say(line: str) -> None:
    if line not in _said:
        _said.add(line)
        _log.warning("graph = true: %s", line)


def _key(step: TrainingStep, scans: TrainingScans, batches: int, phase: int) -> Hashable:
    """Everything that a recorded step has from the one that it was recorded of, but the contents of tensors."""
    method = step.network.built_from
    faces = scans.data.stored(scans.rows[:1])
    shapes = faces.texture.shape, None if faces.landmarks is None else faces.landmarks.shape, faces.pixel_mm
    return (
        (type(method), repr(method)),
        str(step.network),
        tuple((name, *_layout(tensor)) for name, tensor in _tensors(step.network).items()),
        tuple(module.training for module in step.network.modules()),
        tuple((len(group["params"]), group["weight_decay"]) for group in step.optimizer.param_groups),
        (step.config, step.lines.shape, len(scans.rows), batches, phase, shapes),
    )


def _layout(tensor: Tensor) -> tuple[Hashable, ...]:
    return tensor.dtype, tensor.shape, tensor.stride(), tensor.requires_grad


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _write(one: nn.Module, other: nn.Module) -> None:
    """The contents of all of one network's tensors into those of another like it."""
    for source, target in zip(_tensors(one).values(), _tensors(other).values(), strict=True):
        target.copy_(source)


def _default_state(device: torch.device) -> Tensor:
    state: Tensor = _cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
    return state


def _set_default_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        _cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
