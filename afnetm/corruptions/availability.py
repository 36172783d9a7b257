"""Corruptions that a dataset cannot have, and why: those that need its scans, or another subject's."""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from afnetm.corruptions.corruption import Corruption, MapCorruption
from afnetm.data.dataset import FaceDataset
from afnetm.data.face_models import INSTALL, can_detect
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.scan_source import ScanSource
from afnetm.data.synthetic.source import SyntheticSource


def unavailable(
    corruption: Corruption,
    dataset: FaceDataset,
    source: ScanSource | None = None,
    *,
    rows: NDArray[np.int64] | None = None,
) -> str | None:
    """Reason why scans of `dataset` cannot be corrupted so, in a few words; None where they can.

    Args:
        corruption: any.
        dataset: whose scans they are.
        source: that it was prepared from; needed for corruptions of scans, but not where they are synthetic.
        rows: of its table that are to be corrupted; None for all.
    """
    if corruption.kind == "scan":
        return _cannot_be_rendered(dataset, source)
    if isinstance(corruption, MapCorruption) and corruption.needs_partner:
        subjects = dataset.table.iloc[dataset.rows if rows is None else rows].groupby("expression")["subject"].nunique()
        lonely = sorted(subjects.index[subjects < 2])
        if lonely:
            return f"it needs two subjects of each expression among the scans, and of {lonely[0]} there is one"
    return None


def source_of(dataset: FaceDataset) -> ScanSource | None:
    """The source of a synthetic dataset, made again of its settings; None for any other, and another generator's."""
    said = dataset.source
    if said.get("kind") != SyntheticSource.name:
        return None
    known = {one.name for one in fields(SyntheticSource)}
    settings = {key: value for key, value in said.items() if key in known}
    source = SyntheticSource(**settings | {"intensities": tuple(settings.get("intensities", ()))})
    return source if source.describe() == said else None


def _cannot_be_rendered(dataset: FaceDataset, source: ScanSource | None) -> str | None:
    said, kind = f"dataset '{dataset.name}'", dataset.source.get("kind")
    if dataset.rendering != RENDERING_VERSION:
        return (
            f"its scans are rendered again, and the maps of {said} are of rendering version {dataset.rendering}, this "
            f"program's of {RENDERING_VERSION}"
        )
    if dataset.pose == "detected" and not can_detect():
        return f"its scans are rendered again, and the pose of {said} needs detected landmarks ({INSTALL})"
    if source is not None:
        return None if source.describe() == dataset.source else f"{said} was prepared from another source than this"
    if source_of(dataset) is not None:
        return None
    if kind == SyntheticSource.name:
        return f"its scans are rendered again, and {said} is of another version of the synthetic source"
    return f"its scans are rendered again, and the files of {said} ({kind or 'no source'}) are not at hand"
