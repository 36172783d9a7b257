"""Robustness: how much of its accuracy a method keeps on corrupted scans.

A method gets a share A of the clean test scans right, and under corruption c a share A_c of the same scans, the mean
over severities. Its *relative robustness* to c is A_c / A; the mean over corruptions is the method's. It is a ratio of
sums over the same cells (a subject in a training), so that intervals and tests are those of all scores
(`reports.statistics.clustered`), by the influence of each cell on the ratio.

A method that answers at random loses nothing: the ratio is to be read beside the accuracy on clean scans.

Source: D. Hendrycks and T. Dietterich, Benchmarking neural network robustness to common corruptions and perturbations,
ICLR 2019 (graded corruptions; scores averaged over severities first, then over corruptions). Theirs is a ratio of
errors to those of a given network; a ratio to the method's own clean accuracy needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.statistics.clustered import Estimate, estimate, estimate_labelled, labels
from reports.statistics.scores import Score, Sums

_CELL = ["subject", "repeat", "fold"]
_CONDITION = ["corruption", "severity"]
#: Places in a cell's sums: of scans, of those that are right when clean; those under each corruption follow.
_SCANS, _CLEAN, _FIRST = 0, 1, 2
#: A ratio of shares may be above 1.
_RATIO = (0.0, np.inf)
_DIFFERENCE = (-np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class Robustness:
    """A method's answers on clean and on corrupted scans.

    Attributes:
        cells: a row a cell, labelled by subject, repeat and fold: its scans, how many of them are right when clean, and
            by corruption how many under it, the mean over severities. Only trainings that were evaluated on all of
            these corruptions.
        single: whether the protocol has one training run a method (`reports.statistics.clustered.clustered`).
    """

    cells: pd.DataFrame
    single: bool = False

    @property
    def corruptions(self) -> list[str]:
        """Names of the corruptions."""
        return [str(name) for name in self.cells.columns[_FIRST:]]

    @cached_property
    def clean(self) -> Estimate:
        """Accuracy on the clean scans."""
        return self._estimate(lambda sums: sums[..., _CLEAN] / sums[..., _SCANS], (0.0, 1.0))

    @cached_property
    def corrupted(self) -> Estimate:
        """Accuracy on corrupted scans, the mean over corruptions."""
        return self._estimate(lambda sums: sums[..., _FIRST:].mean(axis=-1) / sums[..., _SCANS], (0.0, 1.0))

    @cached_property
    def relative(self) -> Estimate:
        """Relative robustness, the mean over corruptions; NaN of a method that gets no clean scan right."""
        return self._estimate(_relative, _RATIO)

    def accuracy(self, corruption: str) -> Estimate:
        """Accuracy under one corruption, the mean over severities."""
        at = self._at(corruption)
        return self._estimate(lambda sums: sums[..., at] / sums[..., _SCANS], (0.0, 1.0))

    def relative_to(self, corruption: str) -> Estimate:
        """Relative robustness to one corruption."""
        return self.relative_over([corruption])

    def relative_over(self, corruptions: Sequence[str]) -> Estimate:
        """Relative robustness to some corruptions, the mean over them."""
        at = [self._at(name) for name in corruptions]
        return self._estimate(lambda sums: _ratio(sums[..., at].mean(axis=-1), sums[..., _CLEAN]), _RATIO)

    def minus(self, other: "Robustness") -> Estimate:
        """This relative robustness minus that of another method, over the cells and corruptions that both have."""
        shared = [name for name in self.corruptions if name in other.corruptions]
        columns = [*self.cells.columns[:_FIRST], *shared]
        both = self.cells[columns].join(other.cells[columns].add_suffix(" of the other"), how="inner")
        width = len(columns)

        def difference(sums: Sums) -> NDArray[np.float64]:
            return np.asarray(_relative(sums[..., :width]) - _relative(sums[..., width:]))

        return _estimated(both, difference, _DIFFERENCE, single=self.single)

    def _at(self, corruption: str) -> int:
        return _FIRST + self.corruptions.index(corruption)

    def _estimate(self, score: Score, bounds: tuple[float, float]) -> Estimate:
        return _estimated(self.cells, score, bounds, single=self.single)


@dataclass(frozen=True, eq=False)
class Answers:
    """A method's answers on clean test scans and under corruptions of any severity, by cell.

    Attributes:
        clean: a row a cell, labelled by subject, repeat and fold: its scans, and how many of them are right.
        corrupted: a row a cell and corruption and severity, labelled by both: the same.
        single: whether the protocol has one training run a method (`reports.statistics.clustered.clustered`).
    """

    clean: pd.DataFrame
    corrupted: pd.DataFrame
    single: bool = False

    @cached_property
    def corruptions(self) -> list[str]:
        """Names of the corruptions that any training was evaluated on."""
        return [str(name) for name in self._means.columns]

    def robustness(self, corruptions: Sequence[str]) -> Robustness:
        """Robustness to some corruptions. A training that was not evaluated on all of them counts for nothing."""
        cells = self.clean.join(self._means.reindex(columns=list(corruptions)), how="inner").dropna()
        return Robustness(cells.astype(np.float64), self.single)

    @cached_property
    def at_severities(self) -> dict[tuple[str, int], Estimate]:
        """Accuracy by corruption and severity, each on the scans of the trainings that were evaluated on it."""
        scans, hits = (self.corrupted[name].unstack(_CONDITION) for name in ("scans", "hits"))
        subjects, trainings = labels(scans.index)
        found = {}
        for place, (name, severity) in enumerate(scans.columns.to_frame().itertuples(index=False, name=None)):
            sums = np.stack([of.iloc[:, place].to_numpy(np.float64) for of in (scans, hits)], axis=-1)
            known = ~np.isnan(sums[:, 0])
            given = subjects[known], trainings[known]
            found[str(name), int(severity)] = estimate(sums[known], _accuracy, *given, single=self.single)
        return found

    @cached_property
    def _means(self) -> pd.DataFrame:
        """By cell and corruption how many scans are right, the mean over severities."""
        return self.corrupted["hits"].groupby(level=[*_CELL, "corruption"], sort=True).mean().unstack("corruption")


def answers(predictions: pd.DataFrame, evaluations: pd.DataFrame, *, single: bool = False) -> Answers:
    """A method's answers.

    Args:
        predictions: the method's, a row a clean test scan (`reports.schema.PREDICTIONS`).
        evaluations: the method's, a row a subject, training, corruption and severity (`reports.schema.EVALUATIONS`).
        single: whether the protocol has one training run a method.
    """
    right = (predictions["expression"] == predictions["predicted"]).rename("clean")
    cells = predictions[_CELL].assign(clean=right).groupby(_CELL, sort=True)["clean"]
    clean = pd.DataFrame({"scans": cells.size(), "clean": cells.sum()})
    corrupted = evaluations.set_index([*_CELL, *_CONDITION])[["scans", "hits"]]
    return Answers(clean, corrupted, single)


def _accuracy(sums: Sums) -> NDArray[np.float64]:
    return np.asarray(sums[..., 1] / sums[..., 0])


def _estimated(cells: pd.DataFrame, score: Score, bounds: tuple[float, float], *, single: bool) -> Estimate:
    none = "no training run is evaluated on all corruptions"
    return estimate_labelled(cells, score, bounds=bounds, single=single, empty=none)


def _relative(sums: Sums) -> NDArray[np.float64]:
    return _ratio(sums[..., _FIRST:].mean(axis=-1), sums[..., _CLEAN])


def _ratio(above: Sums, below: Sums) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)
