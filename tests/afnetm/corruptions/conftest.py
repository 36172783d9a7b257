"""Synthetic faces in memory, as a dataset prepared from them would be."""

from dataclasses import replace

import numpy as np
import pytest

from afnetm.data.dataset import FaceDataset
from afnetm.data.in_memory import dataset_of
from afnetm.data.making import Making, make_maps
from afnetm.data.maps import detected_sha256
from afnetm.data.synthetic import SyntheticSource

SOURCE = SyntheticSource(seed=31, subjects=2, intensities=(4,))


def dataset(size: int, ids: list[str]) -> FaceDataset:
    making = Making(size=size)
    made = dataset_of([make_maps(SOURCE.load(one), making) for one in ids], making)
    return replace(made, source=SOURCE.describe())


@pytest.fixture(scope="session")
def faces() -> FaceDataset:
    """Fear and happiness of two people at 64 px; landmarks were detected in all but the first."""
    ids = [f"s00{subject}_{expression}_4" for subject in (0, 1) for expression in ("fear", "happiness")]
    made = dataset(64, ids)
    planes, landmarks = made.planes & ~np.uint8(1), made.landmarks.copy()
    planes[0], landmarks[0] = 0, np.nan
    table = made.table.assign(detected_sha256=[detected_sha256(*one) for one in zip(planes, landmarks, strict=True)])
    return replace(made, table=table, detected_planes=planes, detected_landmarks=landmarks)


@pytest.fixture(scope="session")
def pair() -> tuple[FaceDataset, FaceDataset]:
    """One scan of each at 64 and at 256 px, which four by four pixels of the latter make the former."""
    ids = ["s000_fear_4", "s001_fear_4"]
    return dataset(64, ids), dataset(256, ids)
