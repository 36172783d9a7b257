"""Cohorts for suites and for the command line: found, made when a suite describes them, drawn."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from afnetm.data.cohort import Cohort, cohort_directory, open_cohort
from afnetm.data.preparing import disk_need, prepare_cohort
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from benchmarks.home import Home

if TYPE_CHECKING:
    from benchmarks.suite import CohortSpec  # torch, by way of the methods


def ensure_cohort(home: Home, spec: "CohortSpec", *, workers: int | None, console: Console) -> Cohort:
    """The cohort that a suite names; a synthetic one that it describes is made if it is not there yet.

    Raises:
        UserError: it is not there and not described, or it is there and is not what the suite describes.
    """
    directory = cohort_directory(home.path, spec.name)
    if spec.synthetic is None:
        return open_cohort(directory)
    source = SyntheticSource(**spec.synthetic.model_dump(exclude={"size"}))
    if not directory.exists():
        return make_synthetic(home, spec.name, source, size=spec.synthetic.size, workers=workers, console=console)
    cohort = open_cohort(directory)
    described = source.describe() | {"size": spec.synthetic.size}
    found = {**cohort.source, "size": cohort.size}
    for key, value in described.items():
        if found.get(key) != value:
            raise UserError(
                f"cohort '{spec.name}' exists with {key} = {found.get(key)}, the suite describes {value}; "
                f"name another cohort, or delete {directory}"
            )
    return cohort


def make_synthetic(
    home: Home, name: str, source: SyntheticSource, *, size: int, workers: int | None, console: Console
) -> Cohort:
    """Makes a synthetic cohort with a progress bar; an interrupted one goes on where it was."""
    directory = cohort_directory(home.path, name)
    columns = BarColumn(bar_width=28), MofNCompleteColumn(), TextColumn("scans"), TimeElapsedColumn()
    left = TextColumn("left"), TimeRemainingColumn()
    bars = Progress(TextColumn(f"making cohort {name}"), *columns, *left, console=console)
    task = bars.add_task("", total=None)

    def progress(done: int, total: int) -> None:
        if not bars.live.is_started:  # not before everything that can be wrong was looked at
            need = disk_need(scans=total, size=size) / 1e6
            console.print(f"cohort {name}: {total} scans, {need:.0f} MB of disk while it is made, half of it then")
            bars.start()
        bars.update(task, completed=done, total=total)

    try:
        processes = len(os.sched_getaffinity(0)) if workers is None else workers
        return prepare_cohort(directory, source, size=size, workers=processes, progress=progress)
    finally:
        bars.stop()


def write_sheet(directory: Path, out: Path, *, scans: int) -> None:
    """Writes a cohort's contact sheet as a PNG picture, whole or not at all."""
    from afnetm.data.sheet import contact_sheet  # torch, for the normals

    if out.suffix.lower() != ".png":
        raise UserError(f"--out: '{out}' must be named *.png")
    if scans < 1:
        raise UserError(f"--scans: {scans} is not allowed; 1 or more")
    sheet = contact_sheet(open_cohort(directory), scans=scans)
    beside = out.with_name(f".{out.name}")
    try:
        sheet.save(beside, format="PNG")
        beside.replace(out)
    except OSError as error:
        raise UserError(f"--out: '{out}' cannot be written: {error.strerror}") from None
