"""Scans to compute with where there are few or none: made up, or enlarged from those of a home."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from afnetm.contract.inputs import learnable_cohort
from afnetm.data.cohort import Cohort, open_cohort, regions_in
from afnetm.data.cohort_writing import write_cohort
from afnetm.data.fingerprint import maps_sha256
from afnetm.data.maps import Maps

#: What the suite `quick` calls its cohort.
QUICK = "synthetic-quick"


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
    """The cohort of the suite `quick` in `home`, at `size`; without a home, learnable scans of `subjects`."""
    if home is None:
        return learnable_cohort(subjects=subjects, size=size)
    return enlarged(open_cohort(home / "cohorts" / QUICK), size)


def write(cohort: Cohort, directory: Path) -> Cohort:
    """The cohort on disk, in a new folder called after it."""
    directory.mkdir(parents=True)
    maps = {name: getattr(cohort, name) for name in ("texture", "depth", "planes")}
    digests = [maps_sha256(Maps(*one)) for one in zip(*maps.values(), strict=True)]
    table = cohort.table.assign(sha256=digests, regions=[regions_in(planes) for planes in cohort.planes])
    write_cohort(
        directory,
        [maps],
        table,
        name=directory.name,
        size=cohort.size,
        rendering=0,
        shareable=cohort.shareable,
        source=cohort.source,
    )
    return open_cohort(directory)
