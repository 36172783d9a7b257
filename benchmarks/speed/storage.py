"""How long it takes to open a large dataset."""

import json
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from afnetm.data.chunks import merge_chunks
from afnetm.data.dataset import open_dataset
from afnetm.data.dataset_files import ARRAYS
from afnetm.data.synthetic import SyntheticSource

_SUBJECTS, _SIZE = 100, 224


def opening(directory: Path) -> dict[str, float]:
    """Seconds to open a dataset of 2,400 scans at 224 px, and to read one scan of it: the median of five."""
    directory.mkdir()
    source = SyntheticSource(seed=0, subjects=_SUBJECTS, intensities=(1, 2, 3, 4))
    chunk = directory / "chunk.safetensors"
    _blank_chunk(chunk, list(source.ids()))
    dataset = merge_chunks(directory / "large", [chunk], source, name="large", size=_SIZE)
    opened, read = [], []
    for row in range(5):
        started = time.perf_counter()
        found = open_dataset(dataset)
        opened.append(time.perf_counter() - started)
        started = time.perf_counter()
        for array in (found.texture, found.depth, found.planes):
            array[row].copy()
        read.append(time.perf_counter() - started)
    bytes_ = sum(array.nbytes for array in (found.texture, found.depth, found.planes))
    return {
        "scans": len(found.table),
        "MB": bytes_ / 1e6,
        "open, s": float(np.median(opened)),
        "read a scan, ms": 1000 * float(np.median(read)),
    }


def _blank_chunk(path: Path, ids: list[str]) -> None:
    """A chunk of empty maps: opening looks at the form, not at what the maps show."""
    rows = []
    for scan_id in ids:
        subject, expression, level = scan_id.split("_")
        labels = {"id": scan_id, "subject": subject, "expression": expression, "intensity": int(level)}
        rows.append(labels | {"source": "", "sha256": "0" * 64})
    arrays = {name: np.zeros((len(ids), c, _SIZE, _SIZE), kind) for name, (c, kind) in ARRAYS.items()}
    save_file(arrays, path, metadata={"rows": json.dumps(rows), "rejected": "[]"})
