"""Overview of a dataset that may be sent to those who do not hold it: ``afnetm data check --summary``."""

import csv
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from afnetm.data.dataset import check_dataset
from afnetm.data.dataset_files import FORMAT_VERSION, INFO, REJECTED
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.overview import overview
from afnetm.data.preparing import survey
from afnetm.data.registry import open_source, options_of, sources
from afnetm.data.scan_source import ScanSource
from afnetm.errors import UserError
from benchmarks.commands.datasets import opened
from benchmarks.plans.datasets import processes, warn_of_rendering
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.progress import progress_bar
from benchmarks.terminal.words import counted, disk

_HEADING = "Summary of a dataset: counts and measures, without faces and names of people, files or folders"
#: A bar of the distribution's chart has so many characters at most.
_BAR = 40


def tell(directory: Path, options: Mapping[str, Any], *, workers: int | None, console: Terminal) -> dict[str, Any]:
    """The overview of a prepared dataset after everything in it was verified, or of files yet to be prepared.

    Files are all read and rendered as by `afnetm data prepare`; nothing is written.

    Args:
        directory: a prepared dataset's folder, or one with the files of a registered source or, with a `table` among
            the options, with one's own meshes.
        options: of the source of files; a folder's `table`, the CSV file that lists its scans, and `unit`.
        workers: processes; one a core where it is None.
        console: for the progress.

    Returns:
        A JSON object: that of `afnetm.data.overview.overview`, and program, rendering, format; of a prepared one size
        and bytes as well, of files what is missing and left_out.

    Raises:
        UserError: it is neither, or it was altered since it was made.
    """
    program = {"program": version("afnetm"), "format": FORMAT_VERSION}
    if not options and (directory / INFO).is_file():
        with progress_bar("verifying", console) as progress:
            dataset = check_dataset(directory, progress)
        warn_of_rendering(dataset)
        with (directory / REJECTED).open(encoding="utf-8", newline="") as file:
            reasons = [row["reason"] for row in csv.DictReader(file)]
        found = overview(dataset.table, reasons, dataset.source)
        size = sum(maps.nbytes for maps in (dataset.texture, dataset.depth, dataset.planes))
        made = {"rendering": dataset.rendering, "size": dataset.size, "bytes": size}
        return program | made | found
    with console.status("inspecting the folder"):
        source = _files(directory, options)
        there = source.inspect()
    with progress_bar("reading", console) as progress:
        scans, rejected = survey(source, workers=processes(workers), progress=progress)
    found = overview(scans, rejected["reason"], source.describe())
    what = {"missing": there.missing, "left_out": there.left_out} if there else {}
    return program | {"rendering": RENDERING_VERSION} | found | what


def lines(message: dict[str, Any]) -> list[str]:
    """An overview as text."""
    source = message["source"]
    nose = source.get("nose", {})
    rows = [
        (
            "program",
            f"afnetm {message['program']}, rendering version {message['rendering']}, format {message['format']}",
        ),
        ("dataset", f"{source.get('kind', 'unknown')}{', synthetic faces' if source.get('synthetic') else ''}"),
        (
            "scans",
            f"{message['scans']} of {counted(message['subjects'], 'subject')}, {message['refused'] or 'none'} refused",
        ),
        ("per subject", _range(message["scans_a_subject"])),
        ("expressions", _counts(message["classes"])),
        ("intensities", _counts(message["intensities"])),
        ("regions", _counts(message["regions"])),
        ("landmarks", _counts(message.get("landmarks", {}))),
        ("missing", _counts(message.get("missing", {}))),
        ("left out", _counts(message.get("left_out", {}))),
        ("vertices", _range(message.get("vertices", {}))),
        ("triangles", _range(message.get("triangles", {}))),
        ("pictures", _counts(message.get("pictures", {}))),
        (
            "maps",
            f"{message['size']} x {message['size']} pixels, {disk(message['bytes'])}" if "size" in message else "",
        ),
        ("nose rows", f"{nose['order']}, first side {nose['first_side']}; median misfit:" if nose else ""),
        *(("", f"{misfit:6.2f} mm as {order}") for order, misfit in nose.get("median_misfit_mm", {}).items()),
        ("misfit, mm", _range(message["misfit_mm"]) if "misfit_mm" in message else "not recorded"),
        *(("", line) for line in _chart(message.get("misfits", {}))),
        *(("refused", f"{one['scans']:5} {one['reason']}") for one in message["reasons"]),
    ]
    return [_HEADING, *(f"{name:13}{text}".rstrip() for name, text in rows if text)]


def _files(directory: Path, options: Mapping[str, Any]) -> ScanSource:
    """The dataset whose files are in a folder: the first source, by name, that finds scans in it."""
    if options:
        return opened("folder", directory, options, ())
    faults = []
    for name, kind in sources().load()[0].items():
        if any(options_of(kind).values()):
            continue
        try:
            source = open_source(name, directory)
            source.ids()
        except UserError as error:
            faults.append(str(error))
        else:
            return source
    raise UserError(f"{directory}: no prepared dataset (it has no {INFO}), and no files of one: {'; '.join(faults)}")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def _range(values: Mapping[str, float]) -> str:
    if not values:
        return ""
    least, low, median, high, most = (f"{values[name]:g}" for name in ("least", "p5", "median", "p95", "most"))
    return least if least == most else f"{least} to {most}, median {median}, 5th to 95th percentile {low} to {high}"


def _chart(misfits: Mapping[str, int]) -> list[str]:
    """Histogram of misfits, a bar for each millimetre."""
    most = max(misfits.values(), default=0)
    return [f"{name:>11} {count:6} {'#' * -(-_BAR * count // most)}" for name, count in misfits.items()]
