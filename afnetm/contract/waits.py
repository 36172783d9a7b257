"""Detection of operations that make the host wait for a device, without one: their result decides what comes next."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes operations whose result is a number for the host, or has a shape that depends on values."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        decides = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags)
        if decides and not (func is torch.ops.aten.index.Tensor and _by_number(args[1])):
            self.found.add(str(func.overloadpacket.__name__))
        return func(*args, **(kwargs or {}))


def _by_number(index: Sequence[Tensor | None]) -> bool:
    """Whether elements are picked by their numbers and not by a mask, whose sum is the shape."""
    return all(part is None or part.dtype not in {torch.bool, torch.uint8} for part in index)
