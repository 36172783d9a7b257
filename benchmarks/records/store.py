"""The store: records of finished runs on disk. A record that is there is whole; nothing else counts as done."""

import hashlib
import io
import json
import os
import re
import shutil
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from safetensors.numpy import save

from afnetm.errors import UserError
from afnetm.zipped import BROKEN, WEIGHTS_SHA256, Folder, packed_runs, run_files, runs_in, write_archive
from benchmarks.records import index
from benchmarks.records.home import Home, replace, unique, write_text
from benchmarks.records.index import Summary, packed_keys, summaries

#: So many numbers a scan may be a picture, if a small one.
PICTURE = 16 * 16
#: Called with how many are done, and of how many.
Progress = Callable[[int, int], None]
#: A record's folder as it is called in the folder `Home.runs` itself in homes of before.
_EARLIER = re.compile("[0-9a-f]{20}")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Grad-CAM of a few test scans, ``n`` of them; ``gradcam.safetensors`` holds the maps by name and the rows.

    Attributes:
        rows: ``(n,)`` int64, the scans as rows of the predictions.
        maps: by stream, ``(n, h, w)`` float32 in 0..1.
    """

    rows: NDArray[np.int64]
    maps: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Record:
    """Record of a finished run.

    Attributes:
        result: what `result.json` holds: the run's fields, scores, costs, versions.
        predictions: a row a test scan: scan, subject, expression, intensity, predicted, p_anger ... p_surprise.
        curves: a row an epoch: epoch, loss, accuracy, learning_rate.
        auxiliary_outputs: arrays whose first axis goes along `predictions`, by name.
        gradcam: where the evidence for the predicted class is, of a few test scans; None where there is none.
        weights: the trained network's state, where it is kept.
    """

    result: Mapping[str, Any]
    predictions: pd.DataFrame
    curves: pd.DataFrame
    auxiliary_outputs: Mapping[str, NDArray[np.float32]]
    gradcam: Evidence | None = None
    weights: Mapping[str, NDArray[Any]] | None = None


class Store:
    """Records under a home: a run that is done is a folder ``runs/ab/KEY/``, or one in an archive in ``packed/``.

    ``failures/KEY.json`` is for what failed last time. A run that is a folder and packed is the same run twice, of
    which the folder counts: a `pack` that was killed leaves it so. In a home of before there were 256 folders in
    ``runs/``, a record is ``runs/KEY/``: it is read there, and moved by the next `sweep`.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._failures = home.failures
        self._packed: ChainMap[str, Folder] = ChainMap()

    def folder(self, key: str) -> Folder:
        """Folder of the record of run `key`, on disk or in an archive, whether it exists or not."""
        for folder in self._places(key):
            if folder.is_dir():
                return folder
        if key not in self._packed:
            self._look()
        return self._packed.get(key, self._home.run(key))

    def _places(self, key: str) -> list[Path]:
        """Places of the folder of run `key`, that of today last: it may be moved there meanwhile."""
        return [*([self._home.runs / key] if _EARLIER.fullmatch(key) else []), self._home.run(key)]

    def done(self) -> set[str]:
        """Keys of all finished runs."""
        before = self.unpacked()
        packed = packed_keys(self._home)
        # Again after: what was packed or unpacked meanwhile is in one of them.
        return before.union(packed, self.unpacked() if packed else ())

    def unpacked(self) -> set[str]:
        """Keys of the finished runs that are folders."""
        return {entry.name for entry in self._folders()}

    def _folders(self) -> Iterator[os.DirEntry[str]]:
        """Folders of finished runs that are not packed."""
        for entry in _entries(self._home.runs):
            if _EARLIER.fullmatch(entry.name):
                yield entry
            else:
                yield from _entries(entry.path)

    def summaries(self) -> dict[str, Summary]:
        """Of all finished runs, by key, what is known of them together (`benchmarks.records.index`)."""
        return summaries(self._home, self._folders())

    def size(self, keys: Iterable[str]) -> int:
        """Bytes that the records of `keys` take."""
        known = self.summaries()
        return sum(known[key].size for key in keys if key in known)

    def has(self, key: str) -> bool:
        """Whether run `key` is a folder by now: what is packed was so before any driver began."""
        return any(folder.is_dir() for folder in self._places(key))

    def unreadable(self) -> list[str]:
        """Of the archives that cannot be read, why; what is in them is not done for any suite."""
        found: list[str] = []
        packed_keys(self._home, found.append)
        return found

    def _look(self) -> None:
        self._packed = ChainMap(*(runs for _, runs in packed_runs(self._home.packed)))

    def failed(self) -> set[str]:
        """Keys of all runs that failed when last tried."""
        names = (entry.name for entry in _entries(self._failures))
        return {name.removesuffix(".json") for name in names if name.endswith(".json")}

    def write(self, key: str, record: Record) -> None:
        """Writes a record elsewhere and renames it into place; a record that is already there stays."""
        self.write_files(key, files_of(record))

    def write_files(self, key: str, files: Mapping[str, bytes]) -> None:
        """Writes the files of a record (`files_of`), which another process may have made, in the same way."""
        folder = self._home.run(key)
        for again in (True, False):
            self._home.unfinished.mkdir(parents=True, exist_ok=True)
            beside = self._home.unfinished / f"{key}.{unique()}"
            try:
                _write(files, beside)
                for path in [*beside.iterdir(), beside]:
                    to_disk(path)
                folder.parent.mkdir(parents=True, exist_ok=True)
                replace(beside, folder)
                break
            except OSError:
                if folder.is_dir():
                    break
                # Where it is gone, another process took this one for dead and swept it away (`sweep`).
                if beside.exists() or not again:
                    raise
            finally:  # where it could not be written, on a full disk, say, what there is of it is in the way
                shutil.rmtree(beside, ignore_errors=True)
        self._forget_failure(key)

    def copy(self, key: str, source: Folder) -> None:
        """Copies the record of run `key` from the folder of another store, or of an archive, in the same way."""
        self.write_files(key, {file.name: read_file(file) for file in run_files(source)})

    def write_failure(self, key: str, reason: str, text: str = "") -> None:
        """Records why run `key` failed, in one line and in a text with the traceback; the next run tries it again."""
        self.failure_text(key).unlink(missing_ok=True)  # of an earlier failure
        if text:
            write_text(self.failure_text(key), text)
        write_text(self._failures / f"{key}.json", json.dumps({"reason": reason}, indent=1))

    def failure_time(self, key: str) -> int | None:
        """Time of the failure of run `key`, in nanoseconds by the file server's clock; None without one."""
        try:
            return (self._failures / f"{key}.json").stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def failure_text(self, key: str) -> Path:
        """File of the text with the traceback of a failed run, whether it exists or not."""
        return self._failures / f"{key}.txt"

    def result(self, key: str) -> dict[str, Any]:
        """``result.json`` of a finished run."""
        file = self.folder(key) / "result.json"
        try:
            result: dict[str, Any] = json.loads(read_file(file))
        except (ValueError, RecursionError) as error:
            raise damaged(file, error) from error
        return result

    def predictions(self, key: str) -> pa.Table:
        """``predictions.parquet`` of a finished run; as an Arrow table, which takes a third of a frame's time."""
        content = io.BytesIO(read_file(self.folder(key) / "predictions.parquet"))
        return pa.parquet.ParquetFile(content).read(use_threads=False)

    def curves(self, key: str) -> pa.Table:
        """``curves.csv`` of a finished run."""
        content = io.BytesIO(read_file(self.folder(key) / "curves.csv"))
        return pa.csv.read_csv(content, pa.csv.ReadOptions(use_threads=False))

    def reason(self, key: str) -> str:
        """Reason of the failure of run `key`, in one line."""
        reason: str = json.loads((self._failures / f"{key}.json").read_text())["reason"]
        return reason

    def forget(self, keys: Iterable[str]) -> None:
        """Deletes records and failures; each record is gone at once or not at all, packed ones of a suite together."""
        gone = set(keys)
        for key in gone:
            self._forget_failure(key)
        for path, runs in packed_runs(self._home.packed):
            if gone & runs.keys():
                self.write_packed(path.stem, {key: folder for key, folder in runs.items() if key not in gone})
        for key in gone:
            self.delete_folder(key)
        index.forget(self._home, gone)

    def delete_folder(self, key: str) -> None:
        """Deletes the folder of a record, by a rename: at once. One that is packed, too, stays there."""
        for folder in self._places(key):
            if folder.is_dir():
                self._home.unfinished.mkdir(exist_ok=True)
                gone = self._home.unfinished / f"{key}.{unique()}"
                replace(folder, gone)
                shutil.rmtree(gone)

    def write_packed(self, suite: str, runs: Mapping[str, Folder], progress: Progress | None = None) -> None:
        """Has the archive of a suite hold these records and no others; deletes it where there are none.

        It is written beside, read back, compared with what it was made of, and renamed into place.

        Raises:
            UserError: one of them cannot be read, or the archive cannot be written.
        """
        path, manifest = self._home.packed / f"{suite}.zip", self._home.suites / f"{suite}.json"
        if not runs:
            path.unlink(missing_ok=True)
            return

        def members() -> Iterator[tuple[str, bytes]]:
            for number, (key, folder) in enumerate(sorted(runs.items())):
                yield from ((f"runs/{key}/{file.name}", read_file(file)) for file in run_files(folder))
                if progress:
                    progress(number + 1, len(runs))
            if manifest.is_file():
                yield f"suites/{suite}.json", manifest.read_bytes()

        path.parent.mkdir(exist_ok=True)
        beside = path.with_name(f".{path.name}.{unique()}")
        try:
            write_archive(beside, members())
            written = runs_in(beside)
            for key, folder in runs.items():
                if not same_files(folder, written[key]):
                    raise UserError(f"archive '{beside}': run {key} does not read back as it was written")
            replace(beside, path)
            to_disk(path.parent)
        finally:
            beside.unlink(missing_ok=True)

    def _forget_failure(self, key: str) -> None:
        for path in (self._failures / f"{key}.json", self.failure_text(key)):
            path.unlink(missing_ok=True)

    def sweep(self, taken: Callable[[], Collection[str]] = lambda: ()) -> None:
        """Deletes what killed processes left half-written, and moves what is where it was in homes of before.

        Args:
            taken: gives the keys of the runs that other processes are at work on, whose folders stay; none where
                nobody else is at work in the home.
        """
        found = sorted(entry.name for entry in _entries(self._home.unfinished))
        # Asked for after: who begins to write has claimed the run before.
        spared = set(taken()) if found else set()
        for name in found:
            if name.partition(".")[0] not in spared:
                shutil.rmtree(self._home.unfinished / name, ignore_errors=True)
        for path in self._home.packed.glob(".*"):
            path.unlink(missing_ok=True)
        for key in [entry.name for entry in _entries(self._home.runs) if _EARLIER.fullmatch(entry.name)]:
            self._home.run(key).parent.mkdir(exist_ok=True)
            with suppress(OSError):  # it is in both places, or another driver moved it
                (self._home.runs / key).rename(self._home.run(key))

    @contextmanager
    def swept(self, taken: Callable[[], Collection[str]] = lambda: ()) -> Iterator[None]:
        """Swept before and after, see `sweep`."""
        try:
            self.sweep(taken)
            yield
        finally:
            self.sweep(taken)


