"""Cohorts for suites and for the command line: found, made when a suite describes them, drawn."""

import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from afnetm.data.cohort import Cohort, cohort_directory, open_cohort
from afnetm.data.preparing import disk_need, prepare_cohort
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from benchmarks.home import Home
from benchmarks.suite import CohortSpec, SyntheticSpec


def ensure_cohort(home: Home, spec: CohortSpec, *, workers: int | None, console: Console) -> Cohort:
    """The cohort that a suite names; a synthetic one that it describes is made if it is not there yet.

    Raises:
        UserError: it is not there and not described, or it is there and is not what the suite describes.
    """
    directory = cohort_directory(home.path, spec.name)
    if spec.synthetic is None:
        return open_cohort(directory)
    if not directory.exists():
        return make_synthetic(home, spec.name, spec.synthetic, workers=workers, console=console)
    cohort = open_cohort(directory)
    described = _source(spec.synthetic).describe() | {"size": spec.synthetic.size}
    found = {**cohort.source, "size": cohort.size}
    for key, value in described.items():
        if found.get(key) != value:
            raise UserError(
                f"cohort '{spec.name}' exists with {key} = {found.get(key)}, the suite describes {value}; "
                f"name another cohort, or delete {directory}"
            )
    return cohort


def make_synthetic(home: Home, name: str, spec: SyntheticSpec, *, workers: int | None, console: Console) -> Cohort:
    """Makes a synthetic cohort with a progress bar; an interrupted one goes on where it was."""
    source = _source(spec)
    need = disk_need(scans=len(source.ids()), size=spec.size) / 1e6
    console.print(f"cohort {name}: {len(source.ids())} scans, {need:.0f} MB of disk while it is made, half of it then")
    columns = BarColumn(bar_width=28), MofNCompleteColumn(), TextColumn("scans"), TimeElapsedColumn()
    left = TextColumn("left"), TimeRemainingColumn()
    with Progress(TextColumn(f"making cohort {name}"), *columns, *left, console=console) as bars:
        task = bars.add_task("", total=None)
        return prepare_cohort(
            cohort_directory(home.path, name),
            source,
            size=spec.size,
            workers=len(os.sched_getaffinity(0)) if workers is None else workers,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )


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


def _source(spec: SyntheticSpec) -> SyntheticSource:
    return SyntheticSource(seed=spec.seed, subjects=spec.subjects, levels=spec.levels, clean=spec.clean)
