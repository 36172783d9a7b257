"""Every method against the control in every suite, and how often the difference is significant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from reports import formats
from reports.multi_suite.overview import method_cell, suite_columns
from reports.multi_suite.suites import MultiSuite
from reports.statistics.multiple_testing import LEVEL
from reports.table import NOTHING, Cell, Table, TableColumn
from reports.tables.compared import Compared
from reports.tables.significance import LOSS, TIE, WIN, verdict


def versus_control(multi: MultiSuite) -> pd.DataFrame:
    """One row a method and suite that has it and the control, methods in the order of the suites.

    Columns:
        method, suite, data_set; difference, low, high: accuracy minus the control's (shares of 1) with its
        interval; p_holm: the primary test's, adjusted as in the suite's own table of pairs (over all pairs, where
        the suite's control is another); verdict: ``"win"`` of the method, ``"loss"``, ``"tie"`` where the test does not
        tell the two apart, nothing where they could not be compared.
    """
    rows = [
        {**row, "suite": suite, "data_set": multi.data_set(suite), "verdict": verdict(row["difference"], row["p_holm"])}
        for one, suite in zip(multi.suites, multi.names, strict=True)
        for row in _with(multi.control, one)
    ]
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
    counted = found[~found["method"].isin(multi.varying) & (multi.control not in multi.varying)]
    return {str(method): Counter(rows["verdict"]) for method, rows in counted.groupby("method", sort=False)}


def versus_control_table(multi: MultiSuite, found: pd.DataFrame) -> Table:
    """`versus_control`, a row a method, a column a suite."""
    control, counts = method_cell(multi, multi.control), tallies(multi, found)
    gap = TableColumn(
        key="difference",
        title="Difference",
        unit="points",
        format=formats.points,
        ends=("low", "high"),
        brackets="95 %",
        strong=lambda row: row["p_holm"] < LEVEL,
        with_p=True,
    )
    columns = suite_columns(multi, gap, first="Method, difference in percentage points", page="{}")
    columns.append(TableColumn(key="tally", title="Wins / ties / losses", format=str))
    cells = {
        (row["method"], row["suite"]): replace(
            gap.cell(row), p="" if np.isnan(row["p_holm"]) else formats.p_value(row["p_holm"])
        )
        for row in found.to_dict("records")
    }
    rows = [
        [
            method_cell(multi, method),
            *(cells.get((method, suite), NOTHING) for suite in multi.names),
            _tally_cell(counts.get(method)),
        ]
        for method in found["method"].unique()
    ]
    gaps = f"Accuracy minus that of {control} over the folds that both have finished, its 95 % interval"
    test = "the primary test (two-way clustered t-test), Holm-adjusted as in the suite's own table of pairs"
    win = f"A win is a method that this test tells apart (p below {LEVEL}) with the higher accuracy"
    return Table(
        name="against",
        title=f"Δ vs {control}",
        columns=columns,
        rows=rows,
        numbers=found,
        notes=[
            f"{gaps}, and p of {test}.",
            f"{win}, a loss one with the lower; else there is a tie. Nothing is adjusted over suites.",
        ],
        page_notes=["Bold: significant."],
        caption=f"Accuracy against {multi.titles[multi.control]}.",
        titles=multi.titles,
        label="Table of each other method against the control, by suite",
        look=multi.look,
    )


def _tally_cell(counts: Mapping[str, int] | None) -> Cell:
    """Wins, ties and losses, ``1 / 0 / 2``; sorted by wins and half of ties."""
    if counts is None:
        return NOTHING
    text = " / ".join(str(counts[what]) for what in (WIN, TIE, LOSS))
    return Cell(text=text, value=counts[WIN] + counts[TIE] / 2.0)
