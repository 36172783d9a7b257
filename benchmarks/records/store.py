"""The store: records of finished runs on disk. A record that is there is whole; nothing else counts as done."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from safetensors.numpy import save_file

from benchmarks.records.home import Home, write_text

#: So many numbers a scan may be a picture, if a small one.
PICTURE = 16 * 16


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
    """Records under a home: ``runs/KEY/`` for what is done, ``failures/KEY.json`` for what failed last time."""

    def __init__(self, home: Home) -> None:
        self._runs = home.runs
        self._failures = home.failures

    def folder(self, key: str) -> Path:
        """Folder of the record of run `key`, whether it exists or not."""
        return self._runs / key

    def done(self) -> set[str]:
        """Keys of all finished runs."""
        return {name for name in _names(self._runs) if not name.startswith(".")}

    def failed(self) -> set[str]:
        """Keys of all runs that failed when last tried."""
        names = (name for name in _names(self._failures) if name.endswith(".json") and not name.startswith("."))
        return {name.removesuffix(".json") for name in names}

    def write(self, key: str, record: Record) -> None:
        """Writes a record beside and renames it into place; a record that is already there stays."""
        self._put(key, partial(_write, record))

    def copy(self, key: str, source: "Store") -> None:
        """Copies the record of run `key` from another store in the same way."""
        self._put(key, partial(shutil.copytree, source.folder(key)))

    def _put(self, key: str, fill: Callable[[Path], object]) -> None:
        """`fill` makes the folder that it is given and what is in it."""
        beside = self._runs / f".{key}.{os.getpid()}"
        shutil.rmtree(beside, ignore_errors=True)
        self._runs.mkdir(parents=True, exist_ok=True)
        try:
            fill(beside)
            for path in [*beside.iterdir(), beside]:
                _to_disk(path)
            try:
                beside.rename(self._runs / key)
            except OSError:
                if not (self._runs / key).is_dir():
                    raise
        finally:  # where it could not be written, on a full disk, say, what there is of it is in the way
            shutil.rmtree(beside, ignore_errors=True)
        self._forget_failure(key)

    def write_failure(self, key: str, reason: str, text: str = "") -> None:
        """Records why run `key` failed, in one line and in a text with the traceback; the next run tries it again."""
        self.failure_text(key).unlink(missing_ok=True)  # of an earlier failure
        if text:
            write_text(self.failure_text(key), text)
        write_text(self._failures / f"{key}.json", json.dumps({"reason": reason}, indent=1))

    def failure_text(self, key: str) -> Path:
        """File of the text with the traceback of a failed run, whether it exists or not."""
        return self._failures / f"{key}.txt"

    def result(self, key: str) -> dict[str, Any]:
        """``result.json`` of a finished run."""
        result: dict[str, Any] = json.loads((self.folder(key) / "result.json").read_text())
        return result

    def predictions(self, key: str) -> pa.Table:
        """``predictions.parquet`` of a finished run; as an Arrow table, which takes a third of a frame's time."""
        return pa.parquet.ParquetFile(self.folder(key) / "predictions.parquet").read(use_threads=False)

    def curves(self, key: str) -> pa.Table:
        """``curves.csv`` of a finished run."""
        return pa.csv.read_csv(self.folder(key) / "curves.csv", pa.csv.ReadOptions(use_threads=False))

    def reason(self, key: str) -> str:
        """Reason of the failure of run `key`, in one line."""
        reason: str = json.loads((self._failures / f"{key}.json").read_text())["reason"]
        return reason

    def forget(self, keys: Iterable[str]) -> None:
        """Deletes records and failures; each record is gone at once, by a rename, or not at all."""
        for key in keys:
            self._forget_failure(key)
            if self.folder(key).is_dir():
                gone = self._runs / f".{key}.forgotten"
                shutil.rmtree(gone, ignore_errors=True)  # of a deletion that was killed
                self.folder(key).rename(gone)
                shutil.rmtree(gone)

    def _forget_failure(self, key: str) -> None:
        for path in (self._failures / f"{key}.json", self.failure_text(key)):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Deletes what killed processes left half-written. Only for the one who holds the home's lock."""
        for folder in self._runs.glob(".*"):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def swept(self) -> Iterator[None]:
        """Swept before and after."""
        try:
            self.sweep()
            yield
        finally:
            self.sweep()

    def has_weights(self, key: str) -> bool:
        """Whether the record of run `key` kept the trained weights."""
        return (self.folder(key) / "weights.safetensors").is_file()

    def size(self, keys: Iterable[str]) -> int:
        """Bytes that the records of `keys` take."""
        return sum(f.stat().st_size for key in keys for f in self.folder(key).glob("*"))


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def _write(record: Record, folder: Path) -> None:
    folder.mkdir()
    record.predictions.to_parquet(folder / "predictions.parquet", index=False)
    record.curves.to_csv(folder / "curves.csv", index=False)
    if record.auxiliary_outputs:
        save_file(dict(record.auxiliary_outputs), folder / "auxiliary_outputs.safetensors")
    if record.gradcam is not None:
        save_file({**record.gradcam.maps, "rows": record.gradcam.rows}, folder / "gradcam.safetensors")
    if record.weights is not None:
        save_file(dict(record.weights), folder / "weights.safetensors")
    (folder / "result.json").write_text(json.dumps(record.result, indent=1, allow_nan=False))


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
