"""Facts on tested scans from a dataset that is here: nuisance factors, pictures, who is behind a pseudonym."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.data.maps import DEPTH_STEP_MM, WINDOW_MM
from afnetm.errors import UserError
from reports.data.faces import Face
from reports.data.pseudonyms import PREFIXES, words
from reports.schema import FACTOR, ReportError


def dataset_here(directory: Path, fingerprint: str) -> FaceDataset | None:
    """The dataset in `directory`; None if it is not there or another."""
    try:
        dataset = open_dataset(directory)
    except UserError:
        return None
    return dataset if dataset.fingerprint == fingerprint else None


def names_in(dataset: FaceDataset, secret: str) -> dict[str, str]:
    """Names of the dataset's subjects and scans by the pseudonyms that are made of them with `secret`."""
    found: dict[str, str] = {}
    for column, name in zip(PREFIXES, ("subject", "id"), strict=True):
        made = words(dataset.table[name].unique(), column=column, secret=secret)
        found |= {word: own for own, word in made.items()}
    return found


def nuisance_factors(dataset: FaceDataset, scans: Mapping[str, str]) -> pd.DataFrame:
    """``scan`` and the recorded nuisance factors; empty if there are none.

    `scans` are the ids in the dataset of those wanted, by what they are called; the others have none.
    """
    columns = [name for name in dataset.table.columns if name.startswith(FACTOR)]
    if not columns:
        return pd.DataFrame()
    called = pd.Series(list(scans), index=list(scans.values()), dtype=object)
    recorded = dataset.table[columns].assign(scan=dataset.table["id"].map(called))
    return recorded[["scan", *columns]].dropna(ignore_index=True)


def attributes(dataset: FaceDataset | None, scans: Mapping[str, str], names: Sequence[str]) -> pd.DataFrame:
    """``scan`` and these attributes of the scans wanted, as for `nuisance_factors`; empty where there are no `names`.

    Raises:
        reports.schema.ReportError: there is no such attribute, or the dataset is not here.
    """
    if not names:
        return pd.DataFrame()
    if dataset is None:
        raise ReportError(f"--by {names[0]}: the dataset, which has this column, is not in this home")
    try:
        values = {name: dataset.attribute(name) for name in names}
    except UserError as error:
        raise ReportError(f"--by: {error}") from None
    called = pd.Series(list(scans), index=list(scans.values()), dtype=object)
    return pd.DataFrame({"scan": dataset.table["id"].map(called), **values}).dropna(ignore_index=True)


class Pictures(Mapping[str, Face]):
    """Faces of scans by what they are called, each read from the dataset when it is asked for.

    Args:
        dataset: which has them.
        scans: ids in the dataset by what they are called; those that it does not have are left out.
    """

    def __init__(self, dataset: FaceDataset, scans: Mapping[str, str]) -> None:
        self._dataset = dataset
        rows = dict(zip(dataset.table["id"], range(len(dataset.table)), strict=True))
        self._rows = {word: rows[scan] for word, scan in scans.items() if scan in rows}

    def __getitem__(self, scan: str) -> Face:
        row = self._rows[scan]
        code = self._dataset.depth[row, 0]
        return Face(
            texture=np.moveaxis(self._dataset.texture[row], 0, -1),
            depth=np.where(code > 0, code * np.float32(DEPTH_STEP_MM), np.float32(np.nan)),
            pixel_mm=WINDOW_MM / self._dataset.size,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
