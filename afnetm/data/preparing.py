"""Preparing: every scan of a source rendered, in parallel, into a dataset that is there whole or not at all.

Workers write each scan's maps into its row of preallocated arrays; a record beside them, one line per scan, says which
rows are finished. Killed at any moment, the next call resumes after the last of them. The bytes do not depend on the
number of workers.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.blame import error_message
from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.dataset_files import (
    COLUMNS,
    DETECTED_SHA256,
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
from afnetm.data.landmarker import LANDMARKER_VERSION, find_landmarks
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import RENDERING_VERSION, RenderedMaps, detected_sha256, maps_sha256, regions_in
from afnetm.data.pose import fit_pose
from afnetm.data.rendering import SIZES, render
from afnetm.data.scan import CLASS_NAME, PoseSource, Scan
from afnetm.data.scan_source import ScanSource
from afnetm.errors import UserError
from afnetm.unwritten import why_unwritten
from afnetm.workers import in_processes

#: Scans per task: what a kill costs each worker, and a step of the progress bar.
CHUNK = 8
#: What became of a scan: its ``id``, and its ``row`` of the table or the ``reason`` why it was rejected; in a record
#: also ``at``, where its maps are in the arrays.
Entry = dict[str, Any]
Progress = Callable[[int, int], None]


class NothingRenderedError(UserError):
    """Of a whole source no scan can be rendered."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """Settings by which the scans of a source are made into maps.

    Attributes:
        size: pixels along a side.
        pose: which landmarks the pose fit is given: those that come with the scans, or those detected in them. In the
            latter case a scan in which no face is found is left out.
        detect: whether landmarks are detected in the scans (`afnetm.data.landmarker`, which must be installed).
    """

    size: int
    pose: PoseSource = "annotated"
    detect: bool = False

    @property
    def detects(self) -> bool:
        """Whether anything is detected."""
        return self.detect or self.pose == "detected"

    @property
    def detector(self) -> str:
        """Name and version of the landmarker; empty where nothing is detected."""
        return f"face landmarker {LANDMARKER_VERSION}" if self.detects else ""


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
        pose=making.pose,
        detector=making.detector,
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


def render_scan(source: ScanSource, scan_id: str, making: Making) -> tuple[Entry, RenderedMaps | None]:
    """Its row of the table, or the reason why it is rejected, and its maps; whatever a plug-in raises is a reason."""
    try:
        scan = _load(source, scan_id)
        _check_labels(scan, scan_id)
        found = _detected(scan, needed=making.pose == "detected") if making.detects else None
        posed = scan
        if making.pose == "detected" and found is not None:
            posed = replace(scan, landmarks=found, landmark_names=LANDMARKS_83)
        pose = fit_pose(posed)
        maps = render(scan, size=making.size, pose=pose, found=found)
    except UserError as error:
        return {"id": scan_id, "reason": str(error)}, None
    row = {"id": scan.id, "subject": scan.subject, "expression": scan.expression, "intensity": scan.intensity}
    row |= {"source": scan.source, "regions": regions_in(maps.planes), "sha256": maps_sha256(maps)}
    if maps.detected_planes is not None and maps.detected_landmarks is not None:
        row[DETECTED_SHA256] = detected_sha256(maps.detected_planes, maps.detected_landmarks)
    height, width, _ = scan.texture.shape
    measures = (round(pose.misfit, 3), len(scan.vertices), len(scan.faces), width, height, len(scan.landmarks))
    row |= dict(zip(MEASURES, measures, strict=True))
    row |= {f"nuisance_{name}": level for name, level in scan.nuisance.items()}
    return {"id": scan_id, "row": row}, maps


def _detected(scan: Scan, *, needed: bool) -> NDArray[np.float32]:
    """The landmarks ``(83, 3)`` found in `scan`; NaN where there are none, unless they are `needed`."""
    try:
        return find_landmarks(scan).landmarks
    except UserError:
        if needed:
            raise
        return np.full((len(LANDMARKS_83), 3), np.nan, np.float32)


def _load(source: ScanSource, scan_id: str) -> Scan:
    try:
        return source.load(scan_id)
    except UserError:
        raise
    except Exception as error:
        module = type(source).__module__
        if module.partition(".")[0] == "afnetm":
            raise  # a fault of this project keeps its traceback
        raise UserError(f"scan {scan_id}: {error_message(error, module)}") from error


def _check_labels(scan: Scan, scan_id: str) -> None:
    if scan.id != scan_id:
        raise UserError(f"scan {scan_id}: its source calls it {scan.id!r} (allowed: the requested id)")
    if not scan.subject or not scan.subject.isprintable():
        raise UserError(f"scan {scan_id}: subject {scan.subject!r} (allowed: printable text)")
    if not CLASS_NAME.fullmatch(scan.expression):
        raise UserError(
            f"scan {scan_id}: expression {scan.expression[:60]!r} (allowed: a letter, then letters, digits, '-' and "
            f"'_', in lower case, up to 40)"
        )
    if scan.intensity not in range(5):
        raise UserError(f"scan {scan_id}: intensity {scan.intensity!r} (allowed: 1 to 4, 0 where unknown)")


def _tables(entries: Sequence[Entry]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A dataset's table, its columns in order, and the rejected scans with their reasons."""
    rows = [entry["row"] for entry in entries if "row" in entry]
    rejected = [entry for entry in entries if "reason" in entry]
    table = in_order(pd.DataFrame(rows, columns=None if rows else [*COLUMNS, *MEASURES]))
    return table, pd.DataFrame(rejected, columns=["id", "reason"])
