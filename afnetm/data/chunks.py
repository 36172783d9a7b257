"""Chunks: the files of rendered scans that a cohort is put together from."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from afnetm.data.cohort import regions_in
from afnetm.data.cohort_files import ARRAYS
from afnetm.data.cohort_writing import write_cohort
from afnetm.data.fingerprint import maps_sha256
from afnetm.data.maps import Maps
from afnetm.data.rendering import RENDERING_VERSION, render
from afnetm.data.scan import ScanSource
from afnetm.errors import UserError


def render_chunk(path: Path, source: ScanSource, ids: list[str], size: int) -> int:
    """Render the scans `ids` into the file `path`, which appears when it is complete; how many they were."""
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
    unfinished = path.with_suffix(f".{os.getpid()}")
    save_file(arrays, unfinished, metadata={"rows": json.dumps(rows), "rejected": json.dumps(rejected)})
    unfinished.replace(path)
    return len(ids)


def merge_chunks(target: Path, chunks: list[Path], source: ScanSource, *, name: str, size: int) -> Path:
    """Write the cohort that the chunks make up into `target`; one chunk at a time is in memory."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, str]] = []
    regions: list[str] = []
    for path in chunks:
        with safe_open(path, framework="numpy") as file:
            rows += json.loads(file.metadata()["rows"])
            rejected += json.loads(file.metadata()["rejected"])
            regions += [regions_in(planes) for planes in file.get_tensor("planes")]
    if not rows:
        raise UserError(f"cohort {name}: none of {len(rejected)} scans can be rendered; first {rejected[0]['reason']}")
    write_cohort(
        target,
        map(load_file, chunks),
        pd.DataFrame(rows).assign(regions=regions),
        name=name,
        size=size,
        rendering=RENDERING_VERSION,
        shareable=source.shareable,
        source=source.describe(),
        rejected=pd.DataFrame(rejected, columns=["id", "reason"]),
    )
    return target