class DamagedError(UserError, ValueError):
    """A file of a stored run that cannot be read; raised from what says why."""


def damaged(file: Folder, error: Exception) -> DamagedError:
    """The error that a file of a stored run is damaged, which names it and the way out."""
    why = f"{type(error).__name__}: {str(error)[:300]}"
    return DamagedError(f"{file}: {why}; delete the damaged run (afnetm forget) and run the suite again")


def read_file(file: Folder) -> bytes:
    """Content of a file of a stored run.

    Raises:
        DamagedError: it is damaged, in an archive.
    """
    try:
        return file.read_bytes()
    except BROKEN as error:
        raise damaged(file, error) from error


def same_files(one: Folder, other: Folder) -> bool:
    """Whether two folders have the same files of a stored run, none of them damaged."""
    try:
        found, others = ({file.name: file.read_bytes() for file in run_files(folder)} for folder in (one, other))
    except BROKEN:
        return False
    return found == others


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """Entries of a folder, but for what is hidden or half-written; none where it is none."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_of(record: Record) -> dict[str, bytes]:
    """The files of a record by their names; ``result.json`` is the last."""
    found = {
        "predictions.parquet": record.predictions.to_parquet(index=False),
        "curves.csv": record.curves.to_csv(index=False).encode(),
    }
    if record.auxiliary_outputs:
        found["auxiliary_outputs.safetensors"] = save(dict(record.auxiliary_outputs))
    if record.gradcam is not None:
        found["gradcam.safetensors"] = save({**record.gradcam.maps, "rows": record.gradcam.rows})
    result = record.result
    if record.weights is not None:
        found["weights.safetensors"] = weights = save(dict(record.weights))
        result = {**result, WEIGHTS_SHA256: hashlib.sha256(weights).hexdigest()}
    return found | {"result.json": json.dumps(result, indent=1, allow_nan=False).encode()}


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def to_disk(path: Path) -> None:
    """Has the disk hold a file, or the names in a folder, before anything else is done."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
