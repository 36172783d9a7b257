"""Cohorts: prepared data sets on disk, the only thing that training reads.

A cohort is a folder: ``cohort.json`` (the card), ``scans.csv`` (a row a scan: text, so that a person can read and
compare it), ``maps.safetensors`` (every scan's maps, memory-mapped) and ``rejected.csv`` (scans that could not be
rendered, and why). `afnetm.data.preparing` makes one.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from afnetm.data.fingerprint import cohort_fingerprint, maps_sha256
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM, Maps
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError

#: Rises whenever a cohort of an earlier program would be misread.
FORMAT_VERSION = 1
CARD, TABLE, REJECTED, MAPS = "cohort.json", "scans.csv", "rejected.csv", "maps.safetensors"
#: Channels and type of each array, in the order of `Maps`.
ARRAYS = {"texture": (3, np.uint8), "depth": (1, np.uint16), "planes": (1, np.uint8)}
#: What the numbers in the maps mean; a cohort with other constants is of another format.
CONSTANTS = {"window_mm": WINDOW_MM, "depth_zero_mm": DEPTH_ZERO_MM, "depth_step_mm": DEPTH_STEP_MM}
#: Columns that every table has: text but for the intensity. All others, ``nuisance_*``, are numbers or empty.
COLUMNS = ("id", "subject", "expression", "intensity", "source", "sha256")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", re.ASCII)


@dataclass(frozen=True, eq=False, kw_only=True)
class Cohort:
    """A prepared data set of ``N`` scans, ``S x S`` pixels each. The arrays are read-only maps of the file.

    Attributes:
        directory: where it is.
        name: what it was called when it was made.
        size: ``S``.
        fingerprint: SHA-256 over labels and maps, the same for the same content under any name.
        shareable: whether pictures and subjects' names may leave it.
        source: what its scans came from, a JSON object.
        table: a row a scan: id, subject, expression, intensity, source, sha256, and ``nuisance_*`` where known.
        texture: ``(N, 3, S, S)`` uint8, as in `Maps`.
        depth: ``(N, 1, S, S)`` uint16.
        planes: ``(N, 1, S, S)`` uint8.
    """

    directory: Path
    name: str
    size: int
    fingerprint: str
    shareable: bool
    source: dict[str, Any]
    table: pd.DataFrame
    texture: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    planes: NDArray[np.uint8]


def cohort_directory(home: Path, name: str) -> Path:
    """Where the cohort called `name` is, or would be, under `home`.

    Raises:
        UserError: `name` is no plain name.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"cohort name {name!r}: letters, digits, '_', '-' and '.' (not leading) are allowed, up to 100")
    return home / "cohorts" / name


def open_cohort(directory: Path) -> Cohort:
    """The cohort in `directory`, its maps left on disk. Content is not verified (`check_cohort`), only its form.

    Raises:
        UserError: nothing there, not a cohort, of another format version, or incomplete.
    """
    content = _read_card(directory)
    table = _read_table(directory / TABLE)
    size = content["size"]
    arrays = _map_arrays(directory / MAPS, scans=len(table), size=size)
    if len(table) != content["scans"]:
        raise UserError(f"cohort {directory}: {TABLE} has {len(table)} scans (its card says {content['scans']})")
    return Cohort(
        directory=directory,
        name=content["name"],
        size=size,
        fingerprint=content["fingerprint"],
        shareable=content["shareable"],
        source=content["source"],
        table=table,
        **arrays,
    )


def check_cohort(directory: Path, progress: Callable[[int, int], None] | None = None) -> Cohort:
    """The cohort in `directory` after everything in it was computed again and compared.

    Args:
        directory: the cohort's folder.
        progress: called with the number of scans done and in all.

    Raises:
        UserError: naming the first thing that is missing or altered.
    """
    cohort = open_cohort(directory)
    content = _read_card(directory)
    for name, expected in content["files"].items():
        if not (directory / name).is_file() or file_sha256(directory / name) != expected:
            raise UserError(f"cohort {directory}: {name} was altered since it was made")
    scans = zip(cohort.table["id"], cohort.table["sha256"], cohort.texture, cohort.depth, cohort.planes, strict=True)
    for done, (scan, expected, *maps) in enumerate(scans, start=1):
        if maps_sha256(Maps(*maps)) != expected:
            raise UserError(f"cohort {directory}: the maps of scan {scan} in {MAPS} were altered since they were made")
        if progress:
            progress(done, len(cohort.table))
    found = summary(cohort.table) | {
        "fingerprint": cohort_fingerprint(cohort.table, size=cohort.size, format_version=FORMAT_VERSION)
    }
    for key, value in found.items():
        if content[key] != value:
            raise UserError(f"cohort {directory}: {key} in {CARD} is {content[key]!r}, but its scans give {value!r}")
    return cohort


