"""Inputs for the checks: faces of noise, and scans that any method that can learn at all learns."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from afnetm.data.dataset import FaceDataset
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, LANDMARK_ROWS, PLANES, REGIONS, WINDOW_MM
from afnetm.data.scan import EXPRESSIONS
from afnetm.face_batch import FaceBatch
from afnetm.training.device_dataset import DeviceDataset

#: The maps of `FaceBatch`, with their channels.
MAPS = {"texture": 3, "depth": 1, "valid": 1, "masks": 4}
#: Every tensor of `FaceBatch`.
TENSORS = (*MAPS, "landmarks")
#: The last feature map has 2 x 2 positions: attention over a single one would have nothing to choose.
SIZE = 48
#: Scans to be learnt.
SCANS = 32


def noise_faces(count: int, *, size: int = SIZE, seed: int = 0, device: torch.device | None = None) -> FaceBatch:
    """`count` faces of noise; `masks` and `valid` are 0 or 1."""
    noise = torch.Generator().manual_seed(seed)
    drawn = {name: torch.randn(count, MAPS[name], size, size, generator=noise) for name in ("texture", "depth")}
    drawn |= {
        name: (torch.rand(count, MAPS[name], size, size, generator=noise) > 0.5).float() for name in ("valid", "masks")
    }
    drawn["landmarks"] = torch.randn(count, LANDMARK_ROWS, 3, generator=noise)
    return FaceBatch(**{name: tensor.to(device) for name, tensor in drawn.items()}, pixel_mm=WINDOW_MM / size)


def blank_faces(count: int, *, size: int = SIZE) -> FaceBatch:
    """`count` faces of which nothing was measured."""
    maps = {name: torch.zeros(count, channels, size, size) for name, channels in MAPS.items()}
    return FaceBatch(**maps, pixel_mm=WINDOW_MM / size, landmarks=torch.zeros(count, LANDMARK_ROWS, 3))


def learnable_dataset(*, subjects: int = 8, size: int = 32, seed: int = 0) -> FaceDataset:
    """A disc for a face; the class decides where a bright bump is, in texture, depth, masks and landmarks alike."""
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
    landmarks = rng.normal(0, 5, (n, LANDMARK_ROWS, 3)).astype(np.float32)
    for row, name in enumerate(table["expression"]):
        angle = EXPRESSIONS.index(name) * np.pi / 3
        landmarks[row, :, :2] += 45 * np.array([np.cos(angle), -np.sin(angle)], np.float32)
        bump = np.exp(-((x - 0.45 * np.cos(angle)) ** 2 + (y - 0.45 * np.sin(angle)) ** 2) / 0.05)
        texture[row] = np.where(disc, 60 + 120 * bump + rng.normal(0, 8, (3, size, size)), 0).clip(0, 255)
        millimetres = 30 * np.sqrt(np.clip(1 - x**2 - y**2, 0, 1)) + 15 * bump + rng.normal(0, 0.5, (size, size))
        depth[row, 0] = np.where(disc, (millimetres - DEPTH_ZERO_MM) / DEPTH_STEP_MM + 1, 0)
        planes[row, 0] = disc * PLANES["valid"] + (disc & (bump > 0.1)) * PLANES[REGIONS[row % 4]]
    return FaceDataset(
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
        landmarks=landmarks,
    )


@cache
def learnable() -> tuple[DeviceDataset, Tensor]:
    """`SCANS` scans of all six classes, and their classes ``(SCANS,)`` int64."""
    dataset = learnable_dataset(size=SIZE)
    classes = [EXPRESSIONS.index(name) for name in dataset.table["expression"][:SCANS]]
    return DeviceDataset(dataset, np.arange(SCANS), torch.device("cpu")), torch.tensor(classes)
