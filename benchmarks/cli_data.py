"""The commands under ``afnetm data``."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.home import Home

if TYPE_CHECKING:
    from afnetm.data.cohort import Cohort

app = typer.Typer(help="Cohorts: make, check and look at prepared data sets.", no_args_is_help=True)
console = Console(stderr=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The cohort's name under HOME/cohorts/.")]
Reference = Annotated[str, typer.Argument(metavar="NAME|DIR", help="A cohort's name, or a folder that holds one.")]


@app.command()
def make(
    context: typer.Context,
    name: Name,
    subjects: Annotated[int, typer.Option(help="Made-up people.")] = 24,
    levels: Annotated[list[int], typer.Option(help="Intensities, 1 (subtle) to 4 (strong): --levels 3 4")] = [3, 4],  # noqa: B006
    size: Annotated[int, typer.Option(help="Pixels along a side.")] = 96,
    seed: Annotated[int, typer.Option(help="Decides every face.")] = 0,
    clean: Annotated[bool, typer.Option("--clean", help="Without sensor failures.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes; one a core.")] = None,
) -> None:
    """Makes a synthetic cohort.

    Example: `afnetm data make faces --subjects 24 --levels 3 4 --size 96 --seed 0`
    """
    from afnetm.data.cohort import cohort_directory
    from afnetm.data.synthetic import SyntheticSource
    from benchmarks.cohorts import make_synthetic

    home: Home = context.obj
    cohort_directory(home.path, name)  # a wrong name is refused before the home is made
    source = SyntheticSource(seed=seed, subjects=subjects, levels=tuple(levels), clean=clean)
    home.make()
    with home.lock():
        made = make_synthetic(home, name, source, size=size, workers=workers, console=console)
    _print_card(made)


@app.command()
def check(
    context: typer.Context,
    reference: Reference,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")] = False,
) -> None:
    """Verifies everything in a cohort and prints its card.

    Example: `afnetm data check faces --json`
    """
    from afnetm.data.cohort import card, check_cohort

    directory = _directory(context.obj, reference)
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task("verifying", total=None)
        checked = check_cohort(directory, lambda done, total: bars.update(task, completed=done, total=total))
    if as_json:
        print(json.dumps(card(checked)))
    else:
        _print_card(checked)


@app.command()
def show(
    context: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="The picture to write, PNG.")],
    scans: Annotated[int, typer.Option(help="How many.")] = 12,
) -> None:
    """Writes a contact sheet: texture, depth, normals and masks of some scans.

    Example: `afnetm data show faces --out grid.png`
    """
    from benchmarks.cohorts import write_sheet

    with console.status("drawing"):
        write_sheet(_directory(context.obj, reference), out, scans=scans)
    print(out)


def _directory(home: Home, reference: str) -> Path:
    from afnetm.data.cohort import cohort_directory

    return (
        Path(reference) if os.sep in reference or reference in {".", ".."} else cohort_directory(home.path, reference)
    )


def _print_card(cohort: "Cohort") -> None:
    from afnetm.data.cohort import card

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in card(cohort).items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(key, text)
    table.add_row("folder", str(cohort.directory))
    Console().print(table)
