"""Scores with errors that hold both who was tested and how trainings turned out: two-way clustered variance.

A *cell* is a subject in a training: a fold of a repeat, whose network is that training's. Scans of one subject are
alike, and so are all that one network answers. To first order a score of the pooled scans moves with cell c by its
influence e_c (of a mean: what its scans got, less the mean times how many they are, over all scans; influences sum to
0), and with sums of influences over clusters the variance of the score is

    V = V_subjects + V_trainings - V_cells,    V_x = G_x / (G_x - 1) * sum over the G_x clusters of (sum of e)^2,

where the last term takes off what is counted twice. It estimates a sum of variances, so it is not let below the larger
of the first two. The score over sqrt(V) is referred to Student's t with Satterthwaite's degrees of freedom,

    df = V^2 / (V_subjects^2 / (S - 1) + V_trainings^2 / (J - 1) + V_cells^2 / (C - 1)).

With a single training run, of a split into training and test set, all is given its network, and V = V_subjects with
S - 1 degrees of freedom.

With one repeat every subject is in one training: subjects are nested in trainings, V_subjects is V_cells, and what is
left is V = V_trainings with J - 1 degrees of freedom, for folds of one size the paired t-test over folds. Where every
training tests one subject it is the other way round.

What trainings share by their scans is not in it: folds train on overlapping sets, and repeats on the same subjects.

Sources: A. C. Cameron, J. Gelbach and D. Miller, Robust inference with multiway clustering, Journal of Business &
Economic Statistics 29, 2011 (V, and the correction of each term); F. Satterthwaite, An approximate distribution of
estimates of variance components, Biometrics Bulletin 2, 1946; H. Bloom, Minimum detectable effects, Evaluation Review
19, 1995; L. Jaeckel, The infinitesimal jackknife, Bell Laboratories, 1972 (influences of any score). That clusters
which are nested in others count for nothing, and degrees of freedom over the three terms, are ours; docs/statistics.md
has the whole calibrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from reports.statistics.multiple_testing import LEVEL
from reports.statistics.scores import Grouped, Score, Sums, mean

#: How often a test of `LEVEL` finds a difference that is as large as the smallest one that it is said to detect.
POWER = 0.8
#: An error below this is rounding: all cells say the same.
_ROUNDING = 1e-9
#: So far each cell is made to weigh more and less to see how a score moves with it.
_STEP = 1e-3

Ints = NDArray[np.int64] | NDArray[np.intp]


@dataclass(frozen=True)
class Interval:
    """A score or a difference of scores, and the ends of its 95 % interval: shares of 1; NaN where undefined."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True)
class Estimate:
    """A score or a difference, and how far it may be from what other subjects and other trainings would give.

    Attributes:
        value: a share of 1; NaN where there is nothing.
        error: its standard error; NaN where it cannot be told, 0 where nothing varies that it is told from.
        freedom: degrees of freedom of the error; NaN where it is NaN or 0, and there is no interval.
        why: why there is no interval, a clause; empty where there is one.
        bounds: no value lies outside of these.
    """

    value: float
    error: float
    freedom: float
    why: str = ""
    bounds: tuple[float, float] = (-1.0, 1.0)

    @cached_property
    def interval(self) -> Interval:
        """The 95 % interval: it excludes zero where `p` is below `LEVEL`, and nowhere else."""
        reach = stats.t.ppf(1.0 - LEVEL / 2.0, self.freedom) * self.error
        low, high = np.clip([self.value - reach, self.value + reach], *self.bounds)
        return Interval(self.value, float(low), float(high))

    @property
    def p(self) -> float:
        """Of the hypothesis that the value is 0, two-sided; where nothing varies 1 if it is 0, and else not known."""
        if self.error == 0.0:
            return 1.0 if self.value == 0.0 else np.nan
        return float(2.0 * stats.t.sf(abs(self.value) / self.error, self.freedom))

    def detectable(self, level: float = LEVEL) -> float:
        """The smallest true value that a test of `level` with this error calls different from 0 with `POWER`.

        By the noncentral t distribution, as sums of quantiles fall short of it where degrees of freedom are few.
        """
        if np.isnan(self.freedom):
            return np.nan
        critical = float(stats.t.ppf(1.0 - level / 2.0, self.freedom))

        def lacking(shift: float) -> float:
            return float(stats.nct.sf(critical, self.freedom, shift)) - POWER

        return float(optimize.brentq(lacking, 0.0, 2.0 * critical + 5.0)) * self.error


class Variance(NamedTuple):
    """Of a mean: ``(...)`` each."""

    variance: NDArray[np.float64]
    freedom: NDArray[np.float64]


def two_way(
    subjects: NDArray[np.float64],
    trainings: NDArray[np.float64],
    cells: NDArray[np.float64],
    counts: Ints | None = None,
) -> Variance:
    """V and its degrees of freedom.

    Args:
        subjects: ``(..., S)``, sums of influences over each subject's cells; S is at least 2.
        trainings: ``(..., J)``, the same over each training's; J is at least 2.
        cells: ``(..., C)``, the influences themselves.
        counts: ``(..., 3)``, how many subjects, trainings and cells there are, where some of the former are only
            padding of influence 0; by default all.
    """
    sums = subjects, trainings, cells
    sizes = np.array([each.shape[-1] for each in sums]) if counts is None else np.moveaxis(counts, -1, 0)
    by_subject, by_training, by_cell = (
        (each**2).sum(axis=-1) * size / (size - 1) for each, size in zip(sums, sizes, strict=True)
    )
    whole = np.maximum(by_subject + by_training - by_cell, np.maximum(by_subject, by_training))
    with np.errstate(invalid="ignore", divide="ignore"):  # where nothing varies
        spread = sum(each**2 / (size - 1) for each, size in zip((by_subject, by_training, by_cell), sizes, strict=True))
        freedom = whole**2 / spread
    s, j, c = sizes
    nested = [np.broadcast_to(s == c, whole.shape), np.broadcast_to(j == c, whole.shape)]
    return Variance(np.select(nested, [by_training, by_subject], whole), np.select(nested, [j - 1.0, s - 1.0], freedom))


