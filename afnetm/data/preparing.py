"""Preparing: every scan of a source rendered, in parallel, into a dataset that is there whole or not at all.

Workers write each scan's maps into its row of preallocated arrays; a record beside them, one line per scan, says which
rows are finished. Killed at any moment, the next call resumes after the last of them. The bytes do not depend on the
number of workers.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import pandas as pd
from filelock import FileLock, Timeout
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.dataset_files import (
    COLUMNS,
    FORMAT_VERSION,
    MEASURES,
    create_maps,
    cut_maps,
    in_order,
    read_maps,
    scan_bytes,
    write_dataset,
    write_maps,
)
from afnetm.data.face_models import face_models
from afnetm.data.making import Entry, Making, render_scan
from afnetm.data.maps import RENDERING_VERSION, RenderedMaps
from afnetm.data.rendering import SIZES
from afnetm.data.scan import PoseSource
from afnetm.data.scan_source import ScanSource
from afnetm.errors import UserError
from afnetm.unwritten import why_unwritten
from afnetm.workers import in_processes

#: Scans per task: what a kill costs each worker, and a step of the progress bar.
CHUNK = 8
Progress = Callable[[int, int], None]


class NothingRenderedError(UserError):
    """Of a whole source no scan can be rendered."""


def disk_need(*, scans: int, size: int, detected: bool = False) -> int:
    """Bytes of disk that a dataset takes, also while it is made."""
    return scans * (scan_bytes(size, detected=detected) + 4096)


def prepare_dataset(
    directory: Path,
    source: ScanSource,
    *,
    size: int,
    workers: int,
    pose: PoseSource = "annotated",
    detect: bool = False,
    progress: Progress | None = None,
) -> FaceDataset:
    """Make the dataset of `source` in `directory`; its name is the folder's.

    A scan that cannot be rendered is left out and listed in ``rejected.csv``; the dataset says how many.

    Args:
        directory: a folder that does not exist yet.
        source: where scans come from; picklable if there are several workers.
        size: pixels along a side of the maps.
        workers: processes; 1 renders in this one.
        pose, detect: as `Making` has them.
        progress: called with the number of scans done and in all, first with what an earlier call had done.

    Raises:
        UserError: `directory` exists or is being made by another process, `size`, `workers` or `pose` are out of range,
            there is too little disk or none that can be written, no scan can be rendered, or landmarks are to be
            detected and what detects them is not installed.
    """
    making = Making(size=size, pose=pose, detect=detect)
    if pose not in get_args(PoseSource):
        raise UserError(f"pose: {pose!r} (allowed: {' or '.join(map(repr, get_args(PoseSource)))})")
    if making.detects:
        face_models()  # refuses where they are not installed
    if workers < 1:
        raise UserError(f"workers: {workers} (allowed: 1 or more)")
    if size not in SIZES:
        raise UserError(f"size: {size} pixels (allowed: {SIZES.start} to {SIZES.stop - 1})")
    lock = directory.with_name(f".{directory.name}.lock")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            if directory.exists():
                raise UserError(f"dataset {directory.name}: {directory} exists already")
            _prepare(directory, source, making, workers=workers, progress=progress or (lambda done, total: None))
            lock.unlink()  # whoever waits for it now finds the dataset
    except Timeout:
        raise UserError(f"dataset {directory.name}: another process is making it") from None
    except Exception as error:
        why = why_unwritten(error)
        if why is None:
            raise
        raise UserError(f"dataset {directory.name}: {directory.parent} cannot be written: {why}") from None
    return open_dataset(directory)


def survey(
    source: ScanSource, *, workers: int, progress: Progress = lambda done, total: None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads and renders every scan of `source` as for a dataset, without writing anything.

    Returns:
        The table of the scans that can be used, and id and reason of the others. Both are as in a dataset, but for the
        digests of the maps, which are made as small as they can be.
    """
    if workers < 1:
        raise UserError(f"workers: {workers} (allowed: 1 or more)")
    ids = list(source.ids())
    source.describe()  # what it has to look at once is then known to every worker
    entries: dict[str, Entry] = {}
    progress(0, len(ids))
    tasks = [(source, ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]
    for found in in_processes(_look, tasks, workers=workers):
        entries |= {entry["id"]: entry for entry in found}
        progress(len(entries), len(ids))
    return _tables([entries[scan_id] for scan_id in ids])


def _prepare(directory: Path, source: ScanSource, making: Making, *, workers: int, progress: Progress) -> None:
    size, detected = making.size, making.detects
    partial = directory.with_name(f".{directory.name}.partial")
    record, folder = partial / "record.jsonl", partial / "dataset"
    ids = list(source.ids())
    if not ids or len(set(ids)) < len(ids):
        raise UserError(
            f"source: {len(ids)} scans with {len(set(ids))} different ids (allowed: 1 or more, all different)"
        )
    versions = {"format_version": FORMAT_VERSION, "rendering": RENDERING_VERSION}
    how = {"size": size, "pose": making.pose, "detector": making.detector}
    plan = json.dumps({**versions, **how, "source": source.describe(), "ids": ids})
    entries = _finished(record, plan)
    if entries is None:
        shutil.rmtree(partial, ignore_errors=True)
        folder.mkdir(parents=True)
        create_maps(folder, scans=len(ids), size=size, detected=detected)
        record.write_text(plan + "\n", encoding="utf-8")
        entries = {}
    todo = [(row, scan_id) for row, scan_id in enumerate(ids) if scan_id not in entries]
    need, free = disk_need(scans=len(todo), size=size, detected=detected), shutil.disk_usage(partial).free
    if need > free:
        raise UserError(f"dataset {directory.name}: {need / 1e6:.0f} MB of disk are needed, {free / 1e6:.0f} are free")

    with record.open("a", encoding="utf-8", buffering=1) as lines:

        def note(entry: Entry) -> None:
            entries[entry["id"]] = entry
            lines.write(json.dumps(entry) + "\n")

        progress(len(entries), len(ids))
        tasks = [(folder, source, making, todo[start : start + CHUNK]) for start in range(0, len(todo), CHUNK)]
        for found in in_processes(_render_rows, tasks, workers=workers):
            for entry in found:
                note(entry)
            progress(len(entries), len(ids))
        kept = [entries[scan_id] for scan_id in ids if "row" in entries[scan_id]]
        if kept and kept[-1]["at"] >= len(kept):
            _close_gaps(folder, kept, note, scans=len(ids), making=making)
    table, rejected = _tables([entries[scan_id] for scan_id in ids])
    if table.empty:
        shutil.rmtree(partial)  # what the source lacks may be mended before the next call
        first = rejected["reason"].iloc[0]
        raise NothingRenderedError(
            f"dataset {directory.name}: none of {len(rejected)} scans can be rendered; first {first}"
        )
    cut_maps(folder, scans=len(table), size=size, detected=detected)
    write_dataset(
        folder,
        table,
        name=directory.name,
        size=size,
        rendering=RENDERING_VERSION,
        shareable=source.shareable,
        source=source.describe(),
        rejected=rejected,
        pose=making.pose_of(table),
        detector=making.detector_of(table),
    )
    folder.rename(directory)
    shutil.rmtree(partial)


def _finished(record: Path, plan: str) -> dict[str, Entry] | None:
    """Notes of an earlier call; None if there was none, or it planned something else."""
    if not record.exists():
        return None
    content = record.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]  # killed while it wrote, a line is not
    first, *lines = whole.decode("utf-8").splitlines() or [""]
    if first != plan:
        return None
    os.truncate(record, len(whole))
    return {entry["id"]: entry for entry in map(json.loads, lines)}  # of two the later: its maps were moved


