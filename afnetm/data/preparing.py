"""Preparing: every scan of a source rendered, in parallel, into a dataset that is there whole or not at all.

Scans are rendered in chunks, each a file beside the dataset that appears under its name when it is complete. Killed at
any moment, the next call goes on with the chunks that are there. The bytes do not depend on the number of workers.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from afnetm.data.chunks import merge_chunks, render_chunk
from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.dataset_files import ARRAYS, FORMAT_VERSION
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.processes import in_processes
from afnetm.data.rendering import SIZES
from afnetm.data.scan import ScanSource
from afnetm.errors import UserError
from afnetm.unwritten import why_unwritten

#: Scans a chunk: what a kill costs each worker, and a step of the progress bar.
CHUNK = 8


def disk_need(*, scans: int, size: int) -> int:
    """Bytes of disk to make a dataset: its maps twice, in chunks and together. Afterwards half of it is free again."""
    pixel = sum(channels * np.dtype(kind).itemsize for channels, kind in ARRAYS.values())
    return 2 * scans * (size * size * pixel + 4096)


def prepare_dataset(
    directory: Path,
    source: ScanSource,
    *,
    size: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> FaceDataset:
    """Make the dataset of `source` in `directory`; its name is the folder's.

    A scan that cannot be rendered is left out and listed in ``rejected.csv``; the dataset says how many.

    Args:
        directory: a folder that does not exist yet.
        source: where scans come from; picklable if there are several workers.
        size: pixels along a side of the maps.
        workers: processes; 1 renders in this one.
        progress: called with the number of scans done and in all, first with what an earlier call had done.

    Raises:
        UserError: `directory` exists or is being made by another process, `size` or `workers` are out of range, there
            is too little disk or none that can be written, or no scan can be rendered.
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
                raise UserError(f"dataset {directory.name}: {directory} exists already")
            _prepare(directory, source, size=size, workers=workers, progress=progress or (lambda done, total: None))
            lock.unlink()  # whoever waits for it now finds the dataset
    except Timeout:
        raise UserError(f"dataset {directory.name}: another process is making it") from None
    except Exception as error:
        why = why_unwritten(error)
        if why is None:
            raise
        raise UserError(f"dataset {directory.name}: {directory.parent} cannot be written: {why}") from None
    return open_dataset(directory)


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
        raise UserError(f"dataset {directory.name}: {need / 1e6:.0f} MB of disk are needed, {free / 1e6:.0f} are free")

    done = total - sum(map(len, todo.values()))
    progress(done, total)
    tasks = [(path, source, scans, size) for path, scans in todo.items()]
    for finished in in_processes(render_chunk, tasks, workers=workers):
        done += finished
        progress(done, total)
    try:
        complete = merge_chunks(partial / "complete", list(chunks), source, name=directory.name, size=size)
    except UserError:
        shutil.rmtree(partial)  # what the source lacks may be mended before the next call
        raise
    complete.rename(directory)
    shutil.rmtree(partial)


def _plan(partial: Path, source: ScanSource, *, size: int) -> dict[Path, list[str]]:
    """The chunks' files with their scans. Those of an earlier call are kept only if it planned just the same."""
    ids = list(source.ids())
    if not ids or len(set(ids)) < len(ids):
        raise UserError(
            f"source: {len(ids)} scans with {len(set(ids))} different ids (allowed: 1 or more, all different)"
        )
    versions = {"format_version": FORMAT_VERSION, "rendering": RENDERING_VERSION}
    plan = json.dumps({**versions, "size": size, "source": source.describe(), "ids": ids, "chunk": CHUNK})
    record = partial / "plan.json"
    if not record.exists() or record.read_text(encoding="utf-8") != plan:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "chunks").mkdir(parents=True)
        record.write_text(plan, encoding="utf-8")
    return {
        partial / "chunks" / f"{start // CHUNK:05d}.safetensors": ids[start : start + CHUNK]
        for start in range(0, len(ids), CHUNK)
    }
