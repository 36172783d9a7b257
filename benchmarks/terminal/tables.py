"""Tables on a terminal, in the width that there is."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

#: Below so many columns a text gets lines of its own instead of a narrow column.
_NARROW = 70


def table(*columns: str) -> Table:
    """An empty table with these columns; numbers are in one whose name ends in ``>``. Names fold, and are never cut."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        right = name.endswith(">")
        made.add_column(name.removesuffix(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    return made


def described(columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> RenderableType:
    """Rows that end in a text of any length, in markup: a table, or one below the other where that is too narrow."""
    if width >= _NARROW:
        made = table(*columns)
        for name, *cells in rows:
            made.add_row(f"[bold]{escape(name)}[/]", *cells)
        return made
    parts: list[RenderableType] = []
    for name, *numbers, text in rows:
        said = [f"{column.removesuffix('>')} {number}" for column, number in zip(columns[1:], numbers, strict=False)]
        parts += [f"[bold]{escape(name)}[/]" + (f"  [dim]{', '.join(said)}[/]" if said else "")]
        parts += [Padding(text, (0, 0, 0, 2))]
    return Group(*parts)
