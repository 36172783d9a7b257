"""Every method against the control in every suite, and how often the difference is significant."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports import formats
from reports.markup import FormattedTable
from reports.multi_suite.suites import MultiSuite
from reports.tables.compared import Compared
from reports.tables.significance import LEVEL

#: What the primary test finds of a method and the control.
WIN, TIE, LOSS = "win", "tie", "loss"


def versus_control(multi: MultiSuite) -> pd.DataFrame:
    """One row a method and suite that has it and the control, methods in the order of the suites.

    Columns:
        method, suite, data_set; difference, low, high: accuracy minus the control's (shares of 1) with its interval
        over subjects; p_holm: the primary test's, adjusted as in the suite's own table of pairs (over all pairs, where
        the suite's control is another); verdict: ``"win"`` of the method, ``"loss"``, ``"tie"`` where the test does not
        tell the two apart, nothing where they could not be compared.
    """
    rows = []
    for one, suite in zip(multi.suites, multi.names, strict=True):
        for row in _with(multi.control, one):
            gap, p = row["difference"], row["p_holm"]
            apart = WIN if gap > 0 else LOSS
            verdict = "" if np.isnan(gap) else apart if p < LEVEL and gap else TIE
            rows.append({"suite": suite, "data_set": multi.data_set(suite), **row, "verdict": verdict})
    columns = ["method", "suite", "data_set", "difference", "low", "high", "p_holm", "verdict"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values("method", key=lambda names: names.map(multi.methods.index), kind="stable")


def _with(control: str, one: Compared) -> list[dict[str, Any]]:
    """The suite's pairs of a method and `control`, in the suite's order, as differences to it."""
    found = []
    for row in one.pairs.to_dict("records"):
        gap = [row["difference"], row["low"], row["high"]]
        if row["method_b"] == control:
            other = row["method_a"]
        elif row["method_a"] == control:
            other, gap = row["method_b"], [-gap[0], -gap[2], -gap[1]]
        else:
            continue
        found.append({"method": other, **dict(zip(("difference", "low", "high"), gap, strict=True))})
        found[-1]["p_holm"] = row["p_holm"]
    return found


def tallies(multi: MultiSuite, found: pd.DataFrame) -> dict[str, Counter[str]]:
    """By method, how many suites are a win, a tie and a loss; `found` is `versus_control`.

    Not of a method that is another in some suite, and of none where the control is.
    """
    method_differences = {one.method for one in multi.method_differences}
    counted = found[~found["method"].isin(method_differences) & (multi.control not in method_differences)]
    return {str(method): Counter(rows["verdict"]) for method, rows in counted.groupby("method", sort=False)}


def displayed_versus_control(multi: MultiSuite, found: pd.DataFrame) -> FormattedTable:
    """`versus_control` as a reader meets it: a row a method, a column a suite."""
    cells = {(row["method"], row["suite"]): row for row in found.to_dict("records")}
    counts = tallies(multi, found)
    rows = []
    for method in found["method"].unique():
        own = [cells.get((method, suite)) for suite in multi.names]
        texts = [_cell(row) if row else formats.NOTHING for row in own]
        rows.append([multi.labelled(method), *texts, tally(counts.get(method))])
    suites = [f"{suite}, points (95 %), p" for suite in multi.names]
    return FormattedTable(pd.DataFrame(rows, columns=["Method", *suites, "Wins / ties / losses"]))


def tally(counts: Mapping[str, int] | None) -> str:
    """Wins, ties and losses: ``1 / 0 / 2``."""
    return " / ".join(str(counts[what]) for what in (WIN, TIE, LOSS)) if counts else formats.NOTHING


def _cell(row: Mapping[Any, Any]) -> str:
    gap = formats.ranged(*(formats.points(row[name]) for name in ("difference", "low", "high")))
    return gap if np.isnan(row["p_holm"]) else f"{gap} {formats.p_value(row['p_holm'])}"
