"""Scans to compute with where there are few or none: synthetic, or enlarged from those of a home."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.dataset_files import create_maps, write_dataset, write_maps
from afnetm.data.maps import RenderedMaps, maps_sha256, regions_in

#: What the suite `quick` calls its dataset.
QUICK = "synthetic-quick"


def enlarged(dataset: FaceDataset, size: int) -> FaceDataset:
    """The same scans at another size, in memory: texture bilinear, depth and planes from the nearest pixel."""
    nearest = np.arange(size) * dataset.size // size
    texture = [
        torch.nn.functional.interpolate(torch.tensor(part).float(), size, mode="bilinear").round().byte().numpy()
        for part in np.array_split(dataset.texture, max(1, len(dataset.texture) // 64))
    ]
    coarse = {name: getattr(dataset, name)[..., nearest, :][..., nearest] for name in ("depth", "planes")}
    return replace(dataset, size=size, texture=np.concatenate(texture), **coarse)


def scans(home: Path | None, *, size: int, subjects: int) -> FaceDataset:
    """The dataset of the suite `quick` in `home`, at `size`; without a home, learnable scans of `subjects`."""
    if home is None:
        return learnable_dataset(subjects=subjects, size=size)
    return enlarged(open_dataset(home / "datasets" / QUICK), size)


def write(dataset: FaceDataset, directory: Path) -> FaceDataset:
    """The dataset on disk, in a new folder called after it."""
    directory.mkdir(parents=True)
    maps = [
        RenderedMaps(*one)
        for one in zip(dataset.texture, dataset.depth, dataset.planes, dataset.landmarks, strict=True)
    ]
    create_maps(directory, scans=len(maps), size=dataset.size)
    for row, one in enumerate(maps):
        write_maps(directory, row, one)
    digests = [maps_sha256(one) for one in maps]
    table = dataset.table.assign(sha256=digests, regions=[regions_in(planes) for planes in dataset.planes])
    write_dataset(
        directory,
        table,
        name=directory.name,
        size=dataset.size,
        rendering=0,
        shareable=dataset.shareable,
        source=dataset.source,
    )
    return open_dataset(directory)
