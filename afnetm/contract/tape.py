"""The twin of a CUDA graph on a processor: a tape of operations, played again on the very tensors that they had.

As in a graph, Python has no part in it: what a step takes from there, a number, a branch, a tensor that is made anew
somewhere else, is on the tape as it was when that was recorded.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from afnetm.contract.waits import Waits
from afnetm.training import graphs


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

    @property
    def launches(self) -> int:
        """Number of them that do work: views and fresh memory are none."""
        names = [str(func.overloadpacket.__name__) for func, *_ in self.operations if not func.is_view]
        return sum(name != "_unsafe_view" and "empty" not in name for name in names)

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
    """A `afnetm.training.graphs.Recorder` of tapes.

    Attributes:
        recorded: `Tape.launches` of each.
    """

    limit = math.inf

    def __init__(self, device: torch.device) -> None:
        self.recorded: list[int] = []

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
        self.recorded.append(tape.launches)
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
