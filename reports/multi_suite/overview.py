"""Methods by suites: the accuracy of each in each, and its mean over datasets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports import formats
from reports.markup import FormattedTable
from reports.multi_suite.suites import MultiSuite

#: What is best and second best is told by rank, equal scores sharing one.
_PLACES = {1.0: "best", 2.0: "second"}


def overview(multi: MultiSuite) -> pd.DataFrame:
    """One row a method and suite that has it, methods in the order of the suites.

    Columns:
        method, suite, data_set; units (finished); accuracy, low, high (shares of 1, the interval over resampled
        subjects, as in the suite's own report); place (``"best"``, ``"second"`` of the suite, or nothing); alike
        (whether it does not differ significantly, by the primary test, from the suite's best); mean (over datasets, the
        same in every row of a method; NaN where there is none, `MultiSuite.means`).
    """
    rows = []
    for one, suite in zip(multi.suites, multi.names, strict=True):
        places = one.marks.places["accuracy"]
        for row in one.table.to_dict("records"):
            method = row["method"]
            rows.append(
                {
                    "method": method,
                    "suite": suite,
                    "data_set": multi.data_set(suite),
                    "units": row["units"],
                    **{"accuracy": row["accuracy"], "low": row["accuracy_low"], "high": row["accuracy_high"]},
                    "place": places.get(method, ""),
                    "alike": method in one.marks.alike,
                    "mean": multi.means.get(method, np.nan),
                }
            )
    found = pd.DataFrame(rows)
    return found.sort_values("method", key=lambda names: names.map(multi.methods.index), kind="stable")


def mean_places(multi: MultiSuite) -> dict[str, str]:
    """Which methods have the best and the second best mean."""
    ranks = multi.means.rank(method="dense", ascending=False)
    return {str(method): _PLACES[rank] for method, rank in ranks.items() if rank in _PLACES and len(ranks) > 1}


def displayed_overview(multi: MultiSuite, found: pd.DataFrame) -> FormattedTable:
    """`overview` as a reader meets it: a row a method, a column a suite, the mean over datasets if there is one."""
    cells = {(row["method"], row["suite"]): row for row in found.to_dict("records")}
    means = mean_places(multi)
    rows, places = [], []
    for method in multi.methods:
        own = [cells.get((method, suite)) for suite in multi.names]
        rows.append([multi.labelled(method), *(_cell(one) if one else formats.NOTHING for one in own)])
        places.append(["", *(one["place"] if one else "" for one in own)])
        if len(multi.means):
            rows[-1].append(formats.percent(multi.means.get(method, np.nan)))
            places[-1].append(means.get(method, ""))
    mean = [f"Mean of {len(multi.data_sets)} datasets, %"] * bool(len(multi.means))
    columns = ["Method", *(f"{suite}, % (95 %)" for suite in multi.names), *mean]
    return FormattedTable(pd.DataFrame(rows, columns=columns), pd.DataFrame(places, columns=columns))


def legend(multi: MultiSuite, found: pd.DataFrame) -> str:
    """What the marks stand for, in sentences."""
    alike = f" {formats.ALIKE} Not significantly different from the suite's best (primary test)."
    method_differences = f" {formats.DIFFERS} Not the same in all suites: in no mean, tally or rank."
    message = "Of each suite the best in bold, the second underlined."
    return message + alike * bool(found["alike"].any()) + method_differences * bool(multi.method_differences)


def _cell(row: Mapping[Any, Any]) -> str:
    score = formats.ranged(*(formats.percent(row[name]) for name in ("accuracy", "low", "high")))
    return score + f" {formats.ALIKE}" * bool(row["alike"])
