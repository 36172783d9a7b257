"""What an archive brings, and how it looks beside what a home has: as one store, of which a report can be made."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from afnetm.errors import UserError
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from reports.schema import ReportError


@dataclass(frozen=True, eq=False)
class Kept:
    """Of a record, what reports read.

    Attributes:
        result: what ``result.json`` holds.
        predictions: as in `Record`.
        curves: as in `Record`.
    """

    result: dict[str, Any]
    predictions: pd.DataFrame
    curves: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Arrived:
    """What an archive brings.

    Attributes:
        manifest: the suite; its secret stayed at home.
        records: by key.
        failures: reasons by key.
        best_parameters: the text of what a search chose; None where there is none.
    """

    manifest: Manifest
    records: Mapping[str, Kept]
    failures: Mapping[str, str]
    best_parameters: str | None


class _Merged(Store):
    """The records that a home will have once others have arrived; its own go first."""

    def __init__(self, home: Home | None, found: Arrived) -> None:
        super().__init__(home or Home(Path(os.devnull)))
        self._found, self._own = found, super().done()

    def done(self) -> set[str]:
        return self._own | self._found.records.keys()

    def failed(self) -> set[str]:
        return super().failed() | self._found.failures.keys()

    def result(self, key: str) -> dict[str, Any]:
        return super().result(key) if key in self._own else self._found.records[key].result

    def predictions(self, key: str) -> pa.Table:
        return (
            super().predictions(key) if key in self._own else pa.Table.from_pandas(self._found.records[key].predictions)
        )

    def curves(self, key: str) -> pa.Table:
        return super().curves(key) if key in self._own else pa.Table.from_pandas(self._found.records[key].curves)

    def reason(self, key: str) -> str:
        return super().reason(key) if key in super().failed() else self._found.failures[key]


def check_consistent(manifest: Manifest, found: Arrived, home: Home | None, archive: str) -> None:
    """Raises `UserError` unless a report can be made of the records that arrived and those that a home has, if any.

    What of the home's own a report leaves out is no fault of what arrived, of which all must be usable.
    """
    beside = f" beside those in home '{home.path}', which stay as they are" if home else ""
    try:
        made = results(manifest, _Merged(home, found), created="")
    except ReportError as error:
        raise UserError(f"{archive}: no report can be made of its records{beside}: {error}") from None
    own = Store(home).done() if home else set()
    came = {(e.method, e.repeat, e.fold) for e in manifest.runs if e.key in found.records.keys() - own}
    for one in made.provenance.left_out:
        if (one.method, one.repeat, one.fold) in came:
            raise UserError(f"{archive}: no report can be made of its records{beside}: {one.place}: {one.reason}")