def card(cohort: Cohort) -> dict[str, Any]:
    """What to say of a cohort: name, scans, subjects, classes ({expression: scans}), size, fingerprint, shareable."""
    return {
        "name": cohort.name,
        **summary(cohort.table),
        "size": cohort.size,
        "fingerprint": cohort.fingerprint,
        "shareable": cohort.shareable,
    }


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Numbers of scans and subjects, and of scans by expression in the order of `EXPRESSIONS`, neutral last."""
    counts = table["expression"].value_counts()
    order = [name for name in (*EXPRESSIONS, *sorted(set(counts.index) - set(EXPRESSIONS))) if name in counts.index]
    return {
        "scans": len(table),
        "subjects": int(table["subject"].nunique()),
        "classes": {name: int(counts[name]) for name in order},
    }


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_card(directory: Path) -> dict[str, Any]:
    if not directory.is_dir():
        raise UserError(f"cohort {directory}: there is no such folder")
    if not (directory / CARD).is_file():
        raise UserError(f"cohort {directory}: not a cohort, it has no {CARD}")
    try:
        content = json.loads((directory / CARD).read_text(encoding="utf-8"))
        version = content["format_version"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"cohort {directory}: {CARD} is damaged") from None
    if version != FORMAT_VERSION:
        raise UserError(f"cohort {directory}: its format version is {version!r} (this program reads {FORMAT_VERSION})")
    kinds = {"name": str, "size": int, "fingerprint": str, "shareable": bool, "scans": int, "subjects": int}
    kinds |= {"classes": dict, "source": dict, "files": dict}
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind):
            raise UserError(f"cohort {directory}: {key} in {CARD} is {content.get(key)!r} (allowed: {kind.__name__})")
    for key, value in CONSTANTS.items():
        if content.get(key) != value:
            raise UserError(f"cohort {directory}: {key} in {CARD} is {content.get(key)!r} (this program reads {value})")
    return dict(content)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise UserError(f"cohort {path.parent}: {path.name} has no column {missing[0]!r}")
        table["intensity"] = table["intensity"].astype(int)
        for name in table.columns.difference([*COLUMNS], sort=False):
            table[name] = table[name].replace("", "nan").astype(float)
    except (OSError, ValueError) as error:  # pandas' own parser errors are ValueErrors
        raise UserError(f"cohort {path.parent}: {path.name} cannot be read ({str(error).splitlines()[0]})") from None
    return table


def _map_arrays(path: Path, *, scans: int, size: int) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file as memory maps: the library checks the file, but reading through it copies."""
    try:
        with safe_open(path, framework="numpy"):
            pass
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
    except (OSError, SafetensorError) as error:
        raise UserError(f"cohort {path.parent}: {path.name} is missing or incomplete ({error})") from None
    arrays: dict[str, NDArray[Any]] = {}
    for name, (channels, kind) in ARRAYS.items():
        shape, code = [scans, channels, size, size], f"U{8 * np.dtype(kind).itemsize}"
        entry = header.get(name, {})
        if entry.get("shape") != shape or entry.get("dtype") != code:
            raise UserError(
                f"cohort {path.parent}: {name} in {path.name} is {entry.get('dtype')} {entry.get('shape')} "
                f"(by its table and card: {code} {shape})"
            )
        start = 8 + length + entry["data_offsets"][0]
        arrays[name] = np.memmap(path, np.dtype(kind).newbyteorder("<"), "r", start, tuple(shape))
    return arrays
