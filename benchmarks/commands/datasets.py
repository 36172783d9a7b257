"""Datasets on the command line: looked at, prepared, and written from synthetic scans."""

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from afnetm.data.dataset import FaceDataset, dataset_directory
from afnetm.data.dataset_files import REJECTED
from afnetm.data.preparing import disk_need, prepare_dataset
from afnetm.data.rendering import render
from afnetm.data.sources.bosphorus import BosphorusSource
from afnetm.data.sources.bu3dfe import Bu3dfeSource
from afnetm.data.sources.exporting import export
from afnetm.data.sources.folder import FolderSource
from afnetm.data.sources.inspection import FileSource, Inspection
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from benchmarks.plans.datasets import processes, write_sheet
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted, disk, duration

KINDS = ("bu3dfe", "bosphorus", "folder")
#: The contact sheet in a prepared dataset's folder: with the faces, which do not leave it.
SHEET = "contact-sheet.png"
#: The list of scans left out, beside it.
LEFT_OUT = REJECTED
#: So many scans at most are tried for the time that one takes.
_TRIED = 5


def open_source(kind: str, folder: Path, *, table: Path | None, intensities: tuple[int, ...] | None) -> FileSource:
    """The dataset of this kind in `folder`.

    Raises:
        UserError: no such kind or folder, or an option that it has no use for.
    """
    if kind not in KINDS:
        raise UserError(f"dataset: '{kind}' is not allowed; one of: {', '.join(KINDS)}")
    if (table is not None) != (kind == "folder"):
        raise UserError(
            f"--table: {'needed for' if kind == 'folder' else 'not for'} '{kind}'; it lists a folder's scans"
        )
    if intensities is not None and kind != "bu3dfe":
        raise UserError(f"--intensities: not for '{kind}'; a suite chooses among the intensities of a dataset")
    if kind == "bu3dfe":
        return Bu3dfeSource(folder=folder, intensities=intensities)
    return BosphorusSource(folder=folder) if table is None else FolderSource(folder=folder, table=table)


def prepare(
    home: Home, name: str, source: FileSource, *, size: int, workers: int | None, console: Terminal
) -> tuple[FaceDataset, list[tuple[str, str]]]:
    """Prepares a dataset from files, saying first what there is; returns it, the scans left out and the reasons."""
    directory = dataset_directory(home.path, name)
    if directory.exists():
        raise UserError(f"dataset {name}: {directory} exists already; name another, or delete it")
    with console.status("looking at the folder"):
        found, described = source.inspect(), source.describe()
        seconds = _seconds_a_scan(source, found, size=size)
    count = processes(workers)
    console.print(_overview(found, described, size=size, seconds=seconds, workers=count))
    with progress_bar(f"preparing {name}", console) as progress:
        dataset = prepare_dataset(directory, source, size=size, workers=count, progress=progress)
    with console.status("drawing the contact sheet"):
        write_sheet(directory, directory / SHEET, scans=24)
    return dataset, _rejected(directory)


def export_scans(
    layout: str, directory: Path, source: SyntheticSource, *, workers: int | None, console: Terminal
) -> None:
    """Writes synthetic scans as files in the layout of BU-3DFE or Bosphorus, with a progress bar."""
    with progress_bar(f"writing {directory.name}", console) as progress:
        export(directory, source, layout=layout, workers=processes(workers), progress=progress)


def _seconds_a_scan(source: FileSource, found: Inspection, *, size: int) -> float | None:
    """What reading and rendering one whole scan takes here; None if none of the first ones can be rendered."""
    whole = [scan.id for scan in found.scans if not scan.missing]
    for scan_id in whole[:_TRIED]:
        started = time.perf_counter()
        try:
            render(source.load(scan_id), size=size)
        except UserError:
            continue
        return time.perf_counter() - started
    return None


def _overview(
    found: Inspection, described: Mapping[str, Any], *, size: int, seconds: float | None, workers: int
) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("scans", f"{len(found.scans)} of {counted(found.subjects, 'subject')}")
    table.add_row("expressions", ", ".join(f"{name} {count}" for name, count in sorted(found.expressions.items())))
    if any(found.intensities):
        levels = sorted(found.intensities.items())
        table.add_row("intensities", ", ".join(f"{level or 'unknown'}: {count}" for level, count in levels))
    for what, count in found.missing.items():
        some = ", ".join([scan.id for scan in found.scans if what in scan.missing][:3])
        table.add_row("missing", f"{what} of {counted(count, 'scan')} ({some}{', …' if count > 3 else ''})")
    for line in found.absent:
        table.add_row("absent", line)
    for what, count in found.left_out.items():
        table.add_row("left out", f"{count} {what}")
    if nose := described.get("nose"):
        table.add_row("nose rows", f"{nose['order']}, first side {nose['first_side']}")
    need = disk_need(scans=len(found.scans), size=size)
    table.add_row("disk", disk(need))
    if seconds is not None:
        needed = duration(max(seconds * len(found.scans) / workers, 1))
        table.add_row("time", f"about {needed} with {counted(workers, 'worker')}")
    return table


def _rejected(directory: Path) -> list[tuple[str, str]]:
    with (directory / LEFT_OUT).open(encoding="utf-8", newline="") as file:
        return [(row["id"], row["reason"]) for row in csv.DictReader(file)]
