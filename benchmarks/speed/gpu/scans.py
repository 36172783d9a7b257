"""Scans to compute with where there are few or none: made of numbers alone, or enlarged from those of a home."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from afnetm.data.cohort import Cohort, open_cohort, regions_in
from afnetm.data.cohort_writing import write_cohort
from afnetm.data.fingerprint import maps_sha256
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, PLANES, REGIONS, Maps
from afnetm.data.scan import EXPRESSIONS


def learnable_cohort(*, subjects: int = 8, size: int = 32, seed: int = 0) -> Cohort:
    """Six scans a subject, in memory: a disc for a face, and its class decides where texture and depth have a bump."""
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


def enlarged(cohort: Cohort, size: int) -> Cohort:
    """The same scans at another size, in memory: texture bilinear, depth and planes from the nearest pixel."""
    nearest = np.arange(size) * cohort.size // size
    texture = [
        torch.nn.functional.interpolate(torch.tensor(part).float(), size, mode="bilinear").round().byte().numpy()
        for part in np.array_split(cohort.texture, max(1, len(cohort.texture) // 64))
    ]
    coarse = {name: getattr(cohort, name)[..., nearest, :][..., nearest] for name in ("depth", "planes")}
    return replace(cohort, size=size, texture=np.concatenate(texture), **coarse)


def scans(home: Path | None, *, size: int, subjects: int) -> Cohort:
    """The first cohort of `home` at `size`; without a home, learnable scans of `subjects`."""
    found = sorted((home / "cohorts").glob("*/cohort.json")) if home else []
    return enlarged(open_cohort(found[0].parent), size) if found else learnable_cohort(subjects=subjects, size=size)


def write(cohort: Cohort, directory: Path) -> Cohort:
    """The cohort on disk, in a new folder called after it."""
    directory.mkdir(parents=True)
    maps = {name: getattr(cohort, name) for name in ("texture", "depth", "planes")}
    digests = [maps_sha256(Maps(*one)) for one in zip(*maps.values(), strict=True)]
    table = cohort.table.assign(sha256=digests, regions=[regions_in(planes) for planes in cohort.planes])
    about = {"name": directory.name, "size": cohort.size, "shareable": cohort.shareable, "source": cohort.source}
    write_cohort(directory, [maps], table, rendering=0, **about)
    return open_cohort(directory)
