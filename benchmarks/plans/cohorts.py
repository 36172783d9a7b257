"""Cohorts for suites and for the command line: found, made when a suite describes them, drawn."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from afnetm.data.cohort import Cohort, cohort_directory, open_cohort
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from afnetm.workers import context, core_count
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal, errors
from benchmarks.terminal.steps import progress_bar
from benchmarks.terminal.words import counted, disk

if TYPE_CHECKING:
    from benchmarks.plans.suite import CohortSpec  # torch, by way of the methods


def ensure_cohort(home: Home, spec: "CohortSpec", *, workers: int | None, console: Terminal) -> Cohort:
    """The cohort that a suite names; a synthetic one that it describes is made if it is not there yet.

    Raises:
        UserError: it is not there and not described, or it is there and is not what the suite describes.
    """
    directory = cohort_directory(home.path, spec.name)
    if spec.synthetic is None:
        return _prepared(directory, spec)
    source = SyntheticSource(**spec.synthetic.model_dump(exclude={"size"}))
    if not directory.exists():
        return make_synthetic(home, spec.name, source, size=spec.synthetic.size, workers=workers, console=console)
    cohort = open_cohort(directory)
    warn_of_rendering(cohort)
    described = source.describe() | {"size": spec.synthetic.size}
    found = {**cohort.source, "size": cohort.size}
    for key, value in described.items():
        if found.get(key) != value:
            raise UserError(
                f"cohort '{spec.name}' exists with {key} = {found.get(key)}, the suite describes {value}; "
                f"name another cohort, or delete {directory}"
            )
    return cohort


def how_to_make(spec: "CohortSpec") -> str:
    """The command that makes the cohort of a suite which does not describe it."""
    return f"afnetm data prepare {spec.dataset or 'bu3dfe|bosphorus|folder'} DIR {spec.name}"


def _prepared(directory: Path, spec: "CohortSpec") -> Cohort:
    if not directory.exists():
        raise UserError(f"cohort '{spec.name}' is not there: {directory}; to make it: {how_to_make(spec)}")
    cohort = open_cohort(directory)
    kind = cohort.source.get("kind")
    if spec.dataset is not None and kind != spec.dataset:
        raise UserError(
            f"cohort '{spec.name}' was made from '{kind}', the suite is for '{spec.dataset}'; "
            f"name another cohort, or delete {directory}"
        )
    warn_of_rendering(cohort)
    return cohort


def warn_of_rendering(cohort: Cohort) -> None:
    """Says in a line where another version of the rendering made a cohort's maps, and how to make them anew."""
    if cohort.rendering != RENDERING_VERSION:
        where = cohort.directory
        made = "an older" if cohort.rendering < RENDERING_VERSION else "a newer"
        text = (
            f"data set {where.name} was made by {made} program: its maps are of rendering version {cohort.rendering}, "
            f"this program's of {RENDERING_VERSION}, so scans may look different today; to make it again, delete "
            f"{where}, then: {_making(cohort)}"
        )
        errors.say(f"[yellow]{escape(text)}[/]")


def _making(cohort: Cohort) -> str:
    """The command that makes such a cohort in its place."""
    source, home = cohort.source, cohort.directory.parent.parent
    words = ["afnetm"] if home == Path("runs") else ["afnetm", "--home", str(home)]
    options = ["--size", str(cohort.size)]
    if source.get("kind") == "synthetic":
        words += ["data", "make", cohort.directory.name]
        options += [word for key in ("subjects", "seed") for word in (f"--{key}", str(source.get(key)))]
        options += ["--levels", *map(str, source.get("levels", ()))]
        options += ["--clean"] if source.get("clean") else []
    else:
        words += ["data", "prepare", str(source.get("kind")), "DIR", cohort.directory.name]
        options += ["--table", "TABLE"] if source.get("kind") == "folder" else []
        options += ["--intensities", *map(str, source["intensities"])] if source.get("intensities") else []
    return shlex.join([*words, *options])


def make_synthetic(
    home: Home, name: str, source: SyntheticSource, *, size: int, workers: int | None, console: Terminal
) -> Cohort:
    """Makes a synthetic cohort with a progress bar; an interrupted one goes on where it was."""
    if processes(workers) > 1:
        context("afnetm.data.chunks", "afnetm.data.synthetic.making")
    from afnetm.data.preparing import disk_need, prepare_cohort  # meshes take a second to import

    need = disk(disk_need(scans=len(source.ids()), size=size))
    first = f"cohort {name}: {counted(len(source.ids()), 'scan')}, {need} of disk while it is made, half of it then"
    with progress_bar(f"making cohort {name}", console, first=first) as progress:
        directory = cohort_directory(home.path, name)
        return prepare_cohort(directory, source, size=size, workers=processes(workers), progress=progress)


def processes(workers: int | None) -> int:
    """As many as asked for, or one a core."""
    return core_count() if workers is None else workers


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
