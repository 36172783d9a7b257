"""The files of a dataset: what is in each, strict reading, and writing, in which the dataset info comes last."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib import format as npy
from numpy.typing import NDArray

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, LANDMARK_ROWS, REGIONS, WINDOW_MM, RenderedMaps
from afnetm.data.scan import in_class_order
from afnetm.errors import UserError

#: Rises whenever a dataset of an earlier program would be misread.
FORMAT_VERSION = 4
INFO, TABLE, REJECTED = "dataset.json", "scans.csv", "rejected.csv"
#: Shape and type of each array's row, in the order of `RenderedMaps`; each is a file, ``texture.npy`` and so on. A
#: None is the maps' size.
ARRAYS: dict[str, tuple[tuple[int | None, ...], str]] = {
    "texture": ((3, None, None), "|u1"),
    "depth": ((1, None, None), "<u2"),
    "planes": ((1, None, None), "|u1"),
    "landmarks": ((LANDMARK_ROWS, 3), "<f4"),
}
#: Those that a dataset has beside them where landmarks were detected in its scans, and a digest of each scan's: the
#: fingerprint does not cover them, since they change nothing for whoever does not read them.
DETECTED: dict[str, tuple[tuple[int | None, ...], str]] = {
    "detected_planes": ((1, None, None), "|u1"),
    "detected_landmarks": ((LANDMARK_ROWS, 3), "<f4"),
}
DETECTED_SHA256 = "detected_sha256"
#: What the numbers in the maps mean; a dataset with other constants is of another format.
CONSTANTS = {"window_mm": WINDOW_MM, "depth_zero_mm": DEPTH_ZERO_MM, "depth_step_mm": DEPTH_STEP_MM}
#: Columns that every table has: text but for the intensity. All others are numbers or empty, but for attributes.
COLUMNS = ("id", "subject", "expression", "intensity", "source", "regions", "sha256")
#: Of these others, what was measured in each scan's files: how far eyes and nose are from an average face's after the
#: pose fit (root mean square), the mesh's size, the picture's, pixels, and how many rows its landmark set has. Then
#: come ``nuisance_*``.
MISFIT = "misfit_mm"
LANDMARK_COUNT = "landmarks"
MEASURES = (MISFIT, "vertices", "triangles", "texture_width", "texture_height", LANDMARK_COUNT)
#: 1 for a scan that came without landmarks, so that they were found in it, 0 for another. A table has this column only
#: where there is such a scan.
FOUND = "landmarks_found"
#: What decides detected masks where no landmark model was used, in runs' records; its version follows.
REGRESSOR = "landmark regressor"
#: Before the name of a column of text that a source had of its scans (`afnetm.data.scan.Scan.attributes`).
ATTRIBUTE = "attribute_"
#: The columns that a dataset's fingerprint covers: what training and evaluation see.
LABELS = ("id", "subject", "expression", "intensity")
#: With the digests of maps, for a dataset that is known by them.
COVERED = (*LABELS, "sha256")
#: Stands in every fingerprint; rises if what is covered, or how, ever changes.
_FINGERPRINT_VERSION = 2


def scan_bytes(size: int, *, detected: bool) -> int:
    """Bytes of one scan in all arrays, for maps of `size` pixels a side, with what is `detected` or without."""
    rows = {**ARRAYS, **(DETECTED if detected else {})}.values()
    return sum(math.prod(n or size for n in shape) * np.dtype(kind).itemsize for shape, kind in rows)


def is_generated(source: Mapping[str, Any]) -> bool:
    """Whether a dataset's scans are generated, so that what `source` says decides them, up to rounding."""
    return bool(source.get("kind") == "synthetic")


def dataset_fingerprint(
    table: pd.DataFrame, *, size: int, rendering: int, pose: str, detector: str, source: Mapping[str, Any]
) -> str:
    """SHA-256 by which runs know a dataset; its name and age do not matter.

    Generated scans are known by what decides them and how they were rendered: they are made wherever they are needed,
    and processors differ in rounding, so that by digests each kind of processor would have a dataset of its own. Others
    are known by their digests (`fingerprint_by_digests`).

    Args:
        table: a row per scan, with `COVERED`.
        size: pixels along a side of the maps.
        rendering: version of what rendered them.
        pose: which landmarks the pose fit was given, ``"annotated"`` or ``"detected"``.
        detector: what detected landmarks; it decides maps where the pose is detected, and else nothing here.
        source: where the scans come from, a JSON object.
    """
    if not is_generated(source):
        return fingerprint_by_digests(table, size=size)
    how = {"rendering": rendering, "pose": pose, "detector": detector if pose == "detected" else "", "source": source}
    return _fingerprint(f"{size}\n{json.dumps(how, sort_keys=True)}", table[list(LABELS)])


