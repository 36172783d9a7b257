"""Scans as a dataset that no disk has: for asking a trained model, which was given faces of a dataset."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import fingerprint_by_digests, in_order
from afnetm.data.making import Made, Making
from afnetm.data.maps import RENDERING_VERSION, stacked
from afnetm.errors import UserError


def dataset_of(made: Sequence[Made], making: Making, *, name: str = "scans") -> FaceDataset:
    """The dataset of a few scans, in memory; it has no folder, and none of its pictures may be shared.

    Args:
        made: one or more, with different ids; what their expressions are said to be is not looked at.
        making: by which they were made.
        name: of the dataset, in what is said of it.

    Raises:
        UserError: there is none, or two have one id.
    """
    ids = {one.scan.id for one in made}
    if not made or len(ids) < len(made):
        raise UserError(f"{name}: {len(made)} scans with {len(ids)} different ids (allowed: 1 or more)")
    maps = [one.maps for one in made]
    table = in_order(pd.DataFrame([one.row for one in made]))
    return FaceDataset(
        directory=Path(),
        name=name,
        size=making.size,
        fingerprint=fingerprint_by_digests(table, size=making.size),
        shareable=False,
        source={},
        table=table,
        **stacked(maps),
        pose=making.pose_of(table),
        detector=making.detector_of(table),
        rendering=RENDERING_VERSION,
    )
