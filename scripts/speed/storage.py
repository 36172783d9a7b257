"""Time that opening a large dataset takes."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.dataset_files import create_maps, write_dataset
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.synthetic import SyntheticSource

_SUBJECTS, _SIZE = 100, 224


def opening(directory: Path) -> dict[str, float]:
    """Seconds to open a dataset of 2,400 scans at 224 px, and to read one scan of it: the median of five."""
    blank_dataset(directory, size=_SIZE)
    opened, read = [], []
    for row in range(5):
        started = time.perf_counter()
        found = open_dataset(directory)
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


def blank_dataset(directory: Path, *, size: int) -> FaceDataset:
    """A dataset of empty maps, made there: opening looks at the form, not at what the maps show."""
    directory.mkdir(parents=True)
    source = SyntheticSource(seed=0, subjects=_SUBJECTS, intensities=(1, 2, 3, 4))
    labels = [scan_id.split("_") for scan_id in source.ids()]
    table = pd.DataFrame(labels, columns=["subject", "expression", "intensity"]).astype({"intensity": int})
    table = table.assign(id=source.ids(), source="", regions="", sha256="0" * 64)
    create_maps(directory, scans=len(table), size=size)
    write_dataset(
        directory,
        table,
        name=directory.name,
        size=size,
        rendering=RENDERING_VERSION,
        shareable=True,
        source=source.describe(),
    )
    return open_dataset(directory)