def _close_gaps(
    folder: Path, kept: Sequence[Entry], note: Callable[[Entry], None], *, scans: int, making: Making
) -> None:
    """Moves maps to the rows of scans that were rejected, one after the other upwards; each move is noted.

    Killed in between, the move that is not noted is made again: its maps are still where they were.
    """
    arrays = read_maps(folder, scans=scans, size=making.size, detected=making.detects)
    for row, entry in enumerate(kept):
        if entry["at"] != row:
            write_maps(folder, row, RenderedMaps(**{name: array[entry["at"]] for name, array in arrays.items()}))
            note(entry | {"at": row})


def _render_rows(folder: Path, source: ScanSource, making: Making, scans: Sequence[tuple[int, str]]) -> list[Entry]:
    """Renders scans and writes the maps of each into its row; what became of them."""
    entries = []
    with threadpool_limits(1):  # workers share the cores as processes
        for row, scan_id in scans:
            entry, maps = render_scan(source, scan_id, making)
            if maps is not None:
                write_maps(folder, row, maps)
            entries.append(entry | {"at": row})
    return entries


def _look(source: ScanSource, ids: Sequence[str]) -> list[Entry]:
    with threadpool_limits(1):
        return [render_scan(source, scan_id, Making(size=SIZES.start))[0] for scan_id in ids]


def _tables(entries: Sequence[Entry]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A dataset's table, its columns in order, and the rejected scans with their reasons."""
    rows = [entry["row"] for entry in entries if "row" in entry]
    rejected = [entry for entry in entries if "reason" in entry]
    table = in_order(pd.DataFrame(rows, columns=None if rows else [*COLUMNS, *MEASURES]))
    return table, pd.DataFrame(rejected, columns=["id", "reason"])
