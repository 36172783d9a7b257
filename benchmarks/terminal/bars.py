"""Bars on a terminal, as wide as that allows."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.terminal.console import Terminal

#: What a line needs beside its bar; where there is less, the time that has passed is left out as well.
_BESIDE, _NARROW = 54, 60


def bars(console: Terminal, *, things: str = "") -> Progress:
    """A display of tasks that have a ``note``: each its description, bar, count of `things`, time and note."""
    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=max(4, min(28, console.width - _BESIDE))),
        MofNCompleteColumn(),
        *([TextColumn(things)] if things else []),
        *([TimeElapsedColumn()] if console.width >= _NARROW else []),
        TextColumn("{task.fields[note]}"),
    ]
    return Progress(*columns, console=console)
