"""Datasets for suites and for the command line: found, made when a suite describes them, drawn."""

import json
import shlex
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.dataset_files import is_generated
from afnetm.data.face_models import can_detect
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.registry import options_of, sources
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from afnetm.workers import context, core_count
from benchmarks.records.home import Home
from benchmarks.records.occupancy import InUseError, exclusive
from benchmarks.terminal.console import Terminal, errors
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted, disk

if TYPE_CHECKING:
    from afnetm.data.making import Making
    from benchmarks.plans.tables import DatasetSpec

#: Seconds from one look whether another process has made a dataset to the next.
_LOOK = 1.0


def find_dataset(home: Home, spec: "DatasetSpec", *, dry: bool) -> FaceDataset | None:
    """The dataset that a suite names, opened; None where it is yet to be made.

    Args:
        home: where it is.
        spec: the suite's.
        dry: whether one that is to be prepared by hand may be missing, as one that the suite describes may.

    Raises:
        UserError: it is not there, or is no dataset.
    """
    directory = home.datasets / spec.name
    if directory.exists():
        dataset = open_dataset(directory)
        warn_of_rendering(dataset)
        return dataset
    if spec.synthetic is None and not (dry and spec.source is not None):
        raise UserError(f"dataset '{spec.name}' does not exist: {directory}; to make it: {how_to_make(spec)}")
    return None


def make_described(home: Home, spec: "DatasetSpec", *, detect: bool, workers: int, console: Terminal) -> FaceDataset:
    """Makes the dataset that a suite describes, by so many processes; what is to be detected is, if it can be.

    Where another process is at it, that is waited for: drivers that begin at the same time need the same dataset.
    """
    assert spec.synthetic is not None
    from afnetm.data.making import Making

    making = Making(size=spec.synthetic.size, pose=spec.synthetic.pose, detect=detect and can_detect())
    directory, waiting = home.datasets / spec.name, False
    while not directory.exists():
        try:
            with exclusive(home):
                if not directory.exists():
                    return make_synthetic(
                        home, spec.name, spec.synthetic.source, making, workers=workers, console=console
                    )
        except InUseError as error:
            if directory.exists():
                break
            if error.driving:
                raise
            if not waiting:
                console.say(f"waiting for {escape(str(error.holder))}")
            waiting = True
            time.sleep(_LOOK)
    return open_dataset(directory)


def how_to_make(spec: "DatasetSpec") -> str:
    """The command that makes the dataset of a suite which does not describe it."""
    return f"afnetm data prepare {spec.source or '|'.join(sources().names)} DIR {spec.name}"


def warn_of_rendering(dataset: FaceDataset) -> None:
    """Says in a line where another version of the rendering made a dataset's maps, and how to make them anew."""
    if dataset.rendering != RENDERING_VERSION:
        where = dataset.directory
        made = "an older" if dataset.rendering < RENDERING_VERSION else "a newer"
        text = (
            f"dataset {where.name} was made by {made} program: its maps are of rendering version {dataset.rendering}, "
            f"this program's of {RENDERING_VERSION}, so they may differ now; to make it again, delete "
            f"{where}, then: {_making(dataset)}"
        )
        errors.say(f"[yellow]{escape(text)}[/]")


def _making(dataset: FaceDataset) -> str:
    """The command that makes such a dataset in its place."""
    source, home = dataset.source, dataset.directory.parent.parent
    words = ["afnetm"] if home == Path("runs") else ["afnetm", "--home", str(home)]
    options = ["--size", str(dataset.size), *(["--pose", dataset.pose] if dataset.pose == "detected" else [])]
    if is_generated(source):
        words += ["data", "make", dataset.directory.name]
        options += [word for key in ("subjects", "seed") for word in (f"--{key}", str(source.get(key)))]
        options += ["--intensities", *map(str, source.get("intensities", ()))]
        options += [f"--{key}" for key in ("clean", "neutral") if source.get(key)]
        options += ["--variant", str(source["variant"])] if source.get("variant") else []
    else:
        words += ["data", "prepare", str(source.get("kind")), "DIR", dataset.directory.name]
        options += ["--table", "TABLE"] if source.get("kind") == "folder" else []
        options += ["--intensities", *map(str, source["intensities"])] if source.get("intensities") else []
        others = _options(source)
        options += ["--set", *others] if others else []
    return shlex.join([*words, *options])


def _options(source: Mapping[str, Any]) -> list[str]:
    """The options with which a dataset was prepared that have no flag of their own, each ``key=value``."""
    known: Iterable[str]
    try:
        known = options_of(sources().find(str(source.get("kind"))))
    except UserError:  # its package is not installed here
        known = source.keys() - {"kind", "listing"}
    values = {name: source[name] for name in sorted(known) if name != "intensities" and source.get(name) is not None}
    return [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()]


def make_synthetic(
    home: Home, name: str, source: SyntheticSource, making: "Making", *, workers: int | None, console: Terminal
) -> FaceDataset:
    """Makes a synthetic dataset with a progress bar; an interrupted one goes on where it was."""
    if processes(workers) > 1:
        context("afnetm.data.preparing", "afnetm.data.synthetic.making")
    from afnetm.data.preparing import disk_need, prepare_dataset  # meshes take a second to import

    need = disk(disk_need(scans=len(source.ids()), size=making.size, detected=making.detects))
    first = f"dataset {name}: {counted(len(source.ids()), 'scan')}, {need} of disk"
    with progress_bar(f"making dataset {name}", console, first=first) as progress:
        return prepare_dataset(
            home.datasets / name, source, **vars(making), workers=processes(workers), progress=progress
        )


def processes(workers: int | None) -> int:
    """As many as asked for, or one a core."""
    return core_count() if workers is None else workers


def write_sheet(directory: Path, out: Path, *, scans: int) -> None:
    """Writes a dataset's contact sheet as a PNG picture, whole or not at all."""
    from afnetm.data.contact_sheet import contact_sheet  # torch, for the normals

    if out.suffix.lower() != ".png":
        raise UserError(f"--out: '{out}' must be named *.png")
    if scans < 1:
        raise UserError(f"--scans: {scans} is not allowed; 1 or more")
    sheet = contact_sheet(open_dataset(directory), scans=scans)
    beside = out.with_name(f".{out.name}")
    try:
        sheet.save(beside, format="PNG")
        beside.replace(out)
    except OSError as error:
        raise UserError(f"--out: '{out}' cannot be written: {error.strerror}") from None