def one_way(subjects: NDArray[np.float64]) -> Variance:
    """V_subjects and its degrees of freedom, of sums ``(S,)`` of influences."""
    size = len(subjects)
    return Variance(np.asarray((subjects**2).sum() * size / (size - 1)), np.asarray(size - 1.0))


def clustered(
    value: float,
    influences: NDArray[np.float64],
    subjects: Ints,
    trainings: Ints,
    *,
    bounds: tuple[float, float] = (-1.0, 1.0),
    single: bool = False,
) -> Estimate:
    """`value` with its error.

    Args:
        value: a score of the pooled cells.
        influences: ``(C,)`` of the cells on it.
        subjects: ``(C,)``, whose each cell is, any whole numbers.
        trainings: ``(C,)``, by which training it was tested.
        bounds: of the score.
        single: whether the protocol has one training run alone, a split into training and test set: the error is then
            over subjects, given its network, V = V_subjects with S - 1 degrees of freedom.
    """
    (subject, named), (training, trained) = pd.factorize(subjects), pd.factorize(trainings)
    for clusters, what in ((named, "subject is tested"), (trained, "training run is finished")):
        if len(clusters) < 2 and not (single and clusters is trained):
            return Estimate(value, np.nan, np.nan, f"only one {what}", bounds)
    by_subject, by_training = (np.bincount(of, influences).astype(np.float64) for of in (subject, training))
    found = one_way(by_subject) if len(trained) == 1 else two_way(by_subject, by_training, influences)
    error = float(np.sqrt(found.variance))
    if error < _ROUNDING:
        return Estimate(
            value,
            0.0,
            np.nan,
            f"nothing varies between the {'subjects' if len(trained) == 1 else 'training runs'}",
            bounds,
        )
    return Estimate(value, error, float(found.freedom), "", bounds)


def estimate(
    sums: Sums,
    score: Score,
    subjects: Ints,
    trainings: Ints,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    single: bool = False,
) -> Estimate:
    """`score` of the pooled `sums` ``(C, ...)``, a row a cell, with its error; the rest as for `clustered`.

    Influences are half of what the score gains where a cell weighs a little more instead of a little less. Cells
    without a scan that counts (of another class, say) are left out, and with them subjects and trainings that have no
    other. NaN where the score is.
    """
    known = sums.reshape(len(sums), -1).any(axis=1)
    own, whole = sums[known].astype(np.float64), sums.sum(axis=0).astype(np.float64)
    influences = (score(whole + _STEP * own) - score(whole - _STEP * own)) / (2.0 * _STEP)
    return clustered(float(score(whole)), influences, subjects[known], trainings[known], bounds=bounds, single=single)


def estimate_labelled(
    cells: pd.DataFrame, score: Score, *, bounds: tuple[float, float], single: bool = False, empty: str = ""
) -> Estimate:
    """`estimate` of cells ``(C, n)``, labelled by subject, repeat and fold; `empty` is why there may be none."""
    if cells.empty:
        return Estimate(np.nan, np.nan, np.nan, empty, bounds)
    return estimate(cells.to_numpy(np.float64), score, *labels(cells.index), bounds=bounds, single=single)


def labels(index: pd.Index) -> tuple[Ints, Ints]:
    """Subjects and trainings of cells that are labelled by subject, repeat and fold, as `estimate` takes them."""
    trainings = np.stack([index.get_level_values(name).to_numpy(np.int64) for name in ("repeat", "fold")], axis=1)
    inverse = np.unique(trainings, axis=0, return_inverse=True)[1]
    return pd.factorize(index.get_level_values("subject"))[0], inverse.reshape(-1)  # NumPy 2.0 gives it a second axis


class Cells:
    """One method's predictions, grouped by subject and training."""

    def __init__(self, predictions: pd.DataFrame, classes: Sequence[str] = (), *, single: bool = False):
        """Of a row a tested scan, and the names of the classes if scores of `grouped` need them.

        `single` as for `clustered`.
        """
        self._single = single
        cell = predictions.groupby(["subject", "repeat", "fold"], sort=True).ngroup().to_numpy()
        first = predictions.iloc[np.unique(cell, return_index=True)[1]]
        self.grouped = Grouped(predictions.assign(cell=cell), range(len(first)), classes, by="cell")
        self._subjects = pd.factorize(first["subject"])[0]
        self._trainings = np.asarray(first.groupby(["repeat", "fold"]).ngroup(), dtype=np.int64)

    def estimate(self, sums: Sums, score: Score, *, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
        """`score` of `sums`, which are of `grouped`, with its error."""
        return estimate(sums, score, self._subjects, self._trainings, bounds=bounds, single=self._single)

    @property
    def accuracy(self) -> Estimate:
        """The share of scans that are right."""
        return self.estimate(self.grouped.hits, mean)
