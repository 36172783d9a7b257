"""A training step's time: of the step that the project's own loop takes, with the batch that it is given."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from afnetm.contract.devices import filling_memory
from afnetm.contract.tape import taped
from afnetm.data.scan import EXPRESSIONS
from afnetm.hooks import Phase, hooks_of, training_phase
from afnetm.method import built
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import find_method
from afnetm.training import graphs
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.loop import fit
from afnetm.training.process import float32_products
from afnetm.training.step import TrainingScans, TrainingStep
from scripts.speed.gpu.ceilings import Clock
from scripts.speed.gpu.cells import WrongError
from scripts.speed.gpu.scale import Scale
from scripts.speed.gpu.scans import scans

#: Batches that come one after the other, and then again.
_BATCHES = 8


@dataclass(frozen=True)
class Way:
    """A way to run the same steps.

    Attributes:
        config: what of the training configuration is otherwise than ``as is``, which is bfloat16 in NHWC.
        mode: what of the process is otherwise than a worker's.
    """

    config: dict[str, Any] = field(default_factory=dict)
    mode: Callable[[], AbstractContextManager[None]] = nullcontext


@contextmanager
def _not_deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(True)


#: By name, the first as workers run a suite that a GPU is for.
WAYS: dict[str, Way] = {
    "as is": Way(),
    "memory filled": Way(mode=filling_memory),
    "not deterministic": Way(mode=_not_deterministic),
    "NCHW": Way({"channels_last": False}),
    "float32 IEEE": Way({"precision": "float32"}),
    "float32 TF32": Way({"precision": "tf32"}),
    "graph": Way({"graph": True}),
    "graph, compiled": Way({"graph": True, "compile": True}),
}


def step(scale: Scale, *, method: str, batch: int, way: str) -> dict[str, Any]:
    """The median time of a step of `method`, its rate, and the bytes of memory that it takes beside the scans.

    ``flop`` and ``bytes`` are those of one step, counted: what its time is to be measured by.
    """
    data = _on_device(scale)
    held = _memory(scale)
    steps = scale.warm + scale.windows * scale.window
    clock = Clock(scale.device)
    with training(scale, method=method, batch=batch, way=way, steps=steps) as take:
        for _ in range(steps):
            clock.mark()
            take()
        clock.mark()
        times = np.array(clock.between()[scale.warm :]).reshape(scale.windows, scale.window).mean(1)
    peak = _peak(scale)
    config = replace(_config(way, batch), compile=False, graph=False)
    with WAYS[way].mode():
        network = _network(method, scale, config)
        once, twice = (_counted(network, data, config, steps=count) for count in (1, 2))
    median = float(np.median(times))
    return {
        "ms": median * 1e3,
        "ms_min": float(times.min()) * 1e3,
        "ms_max": float(times.max()) * 1e3,
        "scans_per_second": batch / median,
        "flop": twice[0] - once[0],
        "bytes": twice[1] - once[1],
        "peak_memory": None if peak is None or held is None else peak - held,
    }


@contextmanager
def training(scale: Scale, *, method: str, batch: int, way: str, steps: int) -> Iterator[Callable[[], None]]:
    """A training of `method` of so many steps at most, about to begin: what is called takes a step.

    Raises:
        WrongError: its steps were to be recorded, and cannot be.
    """
    data, config = _on_device(scale), _config(way, batch)
    rows = torch.arange(_BATCHES * batch, device=data.device) % len(data)
    indices = cycle(torch.arange(len(rows), device=data.device).view(_BATCHES, batch).unbind())
    scans = TrainingScans(data, rows, torch.arange(len(data), device=data.device) % len(EXPRESSIONS))
    recorder = taped() if config.graph and scale.device == "cpu" else nullcontext()
    with WAYS[way].mode(), float32_products(config.precision), recorder:
        network = _network(method, scale, config)
        hooks = hooks_of(network)
        hooks.begin(len(rows))
        generator = torch.Generator(data.device).manual_seed(0)
        with training_phase(network, hooks, Phase(1.0)):
            first = TrainingStep(network, hooks, config, generator, [of / steps for of in range(steps)])
            with graphs.steps(first, scans, batches=_BATCHES, phase=0) as (state, take):
                if config.graph and state is first:
                    refused = graphs.recordings(generator.device).refused
                    raise WrongError(f"not recorded: {', '.join(refused.values()) or hooks.eager_only}", {})
                yield lambda: take(next(indices))


class Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of every tensor that an operation is given, and of those that it writes; views move none.

    What kernels read twice is not in it, nor what a cache saves.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket.__name__)
        if not func.is_view and name != "_unsafe_view" and "empty" not in name:
            named = zip(func._schema.arguments, args, strict=False)  # those at their defaults are not there
            over = [given for argument, given in named if argument.alias_info is not None]
            self.bytes += _size((args, kwargs)) + _size(over or result)
        return result


def _size(nested: object) -> int:
    return sum(x.numel() * x.element_size() for x in tree_leaves(nested) if isinstance(x, torch.Tensor))


def _counted(network: nn.Module, data: DeviceDataset, config: TrainingConfig, *, steps: int) -> tuple[int, int]:
    """Operations and bytes of a training of so many steps."""
    with FlopCounterMode(display=False) as operations, Traffic() as traffic:
        _fit(network, data, config, steps=steps)
    return operations.get_total_flops(), traffic.bytes


def _config(way: str, batch: int) -> TrainingConfig:
    return replace(TrainingConfig(epochs=1, batch_size=batch, precision="bfloat16"), **WAYS[way].config)


def _network(method: str, scale: Scale, config: TrainingConfig) -> nn.Module:
    torch.manual_seed(0)
    encoder = EncoderSpec(width=scale.width, size=scale.timed[1])
    network = built(find_method(method)(), encoder, len(EXPRESSIONS)).to(scale.device)
    return network.to(memory_format=torch.channels_last) if config.channels_last else network


@cache
def _on_device(scale: Scale) -> DeviceDataset:
    subjects, size = scale.timed
    dataset = scans(scale.home, size=size, subjects=subjects)
    return DeviceDataset(dataset, np.arange(len(dataset.table)), torch.device(scale.device))


def _fit(network: nn.Module, data: DeviceDataset, config: TrainingConfig, *, steps: int) -> None:
    """Trains for so many full steps; scans come again as often as that takes."""
    index = torch.arange(steps * config.batch_size, device=data.device) % len(data)
    labels = torch.arange(len(data), device=data.device) % len(EXPRESSIONS)
    fit(network, data, index, labels, config, seed=0)


def _memory(scale: Scale) -> int | None:
    """Memory in use; from here on the peak is measured anew."""
    if scale.device != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _peak(scale: Scale) -> int | None:
    return torch.cuda.max_memory_allocated() if scale.device == "cuda" else None
