"""Measures a GPU, or pretends to: ``python -m scripts.speed.gpu --part A --out OUT --minutes 9 [--pretend]``."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from afnetm.errors import UserError
from afnetm.registry import registry
from afnetm.training.process import prepare_process
from scripts.speed.gpu.cells import Bench, Cell
from scripts.speed.gpu.journal import Journal
from scripts.speed.gpu.parts import PARTS, opening
from scripts.speed.gpu.scale import GPU, PRETENDED, Scale
from scripts.speed.gpu.scans import QUICK
from scripts.speed.gpu.table import show

#: Columns of what goes into a file.
_WIDE = 120


def main() -> int:
    """Measures; 0 if every cell was run and found nothing wrong, 1 if not, 2 where nothing could be begun."""
    parser = argparse.ArgumentParser(prog="python -m scripts.speed.gpu", description=__doc__)
    parser.add_argument(
        "--part", nargs="+", choices=PARTS, default=list(PARTS), help="A: is it right; B: how fast; C: why"
    )
    parser.add_argument("--out", type=Path, default=Path(), help="folder of gpu.json; what it holds already stays")
    parser.add_argument("--minutes", type=float, default=9.0, help="nothing begins, or goes on, after that")
    parser.add_argument(
        "--home", type=Path, help="with the dataset of the suite quick, and its records on a CPU if any"
    )
    parser.add_argument("--pretend", action="store_true", help="the same on the processor, as small as can be")
    arguments = parser.parse_args()
    scale = replace(PRETENDED if arguments.pretend else GPU, home=arguments.home)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    try:
        _check(scale)
        journal = Journal(arguments.out, {name: str(value) for name, value in vars(arguments).items()})
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a time limit ends still shows its table
    try:
        _measure(journal, scale, arguments.part, minutes=arguments.minutes, console=console)
    except KeyboardInterrupt:
        console.print("stopped")
    show(journal.cells, console)
    console.print(f"\nwritten to {journal.path}")
    return int(any(cell["status"] != "ok" for cell in journal.cells))


def _measure(journal: Journal, scale: Scale, parts: list[str], *, minutes: float, console: Console) -> None:
    """Runs one cell after the other, each on disk before the next begins."""
    ends = time.perf_counter() + 60 * minutes
    with Bench(scale, prepare_process) as bench:
        for part, cell in _cells(scale, parts):
            left = ends - time.perf_counter()
            none = {"cell": cell.name, "status": "no time", "seconds": 0.0}
            found = bench.run(cell, seconds=min(cell.seconds, left)) if left > 0 else none
            journal.add({"part": part, **found})
            console.print(f"{cell.name}: {found['status']}", style=None if found["status"] == "ok" else "red")


def _cells(scale: Scale, parts: list[str]) -> Iterator[tuple[str, Cell]]:
    for part in parts:
        for cell in [*(opening(scale) if part == parts[0] else ()), *PARTS[part](scale)]:
            yield part, cell


def _check(scale: Scale) -> None:
    """Refuses what could only fail, before anything is written."""
    if scale.device == "cuda" and not torch.cuda.is_available():
        raise UserError(f"torch {torch.__version__} sees no GPU here; --pretend does the same on the processor")
    if not registry().names:
        raise UserError("no method is registered: afnetm itself is not installed, its wheel will do (docs/gpu.md)")
    if scale.home is not None and not (scale.home / "datasets" / QUICK / "dataset.json").is_file():
        raise UserError(f"--home {scale.home}: it has no dataset '{QUICK}'; `afnetm run quick` makes it")


if __name__ == "__main__":
    sys.exit(main())
