"""Scans as a dataset that no disk has: for asking a trained model, which was given faces of a dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import dataset_fingerprint, in_order
from afnetm.data.making import Making, make_maps
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.scan import Scan
from afnetm.errors import UserError


def dataset_of(scans: Sequence[Scan], making: Making, *, name: str = "scans") -> FaceDataset:
    """The dataset of a few scans, in memory; it has no folder, and none of its pictures may be shared.

    Args:
        scans: one or more, with different ids; what their expressions are said to be is not looked at.
        making: as the scans of a dataset are made into maps.
        name: of the dataset, in what is said of it.

    Raises:
        UserError: there is none, or one cannot be rendered.
    """
    if not scans or len({scan.id for scan in scans}) < len(scans):
        raise UserError(
            f"{name}: {len(scans)} scans with {len({s.id for s in scans})} different ids (allowed: 1 or more)"
        )
    rows, maps = zip(*(make_maps(scan, making) for scan in scans), strict=True)
    table = in_order(pd.DataFrame(rows))
    detected = (
        {array: np.stack([getattr(one, array) for one in maps]) for array in ("detected_planes", "detected_landmarks")}
        if making.detects
        else {}
    )
    return FaceDataset(
        directory=Path(),
        name=name,
        size=making.size,
        fingerprint=dataset_fingerprint(table, size=making.size),
        shareable=False,
        source={},
        table=table,
        texture=np.stack([one.texture for one in maps]),
        depth=np.stack([one.depth for one in maps]),
        planes=np.stack([one.planes for one in maps]),
        landmarks=np.stack([one.landmarks for one in maps]),
        **detected,
        pose=making.pose,
        detector=making.detector,
        rendering=RENDERING_VERSION,
    )
