"""Datasets on the command line: looked at, prepared, and written from synthetic scans."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from afnetm.data.dataset import FaceDataset, dataset_directory
from afnetm.data.dataset_files import REJECTED
from afnetm.data.face_models import face_models
from afnetm.data.making import Making, render_scan
from afnetm.data.preparing import disk_need, prepare_dataset
from afnetm.data.registry import OptionError, open_source
from afnetm.data.scan_source import Inspection, ScanSource
from afnetm.data.sources.exporting import export
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError
from benchmarks.plans.datasets import processes, write_sheet
from benchmarks.plans.suite_files import change_of
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted, disk, duration

#: The contact sheet in a prepared dataset's folder: with the faces, which do not leave it.
SHEET = "contact-sheet.png"
#: The list of scans left out, beside it.
LEFT_OUT = REJECTED
#: So many scans at most are tried for the time that one takes.
_TRIED = 5


def opened(name: str, folder: Path, options: Mapping[str, Any], changes: Sequence[str]) -> ScanSource:
    """The registered dataset `name` in `folder`, with command-line options and further ones, each ``key=value``."""
    changed = {key: value for one in changes for key, value in change_of(one).items()}
    try:
        return open_source(name, folder, **{**options, **changed})
    except OptionError as error:
        option = str(error).partition(":")[0]
        raise UserError(f"{'--set ' if option in changed else '--'}{error}") from None


def prepare(
    home: Home, name: str, source: ScanSource, making: Making, *, workers: int | None, console: Terminal
) -> tuple[FaceDataset, list[tuple[str, str]]]:
    """Prepares a dataset from files, saying first what there is; returns it, the scans left out and the reasons."""
    directory = dataset_directory(home.path, name)
    if directory.exists():
        raise UserError(f"dataset {name}: {directory} exists already; choose another name, or delete it")
    with console.status("inspecting the folder"):
        found, ids, described = source.inspect(), source.ids(), source.describe()
        if found and found.without_landmarks:
            _check_landmarker(found)
        whole = ids if found is None else [scan.id for scan in found.scans if not scan.missing]
        seconds = _seconds_per_scan(source, whole, making)
    count = processes(workers)
    console.print(_overview(found, described, making, scans=len(ids), seconds=seconds, workers=count))
    with progress_bar(f"preparing {name}", console) as progress:
        dataset = prepare_dataset(directory, source, **vars(making), workers=count, progress=progress)
    with console.status("drawing the contact sheet"):
        write_sheet(directory, directory / SHEET, scans=24)
    return dataset, _rejected(directory)


def _check_landmarker(found: Inspection) -> None:
    """Refuses scans without landmarks where nothing can find them, before anything is read."""
    try:
        face_models()
    except UserError as error:
        lacking = counted(found.without_landmarks, "scan")
        raise UserError(f"{lacking} of {len(found.scans)} without landmarks, which cannot be found: {error}") from None


def export_scans(
    layout: str, directory: Path, source: SyntheticSource, *, workers: int | None, console: Terminal
) -> None:
    """Writes synthetic scans as files in the layout of BU-3DFE or Bosphorus, with a progress bar."""
    with progress_bar(f"writing {directory.name}", console) as progress:
        export(directory, source, layout=layout, workers=processes(workers), progress=progress)


def _seconds_per_scan(source: ScanSource, whole: Sequence[str], making: Making) -> float | None:
    """Seconds of reading and rendering one whole scan here; None if none of the first ones can be rendered."""
    for scan_id in whole[:_TRIED]:
        started = time.perf_counter()
        if render_scan(source, scan_id, making)[1] is not None:
            return time.perf_counter() - started
    return None


def _overview(
    found: Inspection | None,
    described: Mapping[str, Any],
    making: Making,
    *,
    scans: int,
    seconds: float | None,
    workers: int,
) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("scans", f"{scans} of {counted(found.subjects, 'subject')}" if found else str(scans))
    if found:
        _add_what_is_there(table, found)
    if nose := described.get("nose"):
        table.add_row("nose rows", f"{nose['order']}, first side {nose['first_side']}")
    without = found.without_landmarks if found else 0
    table.add_row("poses", f"fitted to {'detected' if without == scans else making.pose} landmarks")
    table.add_row("landmarks", _landmarks(scans - without, without, detects=making.detects))
    need = disk_need(scans=scans, size=making.size, detected=making.detects)
    table.add_row("disk", disk(need))
    if seconds is not None:
        needed = duration(max(seconds * scans / workers, 1))
        table.add_row("time", f"about {needed} with {counted(workers, 'worker')}")
    return table


def _landmarks(given: int, without: int, *, detects: bool) -> str:
    """Origin of the scans' landmarks; only whether they are also detected where all come with some."""
    if not without:
        return "also detected" if detects else "not detected"
    to_find = f"to be found in {counted(without, 'scan')}"
    return f"given for {counted(given, 'scan')}{', also detected' if detects else ''}; {to_find}" if given else to_find


def _add_what_is_there(table: Table, found: Inspection) -> None:
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


def _rejected(directory: Path) -> list[tuple[str, str]]:
    with (directory / LEFT_OUT).open(encoding="utf-8", newline="") as file:
        return [(row["id"], row["reason"]) for row in csv.DictReader(file)]
