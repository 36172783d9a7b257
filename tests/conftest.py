"""What many tests stand on: a cohort that can be learnt, in memory and on disk."""

import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from afnetm.data.cohort import Cohort
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, REGIONS
from afnetm.data.scan import EXPRESSIONS

# Whoever starts the tests in the background has them ignore Ctrl-C, and so would the processes under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

torch.set_num_threads(1)  # as in a worker: tests run side by side, and two threads on one core wait for each other


def learnable_cohort(*, subjects: int = 8, size: int = 32, seed: int = 0) -> Cohort:
    """A disc for a face; the class decides where a bright bump is, in texture and in depth alike."""
    rng = np.random.default_rng(seed)
    rows = [(f"s{s:03d}", name, 3 + s % 2) for s in range(subjects) for name in EXPRESSIONS]
    table = pd.DataFrame(rows, columns=["subject", "expression", "intensity"])
    table.insert(0, "id", [f"{s}_{e}_{i}" for s, e, i in rows])
    table["source"], table["sha256"] = "", ""
    n = len(table)
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    disc = x**2 + y**2 < 0.8
    texture = np.zeros((n, 3, size, size), np.uint8)
    depth = np.zeros((n, 1, size, size), np.uint16)
    planes = np.zeros((n, 1, size, size), np.uint8)
    for row, name in enumerate(table["expression"]):
        angle = EXPRESSIONS.index(name) * np.pi / 3
        bump = np.exp(-((x - 0.45 * np.cos(angle)) ** 2 + (y - 0.45 * np.sin(angle)) ** 2) / 0.05)
        texture[row] = np.where(disc, 60 + 120 * bump + rng.normal(0, 8, (3, size, size)), 0).clip(0, 255)
        millimetres = 30 * np.sqrt(np.clip(1 - x**2 - y**2, 0, 1)) + 15 * bump + rng.normal(0, 0.5, (size, size))
        depth[row, 0] = np.where(disc, (millimetres - DEPTH_ZERO_MM) / DEPTH_STEP_MM + 1, 0)
        planes[row, 0] = disc * PLANES["valid"] + (disc & (abs(x) < 0.6)) * PLANES[REGIONS[row % 4]]
    return Cohort(
        directory=Path("nowhere"),
        name="learnable",
        size=size,
        fingerprint=f"learnable-{subjects}-{size}-{seed}",
        shareable=True,
        source={"kind": "test"},
        table=table,
        texture=texture,
        depth=depth,
        planes=planes,
    )


@pytest.fixture(scope="session")
def learnable() -> Cohort:
    return learnable_cohort()


@pytest.fixture
def rows(learnable: Cohort) -> NDArray[np.int64]:
    return np.arange(len(learnable.table))
