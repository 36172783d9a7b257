"""Variance components of a score: training, and the choice of settings.

A suite may repeat its whole search with other sampler seeds and train a best trial again with other training seeds. On
one outer fold the accuracy of search s's best trial, trained with seed r, is taken as

    y_sr = m + c_s + t_sr,    Var(c_s) = C,  Var(t_sr) = T,

a one-way random-effects model with searches as groups. T is the pooled variance of one setting's trainings,

    T = sum_g sum_r (y_gr - mean_g)^2 / sum_g (n_g - 1),    g = (repeat, fold, setting).

The best trials of all searches, each trained with the ordinary seed (r = 0), vary by both: V, the pooled variance over
searches within a (repeat, fold), has the expectation C + q T, so that

    C = max(0, V - q T),

where q is the share of pairs of best trials that differ in setting. It is 1 unless searches chose alike: these share
one training, which has no variance of its own. Best trials with different settings are taken to share none, though they
are trained with the same seed; where they do, C comes out too small. Square roots are given: both components as
standard deviations of one fold's accuracy.

Sources: S. Searle, G. Casella and C. McCulloch, Variance Components, 1992, chapter 3 (moment estimates of the one-way
model, and that they may fall below zero); X. Bouthillier et al., Accounting for Variance in Machine Learning
Benchmarks, MLSys 2021 (that choosing hyper-parameters is a source of variance beside seeds). q is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.table import Table, TableColumn, rows_of
from reports.tables.tuning import settings

_NOTES = (
    "Training: between runs of one setting on one fold (training seeds).",
    "Choosing: what the best trials of the searches, each trained with the ordinary seed, vary beyond that.",
    "A negative estimate is truncated to 0.",
    "So few runs give a standard deviation only roughly: ten of one setting to about a quarter of its size.",
    "A difference of two variances is known less precisely still.",
)
_FOLD = ["repeat", "fold"]
_COLUMNS = ["method", "training", "training_units", "choosing", "choosing_units", "cut"]


@dataclass(frozen=True)
class Components:
    """Standard deviations of one fold's accuracy, shares of 1, NaN where there is nothing to tell them from.

    Attributes:
        training: from training alone.
        training_units: different trainings that it comes from.
        choosing: from choosing alone.
        choosing_units: best trials that it comes from, beside the trainings of the former.
        cut: whether the estimate of choosing's variance was below zero and is given as zero.
    """

    training: float
    training_units: int
    choosing: float
    choosing_units: int
    cut: bool


def components(trainings: pd.DataFrame) -> Components:
    """The components of one method's spread.

    Args:
        trainings: a row a training of a best trial: repeat, fold, search, setting (equal for best trials that are
            alike), reseed (0 is the ordinary seed), accuracy.
    """
    alone, alone_units = _pooled(trainings.drop_duplicates([*_FOLD, "setting", "reseed"]), [*_FOLD, "setting"])
    best_trials = trainings[trainings["reseed"] == 0]
    both, both_units = _pooled(best_trials, _FOLD)
    chosen = both - _different(best_trials) * alone
    return Components(
        training=float(np.sqrt(alone)),
        training_units=alone_units,
        choosing=float(np.sqrt(np.maximum(chosen, 0.0))),
        choosing_units=both_units,
        cut=bool(chosen < 0.0),
    )


def variance_components(results: Results) -> pd.DataFrame:
    """One row a method whose best trials were trained more than once, in the suite's order.

    Columns:
        method, and the fields of `Components`.
    """
    trainings = results.selection.assign(setting=settings(results))
    rows = [
        {"method": method, **vars(components(own))}
        for method in results.provenance.methods
        if not (own := trainings[trainings["method"] == method]).empty
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def components_table(results: Results) -> Table:
    """`variance_components`, a row a method."""
    found, plan = variance_components(results), results.provenance

    def deviation(key: str, title: str) -> TableColumn:
        return TableColumn(key=key, title=title, unit="points", format=partial(formats.percent, digits=2))

    columns = [
        TableColumn(key="method", title="Method"),
        deviation("training", "Training (seed)"),
        TableColumn(key="training_units", title="Training runs", format=str),
        deviation("choosing", "Selection"),
        TableColumn(key="choosing_units", title="Best trials", format=str),
    ]
    rows = rows_of(columns, found)
    for row, cut in zip(rows, found["cut"], strict=True):
        row[3] = replace(row[3], text=f"cut at {row[3].text}") if cut else row[3]
    return Table(
        name="spread",
        title="Variance components: training and hyper-parameter selection",
        columns=columns,
        rows=rows,
        numbers=found,
        page_notes=_NOTES,
        caption="Standard deviation of one fold's accuracy from training and from choosing hyper-parameters "
        f"({plan.called}).",
        titles=plan.titles,
        label="Table of what the spread comes from",
        look="whole",
        sorts=False,
    )


def _pooled(rows: pd.DataFrame, group: Sequence[str]) -> tuple[float, int]:
    """The pooled variance of accuracy within groups, and the rows of groups that have one; NaN where none has."""
    accuracies = rows.groupby(list(group))["accuracy"]
    sizes = accuracies.transform("size")
    freedom = len(rows) - accuracies.ngroups
    squares = float(((rows["accuracy"] - accuracies.transform("mean")) ** 2).sum())
    return (squares / freedom if freedom else np.nan), int((sizes > 1).sum())


def _different(best_trials: pd.DataFrame) -> float:
    """The share of pairs of best trials of one fold that differ in setting, folds weighted by their degrees of freedom.

    NaN where no fold has two best trials.
    """
    searches = best_trials.groupby(_FOLD).size()
    alike = best_trials.groupby([*_FOLD, "setting"]).size()
    pairs = searches * (searches - 1)
    same = (alike * (alike - 1)).groupby(_FOLD).sum()
    several = searches > 1
    if not several.any():
        return np.nan
    return float(np.average(1.0 - same[several] / pairs[several], weights=searches[several] - 1))
