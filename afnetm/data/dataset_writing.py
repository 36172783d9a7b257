"""Writing a dataset: maps, table, rejected scans, and last the dataset info that names what is in them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from afnetm.data.dataset import summary
from afnetm.data.dataset_files import (
    COLUMNS,
    CONSTANTS,
    FORMAT_VERSION,
    INFO,
    MAPS,
    MEASURES,
    REJECTED,
    TABLE,
    file_sha256,
    write_maps,
)
from afnetm.data.fingerprint import dataset_fingerprint


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """A dataset's table with its columns in their order; what was measured in files, and nuisance, may be missing."""
    measured = [name for name in MEASURES if name in table.columns]
    return table[[*COLUMNS, *measured, *sorted(set(table.columns) - {*COLUMNS, *MEASURES})]]


def write_dataset(
    target: Path,
    parts: Iterable[Mapping[str, NDArray[Any]]],
    table: pd.DataFrame,
    *,
    name: str,
    size: int,
    rendering: int,
    shareable: bool,
    source: Mapping[str, Any],
    rejected: pd.DataFrame | None = None,
) -> None:
    """Writes a dataset into the folder `target`, which is there and empty, with one part in memory at a time.

    Args:
        target: the folder.
        parts: each the arrays of `ARRAYS` of some scans, in the table's order.
        table: a row a scan, with `COLUMNS`, and any of `MEASURES` and ``nuisance_*``.
        name: what the dataset is called.
        size: pixels along a side of the maps.
        rendering: version of what rendered them.
        shareable: whether pictures and subjects' names may leave it.
        source: what its scans came from, a JSON object.
        rejected: ``id`` and ``reason`` of scans that could not be rendered.
    """
    write_maps(target / MAPS, parts, scans=len(table), size=size)
    table = in_order(table)
    table.to_csv(target / TABLE, index=False, lineterminator="\n")
    left_out = pd.DataFrame(columns=["id", "reason"]) if rejected is None else rejected
    left_out.to_csv(target / REJECTED, index=False, lineterminator="\n")
    content = {
        "format_version": FORMAT_VERSION,
        "name": name,
        **summary(table),
        "rejected": len(left_out),
        "size": size,
        "rendering": rendering,
        "fingerprint": dataset_fingerprint(table, size=size, format_version=FORMAT_VERSION),
        "shareable": shareable,
        "source": source,
        **CONSTANTS,
        "files": {file: file_sha256(target / file) for file in (TABLE, REJECTED)},
    }
    (target / INFO).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
