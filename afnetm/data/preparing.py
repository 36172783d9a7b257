"""Preparing: every scan of a source rendered, in parallel, into a cohort that is there whole or not at all.

Scans are rendered in chunks, each a file beside the cohort that appears under its name when it is complete. Killed at
any moment, the next call goes on with the chunks that are there. The bytes do not depend on the number of workers.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.data.cohort import (
    ARRAYS,
    CARD,
    COLUMNS,
    CONSTANTS,
    FORMAT_VERSION,
    MAPS,
    REJECTED,
    TABLE,
    Cohort,
    file_sha256,
    open_cohort,
    summary,
)
from afnetm.data.fingerprint import cohort_fingerprint, maps_sha256
from afnetm.data.maps import Maps
from afnetm.data.rendering import SIZES, render
from afnetm.data.scan import ScanSource
from afnetm.errors import UserError

#: Scans a chunk: what a kill costs each worker, and a step of the progress bar.
CHUNK = 8


def disk_need(*, scans: int, size: int) -> int:
    """Bytes of disk to make a cohort: its maps twice, in chunks and together. Afterwards half of it is free again."""
    pixel = sum(channels * np.dtype(kind).itemsize for channels, kind in ARRAYS.values())
    return 2 * scans * (size * size * pixel + 4096)


def prepare_cohort(
    directory: Path,
    source: ScanSource,
    *,
    size: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Make the cohort of `source` in `directory`; its name is the folder's.

    A scan that cannot be rendered is left out and listed in ``rejected.csv``.

    Args:
        directory: a folder that does not exist yet.
        source: where scans come from; picklable if there are several workers.
        size: pixels along a side of the maps.
        workers: processes; 1 renders in this one.
        progress: called with the number of scans done and in all, first with what an earlier call had done.

    Raises:
        UserError: `directory` exists or is being made by another process, `size` or `workers` are out of range, there
            is too little disk, or no scan can be rendered.
    """
    if workers < 1:
        raise UserError(f"workers: {workers} (allowed: 1 or more)")
    if size not in SIZES:
        raise UserError(f"size: {size} pixels (allowed: {SIZES.start} to {SIZES.stop - 1})")
    lock = directory.with_name(f".{directory.name}.lock")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            if directory.exists():
                raise UserError(f"cohort {directory.name}: {directory} exists already")
            _prepare(directory, source, size=size, workers=workers, progress=progress or (lambda done, total: None))
            lock.unlink()  # whoever waits for it now finds the cohort
    except Timeout:
        raise UserError(f"cohort {directory.name}: another process is making it") from None
    except PermissionError as error:
        raise UserError(f"cohort {directory.name}: {error.filename} cannot be written ({error.strerror})") from None
    return open_cohort(directory)


def _prepare(
    directory: Path, source: ScanSource, *, size: int, workers: int, progress: Callable[[int, int], None]
) -> None:
    partial = directory.with_name(f".{directory.name}.partial")
    chunks = _plan(partial, source, size=size)
    todo = {path: scans for path, scans in chunks.items() if not path.exists()}
    total = sum(map(len, chunks.values()))
    need = disk_need(scans=total, size=size) - sum(path.stat().st_size for path in chunks if path.exists())
    free = shutil.disk_usage(partial).free
    if need > free:
        raise UserError(f"cohort {directory.name}: {need / 1e6:.0f} MB of disk are needed, {free / 1e6:.0f} are free")

    done = total - sum(map(len, todo.values()))
    progress(done, total)
    for finished in _render_chunks(todo, source, size=size, workers=workers):
        done += finished
        progress(done, total)
    complete = _merge(partial / "complete", list(chunks), source, name=directory.name, size=size)
    complete.rename(directory)
    shutil.rmtree(partial)


