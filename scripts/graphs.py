"""Compatibility of each method with graph modes: torch.compile without breaks, and CUDA graphs.

``python -m scripts.graphs``, on a CPU, in two or three minutes. Nothing is required of a method: with `compile`
set in a training configuration it runs in any number of pieces, only slower than whole.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from afnetm.contract.devices import Subject, replays
from afnetm.data.maps import WINDOW_MM
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from afnetm.face_batch import FaceBatch
from afnetm.hooks import hooks_of
from afnetm.method import Method
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods
from afnetm.training.process import prepared

# What a network is traced with does not change how often it breaks; the smallest is traced the quickest.
_ENCODER = EncoderSpec(name="resnet18", width=0.125)
_SIZE, _BATCH = 64, 8


@dataclass(frozen=True)
class Friendliness:
    """Outcome of one method.

    Attributes:
        pieces: graphs that torch.compile makes of a forward pass; 1 is the whole, 0 is none.
        breaks: why there is more than one, or none: the first line of each reason.
        eager: why a training step cannot be recorded and replayed; empty where it can (`afnetm.training.graphs`).
    """

    pieces: int
    breaks: tuple[str, ...]
    eager: str


def friendliness(kind: type[Method]) -> Friendliness:
    """Traces a method at its defaults, and replays training steps of it."""
    torch.manual_seed(0)
    network = kind().build(_ENCODER, len(EXPRESSIONS)).train()
    pieces, breaks = _traced(network)
    eager = hooks_of(network).eager_only
    try:
        with prepared():
            replays(Subject(kind, "cpu", _SIZE, _ENCODER))
    except UserError as error:
        eager = str(error)
    return Friendliness(pieces, breaks, eager)


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
    logging.disable(logging.WARNING)  # a line of each that is not recorded: the table says so
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("method", "torch.compile", "CUDA graph", "why not"):
        table.add_column(name, overflow="fold")
    console = Console()
    for name, kind in methods().items():
        with console.status(name):
            found = friendliness(kind)
        whole = {0: "fails", 1: "whole"}.get(found.pieces, f"{found.pieces} pieces")
        reasons = [*found.breaks, *([found.eager] if found.eager else [])]
        table.add_row(name, whole, "no" if found.eager else "replayed", "; ".join(reasons))
    console.print(table)


if __name__ == "__main__":
    main()
