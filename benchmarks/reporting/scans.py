"""What a cohort that is here knows of tested scans: levels of nuisances, pictures, who is behind a pseudonym."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from afnetm.data.cohort import Cohort, open_cohort
from afnetm.data.maps import DEPTH_STEP_MM, WINDOW_MM
from afnetm.errors import UserError
from reports.data.faces import Face
from reports.data.pseudonyms import PREFIXES, words
from reports.schema import LEVEL


def cohort_here(directory: Path, fingerprint: str) -> Cohort | None:
    """The cohort in `directory`; None if it is not there or another."""
    try:
        cohort = open_cohort(directory)
    except UserError:
        return None
    return cohort if cohort.fingerprint == fingerprint else None


def names_in(cohort: Cohort, secret: str) -> dict[str, str]:
    """Names of the cohort's subjects and scans by the pseudonyms that are made of them with `secret`."""
    found: dict[str, str] = {}
    for column, name in zip(PREFIXES, ("subject", "id"), strict=True):
        made = words(cohort.table[name].unique(), column=column, secret=secret)
        found |= {word: own for own, word in made.items()}
    return found


def levels(cohort: Cohort, scans: Mapping[str, str]) -> pd.DataFrame:
    """``scan`` and the recorded nuisance levels; empty if there are none.

    `scans` are the ids in the cohort of those wanted, by what they are called; the others have none.
    """
    columns = [name for name in cohort.table.columns if name.startswith(LEVEL)]
    if not columns:
        return pd.DataFrame()
    called = pd.Series(list(scans), index=list(scans.values()), dtype=object)
    recorded = cohort.table[columns].assign(scan=cohort.table["id"].map(called))
    return recorded[["scan", *columns]].dropna(ignore_index=True)


class Pictures(Mapping[str, Face]):
    """Faces of scans by what they are called, each read from the cohort when it is asked for.

    Args:
        cohort: which has them.
        scans: ids in the cohort by what they are called; those that it does not have are left out.
    """

    def __init__(self, cohort: Cohort, scans: Mapping[str, str]) -> None:
        self._cohort = cohort
        rows = dict(zip(cohort.table["id"], range(len(cohort.table)), strict=True))
        self._rows = {word: rows[scan] for word, scan in scans.items() if scan in rows}

    def __getitem__(self, scan: str) -> Face:
        row = self._rows[scan]
        code = self._cohort.depth[row, 0]
        return Face(
            texture=np.moveaxis(self._cohort.texture[row], 0, -1),
            depth=np.where(code > 0, code * np.float32(DEPTH_STEP_MM), np.float32(np.nan)),
            pixel_mm=WINDOW_MM / self._cohort.size,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