def fingerprint_by_digests(table: pd.DataFrame, *, size: int) -> str:
    """SHA-256 over the labels and digests of a dataset's scans, in their order."""
    return _fingerprint(str(size), table[list(COVERED)])


def _fingerprint(head: str, rows: pd.DataFrame) -> str:
    digest = hashlib.sha256(f"{_FINGERPRINT_VERSION} {head}\n".encode())
    for row in rows.itertuples(index=False):
        digest.update((json.dumps([*row[:3], int(row[3]), *row[4:]]) + "\n").encode())
    return digest.hexdigest()


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Numbers of scans and subjects, of scans by class and by region."""
    counts = table["expression"].value_counts()
    return {
        "scans": len(table),
        "subjects": int(table["subject"].nunique()),
        "classes": {name: int(counts[name]) for name in in_class_order(table["expression"])},
        "regions": {name: sum(name in there.split() for there in table["regions"]) for name in REGIONS},
    }


def landmark_counts(table: pd.DataFrame) -> dict[str, int]:
    """Numbers of scans whose landmarks were ``given``, and of those in which they were ``found``."""
    found = int(table[FOUND].sum()) if FOUND in table else 0
    return {"given": len(table) - found, "found": found}


def landmark_sets(table: pd.DataFrame) -> list[int]:
    """Numbers of rows of the landmark sets that scans have, ascending; empty where they are not known."""
    return sorted(set(table[LANDMARK_COUNT].dropna().astype(int))) if LANDMARK_COUNT in table else []


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_info(directory: Path) -> dict[str, Any]:
    """The info of the dataset in `directory`, its keys' types and the maps' constants checked; raises `UserError`."""
    if not directory.is_dir():
        raise UserError(f"dataset {directory}: there is no such folder")
    if not (directory / INFO).is_file():
        raise UserError(f"dataset {directory}: not a dataset, it has no {INFO}")
    try:
        content = json.loads((directory / INFO).read_text(encoding="utf-8"))
        version = content["format_version"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"dataset {directory}: {INFO} is damaged") from None
    if version != FORMAT_VERSION:
        raise UserError(
            f"dataset {directory}: its format version is {version!r} (this program reads {FORMAT_VERSION}); remake it"
        )
    kinds = {"name": str, "size": int, "fingerprint": str, "shareable": bool, "scans": int, "subjects": int}
    kinds |= {"classes": dict, "regions": dict, "rejected": int, "rendering": int, "source": dict, "files": dict}
    kinds |= {"pose": str, "detector": str}
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind):
            raise UserError(f"dataset {directory}: {key} in {INFO} is {content.get(key)!r} (allowed: {kind.__name__})")
    for key, value in CONSTANTS.items():
        if content.get(key) != value:
            raise UserError(
                f"dataset {directory}: {key} in {INFO} is {content.get(key)!r} (this program reads {value})"
            )
    return dict(content)


def read_table(path: Path) -> pd.DataFrame:
    """The table, text as text (a subject may be called NA); raises `UserError`."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise UserError(f"dataset {path.parent}: {path.name} has no column {missing[0]!r}")
        table["intensity"] = table["intensity"].astype(int)
        for name in table.columns.difference([*COLUMNS, DETECTED_SHA256], sort=False):
            if name.startswith(ATTRIBUTE):
                continue
            table[name] = table[name].replace("", "nan").astype(float)
    except (OSError, ValueError) as error:  # pandas' own parser errors are ValueErrors
        raise UserError(f"dataset {path.parent}: {path.name} cannot be read ({str(error).splitlines()[0]})") from None
    return table


