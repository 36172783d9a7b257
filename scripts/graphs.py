"""Compatibility of each method with graph modes: torch.compile without breaks, and CUDA graphs.

``python -m scripts.graphs``, on a CPU, in a minute or two. Nothing is required of a method: with `compile`
set in a training configuration it runs in any number of pieces, only slower than whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from afnetm.contract.waits import Waits
from afnetm.data.maps import WINDOW_MM
from afnetm.data.scan import EXPRESSIONS
from afnetm.face_batch import FaceBatch
from afnetm.hooks import step_loss
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods

# What a network is traced with does not change how often it breaks; the smallest is traced the quickest.
_ENCODER = EncoderSpec(name="resnet18", width=0.125)
_SIZE, _BATCH = 64, 8


@dataclass(frozen=True)
class Friendliness:
    """Outcome of one method.

    Attributes:
        pieces: graphs that torch.compile makes of a forward pass; 1 is the whole, 0 is none.
        breaks: why there is more than one, or none: the first line of each reason.
        waits: operations of a training step whose result decides what comes next, so that the host must wait for the
            device; a CUDA graph cannot hold any.
    """

    pieces: int
    breaks: tuple[str, ...]
    waits: tuple[str, ...]


def friendliness(kind: type[Method]) -> Friendliness:
    """Traces a method at its defaults, and watches a training step of it."""
    torch.manual_seed(0)
    network = kind().build(_ENCODER, len(EXPRESSIONS)).train()
    pieces, breaks = _traced(network)
    with Waits() as waits:
        _, loss = step_loss(network, _faces(), torch.arange(_BATCH) % len(EXPRESSIONS))
        torch.autograd.backward(loss)
    return Friendliness(pieces, breaks, tuple(sorted(waits.found)))


def _traced(network: nn.Module) -> tuple[int, tuple[str, ...]]:
    torch.compiler.reset()
    explain: Callable[..., Any] = torch._dynamo.explain
    try:
        found = explain(network)(_faces())
    except Exception as error:  # whatever keeps the compiler from it is the finding
        return 0, (_first_line(error),)
    return found.graph_count, tuple(dict.fromkeys(_first_line(reason.reason) for reason in found.break_reasons))


def _first_line(what: object) -> str:
    return str(what).strip().split("\n")[0]


def _faces() -> FaceBatch:
    texture, depth = torch.randn(_BATCH, 3, _SIZE, _SIZE), torch.randn(_BATCH, 1, _SIZE, _SIZE)
    masks = (torch.rand(_BATCH, 4, _SIZE, _SIZE) > 0.5).float()
    return FaceBatch(texture, depth, masks[:, :1], masks, pixel_mm=WINDOW_MM / _SIZE)


def main() -> None:
    """Prints a row a method."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("method", "torch.compile", "CUDA graph", "why not"):
        table.add_column(name, overflow="fold")
    console = Console()
    for name, kind in methods().items():
        with console.status(name):
            found = friendliness(kind)
        whole = {0: "fails", 1: "whole"}.get(found.pieces, f"{found.pieces} pieces")
        reasons = [*found.breaks, *(f"the host waits: {wait}" for wait in found.waits)]
        table.add_row(name, whole, "no" if found.waits else "could be", "; ".join(reasons))
    console.print(table)


if __name__ == "__main__":
    main()
