"""The files of a dataset: their names, the format's version, maps piece by piece, and strict reading of all."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.errors import UserError

#: Rises whenever a dataset of an earlier program would be misread.
FORMAT_VERSION = 2
INFO, TABLE, REJECTED, MAPS = "dataset.json", "scans.csv", "rejected.csv", "maps.safetensors"
#: Channels and type of each array, in the order of `RenderedMaps`.
ARRAYS = {"texture": (3, np.uint8), "depth": (1, np.uint16), "planes": (1, np.uint8)}
#: What the numbers in the maps mean; a dataset with other constants is of another format.
CONSTANTS = {"window_mm": WINDOW_MM, "depth_zero_mm": DEPTH_ZERO_MM, "depth_step_mm": DEPTH_STEP_MM}
#: Columns that every table has: text but for the intensity. All others are numbers or empty.
COLUMNS = ("id", "subject", "expression", "intensity", "source", "regions", "sha256")
#: Of these others, what was measured in each scan's files: how far eyes and nose are from an average face's after the
#: pose fit (root mean square), the mesh's size and the picture's, pixels. Then come ``nuisance_*``.
MISFIT = "misfit_mm"
MEASURES = (MISFIT, "vertices", "triangles", "texture_width", "texture_height")


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
        for name in table.columns.difference([*COLUMNS], sort=False):
            table[name] = table[name].replace("", "nan").astype(float)
    except (OSError, ValueError) as error:  # pandas' own parser errors are ValueErrors
        raise UserError(f"dataset {path.parent}: {path.name} cannot be read ({str(error).splitlines()[0]})") from None
    return table


def write_maps(path: Path, parts: Iterable[Mapping[str, NDArray[Any]]], *, scans: int, size: int) -> None:
    """Write the arrays that `parts` make up one after the other, with one part in memory at a time.

    The bytes are those of `safetensors.numpy.save_file`, which needs all of them at once.

    Args:
        path: the file.
        parts: each the arrays of `ARRAYS` of some scans, ``(n, channels, S, S)``.
        scans: how many there are in all parts.
        size: ``S``.
    """
    header: dict[str, dict[str, Any]] = {}
    stop = 0
    for name in sorted(ARRAYS, key=lambda name: (-np.dtype(ARRAYS[name][1]).itemsize, name)):  # the library's order
        channels, kind = ARRAYS[name]
        shape, width = (scans, channels, size, size), np.dtype(kind).itemsize
        start, stop = stop, stop + prod(shape) * width
        header[name] = {"dtype": f"U{8 * width}", "shape": shape, "data_offsets": (start, stop)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    at = {name: 8 + len(text) + entry["data_offsets"][0] for name, entry in header.items()}
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for part in parts:
            for name, (_, kind) in ARRAYS.items():
                file.seek(at[name])
                at[name] += file.write(np.ascontiguousarray(part[name], np.dtype(kind).newbyteorder("<")).data)


def map_arrays(path: Path, *, scans: int, size: int) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file as read-only memory maps; raises `UserError`.

    The library checks the file, but reading through it copies.
    """
    try:
        with safe_open(path, framework="numpy"):
            pass
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
    except (OSError, SafetensorError) as error:
        raise UserError(f"dataset {path.parent}: {path.name} is missing or incomplete ({error})") from None
    arrays: dict[str, NDArray[Any]] = {}
    for name, (channels, kind) in ARRAYS.items():
        shape, code = [scans, channels, size, size], f"U{8 * np.dtype(kind).itemsize}"
        entry = header.get(name, {})
        if entry.get("shape") != shape or entry.get("dtype") != code:
            raise UserError(
                f"dataset {path.parent}: {name} in {path.name} is {entry.get('dtype')} {entry.get('shape')} "
                f"(by its table and info: {code} {shape})"
            )
        start = 8 + length + entry["data_offsets"][0]
        arrays[name] = np.memmap(path, np.dtype(kind).newbyteorder("<"), "r", start, tuple(shape))
    return arrays
