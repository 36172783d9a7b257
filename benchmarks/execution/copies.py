"""Copies to MLflow, made beside the work: who does it hears at once that MLflow is away, and goes on."""

from collections.abc import Callable
from functools import partial

from rich.console import Console
from rich.markup import escape

from benchmarks.execution.copying import Copier, Copying
from benchmarks.execution.troubles import trouble
from benchmarks.terminal.console import errors

#: What is given a line to tell.
Report = Callable[[str], object]


def copies(make: Callable[[Report], Copier], uri: str, console: Console) -> Copying[Copier]:
    """What copies to MLflow at `uri`, by what `make` makes; it is given what tells a line."""

    def tell(line: str) -> None:
        errors.say(f"[yellow]MLflow:[/] {escape(line)}")

    return Copying(
        partial(make, tell),
        trouble=partial(trouble, uri=uri),
        tell=lambda line: tell(f"{line}. Nothing is lost, the work goes on; copies are tried again later."),
        waiting=lambda: console.status("copying to MLflow"),
    )
