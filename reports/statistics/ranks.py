"""Methods ranked over several datasets: Friedman's test and Nemenyi's critical difference.

One dataset has one ranking, whatever its folds: these are for suites on several, taken together.

Source: J. Demšar, Statistical comparisons of classifiers over multiple datasets, JMLR 7, 2006, section 3.2.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from reports.schema import ReportError

#: With fewer datasets ranks say next to nothing.
LEAST_SETS = 5
#: scipy's test takes no fewer; for two methods there is the signed-rank test.
LEAST_METHODS = 3


@dataclass(frozen=True, eq=False)
class Ranks:
    """Methods over datasets.

    Attributes:
        ranks: mean rank by method, 1 the best, ties shared; best first.
        statistic: Friedman's, corrected for ties; NaN where no dataset tells any methods apart.
        p: that ranks differ so much among equal methods; NaN likewise.
        critical: mean ranks of two methods differ at 5 % where they are at least so far apart (Nemenyi).
    """

    ranks: "pd.Series[float]"
    statistic: float
    p: float
    critical: float


def why_not(sets: int, methods: int) -> str:
    """Reason why ranks over so many datasets and methods are not given, in one sentence; empty where they can be."""
    if sets < LEAST_SETS:
        held = "is one" if sets == 1 else f"are {sets}"
        return (
            f"Friedman's test and critical differences rank methods over datasets and need at least {LEAST_SETS}; "
            f"here {held}."
        )
    if methods < LEAST_METHODS:
        return f"Friedman's test needs at least {LEAST_METHODS} methods; here are {methods}."
    return ""


def friedman(scores: pd.DataFrame) -> Ranks:
    """The ranks of methods over datasets.

    Args:
        scores: a row a dataset, a column a method, higher is better.

    Raises:
        ReportError: too few datasets or methods, or a score is missing.
    """
    if why := why_not(*scores.shape):
        raise ReportError(f"scores: {scores.shape[0]} datasets of {scores.shape[1]} methods: {why}")
    values = scores.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        where = f"{scores.columns[column]!r} on {scores.index[row]!r}"
        raise ReportError(f"scores: {where} is {values[row, column]}, allowed is a finite number")
    sets, methods = values.shape
    ranks = pd.Series(stats.rankdata(-values, axis=1).mean(axis=0), index=scores.columns).sort_values(kind="stable")
    statistic, p = stats.friedmanchisquare(*values.T) if np.ptp(values, axis=1).any() else (np.nan, np.nan)
    span = stats.studentized_range.ppf(0.95, methods, np.inf) / np.sqrt(2.0)
    critical = span * np.sqrt(methods * (methods + 1) / (6.0 * sets))
    return Ranks(ranks, float(statistic), float(p), float(critical))
