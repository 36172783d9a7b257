"""Bars on a terminal, as wide as that allows."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from benchmarks.terminal.console import Terminal

#: What a line needs beside its bar; where there is less there is no bar, nor the time that has passed.
_BESIDE, _NARROW = 54, 60


def bars(console: Terminal, *, things: str = "") -> Progress:
    """A display of tasks that have a ``note``: each its description, bar, count of `things`, time and note."""
    wide = console.width >= _NARROW
    columns = [
        TextColumn("{task.description}", table_column=Column(overflow="fold")),  # if need be, on two lines
        *([BarColumn(bar_width=max(4, min(28, console.width - _BESIDE)))] if wide else []),
        MofNCompleteColumn(),
        *([TextColumn(things)] if things and wide else []),
        *([TimeElapsedColumn()] if wide else []),
        TextColumn("{task.fields[note]}"),
    ]
    return Progress(*columns, console=console)
