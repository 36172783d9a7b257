"""Predictions of a trained model for people's files: scans found, asked about one by one, and written as tables."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from afnetm.data.formats.inside import DataFolder
from afnetm.data.scan import Scan
from afnetm.data.sources.depth_images import camera_of
from afnetm.data.sources.folder import FolderSource
from afnetm.data.sources.scan_files import read_scan
from afnetm.data.sources.textured import SUFFIXES
from afnetm.data.sources.units import Unit
from afnetm.errors import UserError
from afnetm.trained.model import TrainedModel
from afnetm.trained.prediction import Prediction
from afnetm.trained.saving import check_new
from afnetm.training.loop import DivergedError
from afnetm.unwritten import why_unwritten
from benchmarks.commands.prediction_pictures import draw_prediction

#: A table of the source `folder`, which lists scans.
_TABLE = ".csv"
#: End of the names, without their suffix, of BU-3DFE's meshes as the sensor left them, beside those with landmarks.
_RAW = "_RAW"
#: Of a picture's name at most.
_LETTERS = 80


@dataclass(frozen=True)
class AskedScan:
    """A scan that is asked about.

    Attributes:
        name: as it is said to the user: its path.
        load: reads it.
    """

    name: str
    load: Callable[[], Scan]


@dataclass(frozen=True)
class Rejected:
    """A scan without a prediction, and why, in one line."""

    name: str
    reason: str


def scans_in(paths: Sequence[Path], unit: Unit) -> list[AskedScan]:
    """The scans that are meant by paths: meshes, folders of meshes, and tables as the source `folder` reads them.

    Raises:
        UserError: there is no such file, or a folder holds no mesh.
    """
    return [scan for path in paths for scan in _scans_in(path, unit)]


def _scans_in(path: Path, unit: Unit) -> Iterator[AskedScan]:
    if path.suffix.lower() == _TABLE and path.is_file():
        source = FolderSource(folder=path.parent, table=path, unit=unit)
        for scan_id in source.ids():
            yield AskedScan(f"{path}: {scan_id}", partial(source.load, scan_id))
        return
    meshes = [path]
    if path.is_dir():
        folder = DataFolder(path)
        meshes = [path / name for name in folder.names() if _is_mesh(folder, name)]
        if not meshes:
            raise UserError(f"{path}: no mesh in this folder (looked for: {', '.join(SUFFIXES)})")
    for mesh in meshes:
        yield AskedScan(str(mesh), partial(read_scan, mesh, unit=unit))


def _is_mesh(folder: DataFolder, name: str) -> bool:
    """Whether a file is a scan by its name: pictures are where a camera is beside them."""
    path = Path(name)
    if path.suffix.lower() not in SUFFIXES or path.stem.endswith(_RAW) or path.name.startswith("."):
        return False
    if path.suffix.lower() != ".png":
        return True
    try:
        return camera_of(folder, name) is not None
    except UserError:
        return False


def predictions(
    model: TrainedModel, scans: Sequence[AskedScan], *, device: str, progress: Callable[[int, int], None]
) -> Iterator[tuple[str, Prediction] | Rejected]:
    """The prediction for each scan, by its name, or why there is none: one that cannot be read costs no other."""
    progress(0, len(scans))
    for number, asked in enumerate(scans, start=1):
        try:
            yield asked.name, model.predict_scan(asked.load(), device=device)
        except (UserError, DivergedError) as error:
            yield Rejected(asked.name, str(error))
        progress(number, len(scans))


def as_json(name: str, prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON has it (docs/models.md)."""
    return {
        "scan": name,
        "expression": prediction.expression,
        "probability": prediction.probability,
        "margin": prediction.margin,
        "probabilities": dict(zip(prediction.classes, prediction.probabilities.tolist(), strict=True)),
        "weights": dict(prediction.weights) or None,
        "landmarks": "found" if prediction.scan.landmarks_found else "given",
        "misfit_mm": round(prediction.pose.misfit, 3),
        "warning": prediction.warning or None,
    }


def as_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Predictions as a table, a row a scan: `as_json`, with a column an expression (``p_anger``) and a weight."""
    flat = []
    for row in rows:
        probabilities = {f"p_{name}": value for name, value in row["probabilities"].items()}
        weights = {f"weight_{name}": value for name, value in (row["weights"] or {}).items()}
        plain = {name: value for name, value in row.items() if name not in {"probabilities", "weights"}}
        flat.append({**plain, **probabilities, **weights})
    return pd.DataFrame(flat)


class OutFolder:
    """A folder of predictions: it appears when it is complete.

    Args:
        directory: must not exist yet.

    Raises:
        UserError: it does, or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        check_new(directory)
        self._path = Path(os.path.abspath(directory))
        self._beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        self._names: set[str] = set()

    def __enter__(self) -> "OutFolder":
        self._try(lambda: self._beside.mkdir(parents=True))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._beside, ignore_errors=True)

    def draw(self, name: str, prediction: Prediction) -> None:
        """Adds the picture of a prediction, in a file called after the scan's own."""
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem)[:_LETTERS] or "scan"
        number = next(number for number in count(1) if self._file(stem, number) not in self._names)
        self._names.add(self._file(stem, number))
        self._try(lambda: draw_prediction(prediction, self._beside / self._file(stem, number), name=name))

    @staticmethod
    def _file(stem: str, number: int) -> str:
        return f"{stem}.png" if number == 1 else f"{stem}-{number}.png"

    def finish(self, document: dict[str, Any]) -> None:
        """Writes the tables of all predictions, and shows the folder."""

        def write() -> None:
            content = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
            (self._beside / "predictions.json").write_text(content, encoding="utf-8")
            as_table(document["predictions"]).to_csv(self._beside / "predictions.csv", index=False)
            check_new(self._path)
            self._beside.rename(self._path)

        self._try(write)

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            why = why_unwritten(error) or error.strerror or error
            raise UserError(f"folder {self._path}: cannot be written: {why}") from None
