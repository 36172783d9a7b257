"""The twin of a CUDA graph on a processor: a tape of operations, played again on the very tensors that they had.

As in a graph, Python has no part in it: what a step takes from there, a number, a branch, a tensor that is made anew
somewhere else, is on the tape as it was when that was recorded.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from afnetm.contract.bench import Bench, demand
from afnetm.contract.inputs import learnable
from afnetm.contract.waits import Waits
from afnetm.hooks import hooks_of
from afnetm.training import graphs
from afnetm.training.config import TrainingConfig
from afnetm.training.loop import fit

#: Two epochs of two steps, of different sizes.
_CONFIG = TrainingConfig(epochs=2, batch_size=4, learning_rate=1e-3)
_SCANS = 7


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation, with the tensors that it is given and those that it returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def play(self) -> None:
        """Every operation again, in its order, each result written where the recorded one is."""
        for func, args, kwargs, result in self.operations:
            if func.is_view:
                continue  # it is where its base is
            for old, new in zip(tree_leaves(result), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old is not new:
                    old.copy_(new)


class Tapes:
    """A `afnetm.training.graphs.Recorder` of tapes."""

    limit = math.inf

    def __init__(self, device: torch.device) -> None:
        self.recorded = 0

    def record(
        self, run: Callable[[], None], rewind: Callable[[], object], generator: torch.Generator
    ) -> Callable[[], object]:
        """Refuses what a CUDA graph could not hold, as well."""
        rewind()
        run()
        rewind()
        with Waits() as waits, Tape() as tape:
            run()
        if waits.found:
            raise graphs.UnrecordableError(f"the host would wait for {', '.join(sorted(waits.found))}")
        self.recorded += 1
        play: Callable[[], None] = tape.play  # as the decorator has no type
        return play


@contextmanager
def taped() -> Iterator[None]:
    """Within, ``graph = true`` records tapes on a processor, none of which is there at first or left afterwards."""
    graphs.RECORDERS["cpu"] = Tapes
    graphs.recordings.cache_clear()
    try:
        yield
    finally:
        del graphs.RECORDERS["cpu"]
        graphs.recordings.cache_clear()


def check_a_recorded_step_is_the_same(bench: Bench) -> None:
    """Checks that a training whose steps are recorded and replayed has the bits of one whose steps are run.

    So has another after it, on other scans from other weights, by the same recording; or the method says why its steps
    are not to be recorded.
    """
    wanted = [_trained(bench, fold, _CONFIG) for fold in range(2)]
    with taped():
        found = [_trained(bench, fold, replace(_CONFIG, graph=True)) for fold in range(2)]
        recorded = graphs.recordings(torch.device("cpu"))
    said = hooks_of(bench.build()).eager_only
    demand(
        recorded.steps or said,
        f"its steps cannot be recorded: {', '.join(recorded.refused.values())}; mend that, or say so in eager_only",
    )
    for which, one, other in zip(("first", "next"), wanted, found, strict=True):
        apart = [name for name in one if not torch.equal(one[name], other[name])]
        demand(
            not apart,
            f"in the {which} training with graph = true, {apart[0] if apart else ''} is not what it is without; keep "
            "what changes from step to step, or from training to training, in parameters and buffers, or say in "
            "eager_only why not",
        )


def _trained(bench: Bench, fold: int, config: TrainingConfig) -> dict[str, Tensor]:
    """All that a training leaves behind: the weights, the curves, and the place in the random numbers."""
    network = bench.build(seed=fold)
    data, labels = learnable()
    rows = torch.arange(_SCANS) + fold * _SCANS
    curves = fit(network, data, rows, labels, config, seed=fold, held_out=torch.arange(20, 24))
    return {**network.state_dict(), **vars(curves), "the random state": torch.get_rng_state()}
