"""Records one below the other, as tables; and these without the runs that cannot be used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks.records.manifest import ListedRun
from benchmarks.reporting.sound import Sound
from reports.data.left_out import LeftOut


@dataclass(frozen=True, eq=False)
class Gathered:
    """What is read of finished runs.

    Attributes:
        records: each with its run.
        predictions: of all of them, each row saying whose it is.
        curves: the same.
        left_out: of others, or of these, what cannot be used.
    """

    records: list[tuple[ListedRun, Sound]]
    predictions: pd.DataFrame
    curves: pd.DataFrame
    left_out: list[LeftOut]

    def without(self, bad: Mapping[str, str]) -> "Gathered":
        """The same but for the runs that are `bad`, for these reasons."""
        if not bad:
            return self
        gone = [
            LeftOut(method=listed.method, repeat=listed.repeat, fold=listed.fold, reason=bad[listed.key])
            for listed, _ in self.records
            if listed.key in bad
        ]
        runs = {one.place for one in gone}
        frames = (
            frame if frame.empty else frame[~frame["unit"].isin(list(bad))] for frame in (self.predictions, self.curves)
        )
        predictions, curves = (frame.reset_index(drop=True) for frame in frames)
        others = [one for one in self.left_out if one.place not in runs]
        return Gathered([one for one in self.records if one[0].key not in bad], predictions, curves, [*gone, *others])


def gathered(records: list[tuple[ListedRun, Sound]], lost: Sequence[LeftOut] = ()) -> Gathered:
    """Records, each with its run, and what of others is `lost`."""
    predictions = _gather([(listed, one.predictions) for listed, one in records])
    curves = _gather([(listed, one.curves) for listed, one in records if one.curves is not None])
    return Gathered(records, predictions, curves, [*lost, *(part for _, one in records for part in one.left_out)])


def where(listed: ListedRun) -> dict[str, Any]:
    """Whose a row is, in the columns that every table has."""
    return {"unit": listed.key, "method": listed.method, "repeat": listed.repeat, "fold": listed.fold}


def _gather(tables: Sequence[tuple[ListedRun, pa.Table]]) -> pd.DataFrame:
    """One table of every record, one below the other, each row saying whose it is."""
    if not tables:
        return pd.DataFrame()
    lengths = [table.num_rows for _, table in tables]
    whole: pd.DataFrame = pa.concat_tables([table for _, table in tables], promote_options="permissive").to_pandas(
        ignore_metadata=True
    )
    for column in ("unit", "method", "repeat", "fold"):
        values = pd.Series([where(listed)[column] for listed, _ in tables])
        whole[column] = values.repeat(lengths).to_numpy()
    return whole
