"""Chunks: the files of rendered scans that a dataset is put together from."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.data.dataset import regions_in
from afnetm.data.dataset_files import ARRAYS, COLUMNS, MEASURES
from afnetm.data.dataset_writing import in_order, write_dataset
from afnetm.data.fingerprint import maps_sha256
from afnetm.data.maps import RENDERING_VERSION, RenderedMaps
from afnetm.data.pose import fit_pose
from afnetm.data.rendering import render
from afnetm.data.scan import ScanSource
from afnetm.errors import UserError


class NothingRenderedError(UserError):
    """Of a whole source no scan can be rendered."""


@dataclass(frozen=True)
class Rendered:
    """What became of some scans: rows of the table with their maps, and why the others were rejected (id, reason)."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    maps: list[RenderedMaps] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)


def render_scans(source: ScanSource, ids: Sequence[str], *, size: int) -> Rendered:
    """Load and render the scans `ids`, one after the other."""
    found = Rendered()
    with threadpool_limits(1):  # workers share the cores as processes
        for scan_id in ids:
            try:
                scan = source.load(scan_id)
                maps, misfit = render(scan, size=size), fit_pose(scan).misfit
            except UserError as error:
                found.rejected.append({"id": scan_id, "reason": str(error)})
                continue
            row = {"id": scan.id, "subject": scan.subject, "expression": scan.expression, "intensity": scan.intensity}
            row |= {"source": scan.source, "regions": regions_in(maps.planes), "sha256": maps_sha256(maps)}
            height, width, _ = scan.texture.shape
            measures = (round(misfit, 3), len(scan.vertices), len(scan.faces), width, height)
            row |= dict(zip(MEASURES, measures, strict=True))
            found.rows.append(row | {f"nuisance_{name}": level for name, level in scan.nuisance.items()})
            found.maps.append(maps)
    return found


def scans_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The table of these rows, its columns in order."""
    return in_order(pd.DataFrame(rows, columns=None if rows else [*COLUMNS, *MEASURES]))


def render_chunk(path: Path, source: ScanSource, ids: list[str], size: int) -> int:
    """Render the scans `ids` into the file `path`, which appears when it is complete; how many they were."""
    found = render_scans(source, ids, size=size)
    arrays = {
        name: np.array([getattr(maps, name) for maps in found.maps], kind).reshape(-1, channels, size, size)
        for name, (channels, kind) in ARRAYS.items()
    }
    unfinished = path.with_suffix(f".{os.getpid()}")
    save_file(arrays, unfinished, metadata={"rows": json.dumps(found.rows), "rejected": json.dumps(found.rejected)})
    unfinished.replace(path)
    return len(ids)


def merge_chunks(target: Path, chunks: list[Path], source: ScanSource, *, name: str, size: int) -> Path:
    """Write the dataset that the chunks make up into `target`; one chunk at a time is in memory."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, str]] = []
    for path in chunks:
        with safe_open(path, framework="numpy") as file:
            rows += json.loads(file.metadata()["rows"])
            rejected += json.loads(file.metadata()["rejected"])
    if not rows:
        raise NothingRenderedError(
            f"dataset {name}: none of {len(rejected)} scans can be rendered; first {rejected[0]['reason']}"
        )
    write_dataset(
        target,
        map(load_file, chunks),
        scans_table(rows),
        name=name,
        size=size,
        rendering=RENDERING_VERSION,
        shareable=source.shareable,
        source=source.describe(),
        rejected=pd.DataFrame(rejected, columns=["id", "reason"]),
    )
    return target