def read_maps(directory: Path, *, scans: int, size: int, detected: bool) -> dict[str, NDArray[Any]]:
    """Read-only memory maps of the arrays of `scans` scans in `directory`, by name; raises `UserError`."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, path, one, kind in _array_files(directory, size, detected=detected):
        try:
            array = npy.open_memmap(path, "r")
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"dataset {directory}: {path.name} is missing or incomplete ({reason})") from None
        shape = (scans, *one)
        if array.shape != shape or array.dtype != kind or not array.flags.c_contiguous:
            raise UserError(
                f"dataset {directory}: {path.name} holds {array.dtype} {array.shape} "
                f"(by its table and info: {kind} {shape})"
            )
        arrays[name] = array
    return arrays


def create_maps(directory: Path, *, scans: int, size: int, detected: bool = False) -> None:
    """Creates the arrays of `scans` scans, with nothing in them; they take disk as rows are written."""
    for _, path, one, kind in _array_files(directory, size, detected=detected):
        npy.open_memmap(path, "w+", kind, (scans, *one))


def write_maps(directory: Path, row: int, maps: RenderedMaps) -> None:
    """Writes the maps of one scan into a row of the arrays; other processes may write other rows meanwhile.

    Raises:
        OSError: the disk is full, say; through a memory map, that would end the process.
    """
    detected = maps.detected_planes is not None
    for name, path, _, kind in _array_files(directory, maps.texture.shape[-1], detected=detected):
        values = np.ascontiguousarray(getattr(maps, name), kind)
        with path.open("r+b") as file:
            npy.read_magic(file)
            npy.read_array_header_1_0(file)
            file.seek(file.tell() + row * values.nbytes)
            file.write(values.data)


def cut_maps(directory: Path, *, scans: int, size: int, detected: bool = False) -> None:
    """Cuts the arrays off after `scans` rows."""
    for _, path, one, kind in _array_files(directory, size, detected=detected):
        shape = (scans, *one)
        with path.open("r+b") as file:
            # As long as the one that it replaces: numpy leaves room for any number of rows.
            npy.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
            file.truncate(file.tell() + math.prod(shape) * np.dtype(kind).itemsize)


def write_dataset(
    directory: Path,
    table: pd.DataFrame,
    *,
    name: str,
    size: int,
    rendering: int,
    shareable: bool,
    source: Mapping[str, Any],
    rejected: pd.DataFrame | None = None,
    pose: str = "annotated",
    detector: str = "",
) -> None:
    """Makes a dataset of the folder `directory`, whose arrays are written: table, rejected scans, dataset info.

    Args:
        directory: the folder.
        table: a row per scan in the arrays' order, with `COLUMNS`, and any of the others (`in_order`).
        name: of the dataset.
        size: pixels along a side of the maps.
        rendering: version of what rendered them.
        shareable: whether pictures and subjects' names may leave it.
        source: where its scans come from, a JSON object.
        rejected: ``id`` and ``reason`` of scans that could not be rendered.
        pose: which landmarks the pose fit was given, ``"annotated"`` or ``"detected"``.
        detector: what detected landmarks in the scans; empty where nothing did.
    """
    table = in_order(table)
    table.to_csv(directory / TABLE, index=False, lineterminator="\n")
    left_out = pd.DataFrame(columns=["id", "reason"]) if rejected is None else rejected
    left_out.to_csv(directory / REJECTED, index=False, lineterminator="\n")
    content = {
        "format_version": FORMAT_VERSION,
        "name": name,
        **summary(table),
        "rejected": len(left_out),
        "size": size,
        "rendering": rendering,
        "pose": pose,
        "detector": detector,
        "fingerprint": dataset_fingerprint(
            table, size=size, rendering=rendering, pose=pose, detector=detector, source=source
        ),
        "shareable": shareable,
        "source": source,
        **CONSTANTS,
        "files": {file: file_sha256(directory / file) for file in (TABLE, REJECTED)},
    }
    (directory / INFO).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """A dataset's table with its columns in their order; all but `COLUMNS` may be missing."""
    if FOUND in table.columns:
        table = table.assign(**{FOUND: table[FOUND].fillna(0).astype(int)})
    maybe = [name for name in (DETECTED_SHA256, *MEASURES, FOUND) if name in table.columns]
    return table[[*COLUMNS, *maybe, *sorted(set(table.columns) - {*COLUMNS, *maybe})]]


def _array_files(directory: Path, size: int, *, detected: bool) -> Iterator[tuple[str, Path, tuple[int, ...], str]]:
    """Name, file, shape of a row and type of each array."""
    for name, (shape, kind) in {**ARRAYS, **(DETECTED if detected else {})}.items():
        yield name, directory / f"{name}.npy", tuple(n or size for n in shape), kind
