"""Cross-dataset accuracy: how often a method is right in datasets that it was not trained on.

Every training of the suite's protocol is tested on all scans of another dataset that it may see, so that a cell is a
subject of that dataset in a training, and intervals and tests are those of all scores (`reports.statistics.clustered`).
The mean over datasets weighs each dataset alike, however many scans it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.statistics.clustered import Estimate, estimate_labelled
from reports.statistics.scores import Sums

_CELL = ["subject", "repeat", "fold"]


@dataclass(frozen=True, eq=False)
class CrossDataset:
    """A method's answers in other datasets.

    Attributes:
        datasets: their names.
        cells: a row a cell, labelled by subject, repeat and fold: two columns a dataset, the subject's scans in it and
            how many of them are right; 0 where a dataset has not this subject. Only trainings that were tested on all.
        single: whether the protocol has one training run a method (`reports.statistics.clustered.clustered`).
    """

    datasets: Sequence[str]
    cells: pd.DataFrame
    single: bool = False

    def accuracy(self, dataset: str) -> Estimate:
        """Accuracy in one of the datasets."""
        at = 2 * list(self.datasets).index(dataset)
        return self._estimate(self.cells.iloc[:, at : at + 2])

    @cached_property
    def mean(self) -> Estimate:
        """Accuracy, the mean over datasets."""
        return self._estimate(self.cells)

    def minus(self, other: "CrossDataset") -> Estimate:
        """This mean minus that of another method, over the cells that both have."""
        both = self.cells.join(other.cells.add_suffix(" of the other"), how="inner")
        width = len(self.cells.columns)

        def difference(sums: Sums) -> NDArray[np.float64]:
            return np.asarray(_mean(sums[..., :width]) - _mean(sums[..., width:]))

        return estimate_labelled(both, difference, bounds=(-1.0, 1.0), single=self.single, empty=_NONE)

    def _estimate(self, cells: pd.DataFrame) -> Estimate:
        return estimate_labelled(cells, _mean, bounds=(0.0, 1.0), single=self.single, empty=_NONE)


_NONE = "no training run is tested on all datasets"


def cross_dataset(answers: pd.DataFrame, datasets: Sequence[str], *, single: bool = False) -> CrossDataset:
    """Answers of a method in `datasets`.

    Args:
        answers: the method's, a row a subject, training and dataset (`reports.schema.CROSS_DATASET`).
        datasets: which count. A training that was not tested on all of them counts for nothing.
        single: whether the protocol has one training run a method.
    """
    own = answers[answers["dataset"].isin(list(datasets))]
    tested_on = own.groupby(["repeat", "fold"])["dataset"].transform("nunique")
    whole = own[tested_on == len(datasets)]
    cells = whole.pivot(index=_CELL, columns="dataset", values=["scans", "hits"])
    columns = [(kind, name) for name in datasets for kind in ("scans", "hits")]
    cells = cells.reindex(columns=pd.MultiIndex.from_tuples(columns)).fillna(0).astype(np.float64)
    return CrossDataset(datasets, cells.set_axis([f"{kind} {name}" for kind, name in columns], axis=1), single)


def _mean(sums: Sums) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((sums[..., 1::2] / sums[..., 0::2]).mean(axis=-1))
