"""Methods ranked over datasets, where these are enough."""

from dataclasses import replace

import numpy as np
import pandas as pd

from reports import formats
from reports.multi_suite.suites import MultiSuite
from reports.statistics.multiple_testing import LEVEL
from reports.statistics.ranks import Ranks, friedman, why_not
from reports.table import Cell, Table, TableColumn


def ranking(multi: MultiSuite) -> Ranks | None:
    """The ranks of the methods that all datasets have; None where there are too few (`why_no_ranking`)."""
    return None if why_no_ranking(multi) else friedman(multi.scores[multi.shared])


def why_no_ranking(multi: MultiSuite) -> str:
    """Reason why there are no ranks, in a sentence; empty where there are."""
    return why_not(len(multi.data_sets), len(multi.shared))


def like_the_first(found: Ranks) -> list[str]:
    """The methods whose mean rank is no critical difference above the best one's, which is not among them.

    All others, where Friedman's test does not tell any apart: only then is a critical difference looked at.
    """
    near = found.ranks - found.ranks.iloc[0] < (found.critical if found.p < LEVEL else np.inf)
    return [str(method) for method in found.ranks.index[near]][1:]


def cliques(found: Ranks) -> list[tuple[int, int]]:
    """First and last place of every largest group whose mean ranks lie within less than a critical difference."""
    ranks = found.ranks.to_numpy()
    ends = [int((ranks - start < found.critical).nonzero()[0][-1]) for start in ranks]
    reached = -1
    groups = []
    for first, last in enumerate(ends):
        if last > max(first, reached):
            groups.append((first, last))
        reached = max(reached, last)
    return groups


def ranks_table(multi: MultiSuite, found: Ranks) -> pd.DataFrame:
    """One row a method and dataset, the best method first.

    Columns:
        method, mean_rank, data_set, accuracy (a share of 1), rank (1 the best, ties shared), and the same in every row:
        friedman (the statistic), p, critical_difference.
    """
    scores = multi.scores[found.ranks.index]
    each = pd.DataFrame({"accuracy": scores.stack(), "rank": scores.rank(axis=1, ascending=False).stack()})
    each = each.rename_axis(["data_set", "method"]).reset_index()
    each = each.assign(mean_rank=each["method"].map(found.ranks)).sort_values(
        "method", key=lambda names: names.map(found.ranks.index.get_loc), kind="stable", ignore_index=True
    )
    each = each.assign(friedman=found.statistic, p=found.p, critical_difference=found.critical)
    return each[["method", "mean_rank", "data_set", "accuracy", "rank", "friedman", "p", "critical_difference"]]


def ranking_table(multi: MultiSuite, found: Ranks) -> Table:
    """A row a method, the best first: its mean rank, then accuracy and rank on each dataset."""
    alike, numbers = like_the_first(found), ranks_table(multi, found)
    mean = TableColumn(key="mean_rank", title="Mean rank", format="{:.2f}".format, better="lower")
    score = TableColumn(
        key="accuracy", title="Accuracy", unit="%", format=formats.percent, brackets="rank", end_words="rank {}"
    )
    data_sets = [replace(score, key=f"dataset {name}", title=name, page=name) for name in map(str, multi.scores.index)]
    rows = []
    for method, each in numbers.groupby("method", sort=False):
        records = each.to_dict("records")
        mark = formats.ALIKE if method in alike else ""
        cells = [replace(score.cell(row), ends=[f"{row['rank']:g}"]) for row in records]
        rows.append([Cell(text=str(method)), replace(mean.cell(records[0]), mark=mark), *cells])
    test = f"Friedman's test over datasets, then Nemenyi's critical difference, {found.critical:.2f} (Demšar 2006)"
    return Table(
        name="ranks",
        title="Ranks over datasets",
        columns=[TableColumn(key="method", title="Method"), mean, *data_sets],
        rows=rows,
        numbers=numbers,
        notes=[
            "Rank 1 is the best on a dataset; equal accuracies share a rank.",
            f"{formats.ALIKE} Not significantly different from the best mean rank at 5 %: {test}.",
        ],
        titles=multi.titles,
        label="Table of ranks over datasets",
        look="whole",
    )


def verdict(found: Ranks) -> list[str]:
    """Friedman's test and Nemenyi's critical difference, in sentences."""
    first, *others = (str(method) for method in found.ranks.index)
    best = [first, *(other for other in others if found.ranks[other] == found.ranks[first])]
    if not found.p < LEVEL:
        message = f"p {formats.p_value(found.p)}" if found.p == found.p else "all scores are equal"
        return [
            f"Friedman's test finds no significant difference between the mean ranks ({message}), so no pair is tested."
        ]
    test = f"Friedman's test says that mean ranks differ (χ² {found.statistic:.2f}, p {formats.p_value(found.p)})."
    alike = like_the_first(found)
    near = (
        f"not significantly different from it: {formats.names(alike)}"
        if alike
        else "it differs significantly from all others"
    )
    if alike == others:
        near = "no other differs significantly from it"
    have = "has" if len(best) == 1 else "share"
    message = f"{formats.names(best)} {have} the best mean rank, {found.ranks.iloc[0]:.2f}"
    return [test, f"{message}; by Nemenyi's critical difference of {found.critical:.2f} {near}."]