def _plan(partial: Path, source: ScanSource, *, size: int) -> dict[Path, list[str]]:
    """The chunks' files with their scans. Those of an earlier call are kept only if it planned just the same."""
    ids = list(source.ids())
    if not ids or len(set(ids)) < len(ids):
        raise UserError(
            f"source: {len(ids)} scans with {len(set(ids))} different ids (allowed: 1 or more, all different)"
        )
    plan = json.dumps({"format_version": FORMAT_VERSION, "size": size, "source": source.describe(), "ids": ids})
    record = partial / "plan.json"
    if not record.exists() or record.read_text(encoding="utf-8") != plan:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "chunks").mkdir(parents=True)
        record.write_text(plan, encoding="utf-8")
    return {
        partial / "chunks" / f"{start // CHUNK:05d}.safetensors": ids[start : start + CHUNK]
        for start in range(0, len(ids), CHUNK)
    }


def _render_chunks(todo: dict[Path, list[str]], source: ScanSource, *, size: int, workers: int) -> Iterator[int]:
    """Render the chunks, yielding each one's number of scans as it is done."""
    if workers == 1:
        yield from (_render_chunk(path, source, scans, size) for path, scans in todo.items())
        return
    pool = ProcessPoolExecutor(min(workers, len(todo) or 1), mp_context=get_context("spawn"))
    try:
        for future in as_completed([pool.submit(_render_chunk, path, source, ids, size) for path, ids in todo.items()]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _render_chunk(path: Path, source: ScanSource, ids: list[str], size: int) -> int:
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, str]] = []
    rendered: list[Maps] = []
    with threadpool_limits(1):  # workers share the cores as processes
        for scan_id in ids:
            try:
                scan = source.load(scan_id)
                maps = render(scan, size=size)
            except UserError as error:
                rejected.append({"id": scan_id, "reason": str(error)})
                continue
            row = {"id": scan.id, "subject": scan.subject, "expression": scan.expression, "intensity": scan.intensity}
            row |= {"source": scan.source, "sha256": maps_sha256(maps)}
            rows.append(row | {f"nuisance_{name}": level for name, level in scan.nuisance.items()})
            rendered.append(maps)
    arrays = {
        name: np.array([getattr(maps, name) for maps in rendered], kind).reshape(-1, channels, size, size)
        for name, (channels, kind) in ARRAYS.items()
    }
    unfinished = path.with_suffix(".unfinished")
    save_file(arrays, unfinished, metadata={"rows": json.dumps(rows), "rejected": json.dumps(rejected)})
    unfinished.replace(path)
    return len(ids)


def _merge(target: Path, chunks: list[Path], source: ScanSource, *, name: str, size: int) -> Path:
    """Write the cohort that the chunks make up into `target`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, str]] = []
    for path in chunks:
        with safe_open(path, framework="numpy") as file:
            rows += json.loads(file.metadata()["rows"])
            rejected += json.loads(file.metadata()["rejected"])
    if not rows:
        raise UserError(f"cohort {name}: none of {len(rejected)} scans can be rendered; first {rejected[0]['reason']}")
    arrays = {key: np.empty((len(rows), depth, size, size), kind) for key, (depth, kind) in ARRAYS.items()}
    start = 0
    for path in chunks:
        part = load_file(path)
        stop = start + len(part["depth"])
        for key, values in part.items():
            arrays[key][start:stop] = values
        start = stop
    save_file(arrays, target / MAPS)

    table = pd.DataFrame(rows)
    table = table[[*COLUMNS, *sorted(set(table.columns) - set(COLUMNS))]]
    table.to_csv(target / TABLE, index=False, lineterminator="\n")
    pd.DataFrame(rejected, columns=["id", "reason"]).to_csv(target / REJECTED, index=False, lineterminator="\n")
    content = {
        "format_version": FORMAT_VERSION,
        "name": name,
        **summary(table),
        "rejected": len(rejected),
        "size": size,
        "fingerprint": cohort_fingerprint(table, size=size, format_version=FORMAT_VERSION),
        "shareable": source.shareable,
        "source": source.describe(),
        **CONSTANTS,
        "files": {file: file_sha256(target / file) for file in (TABLE, REJECTED)},
    }
    (target / CARD).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return target
