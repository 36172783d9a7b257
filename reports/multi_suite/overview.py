"""Methods by suites: the accuracy of each in each, and its mean over datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from reports import formats
from reports.multi_suite.suites import MultiSuite
from reports.table import NOTHING, Cell, Table, TableColumn
from reports.tables.comparison import placed


def overview(multi: MultiSuite) -> pd.DataFrame:
    """One row a method and suite that has it, methods in the order of the suites.

    Columns:
        method, suite, data_set; units (finished); accuracy, low, high (shares of 1, the interval as in the suite's own
        report); place (``"best"``, ``"second"`` of the suite, or nothing); alike (whether it does not differ
        significantly, by the primary test, from the suite's best); mean (over datasets, the same in every row of a
        method; NaN where there is none, `MultiSuite.means`).
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


def overview_table(multi: MultiSuite, found: pd.DataFrame, *, notes: Sequence[str]) -> Table:
    """`overview`, a row a method, a column a suite, the mean over datasets if there is one."""
    accuracy = _share("accuracy", "Accuracy", ends=("low", "high"))
    columns = suite_columns(multi, accuracy, first="Method, accuracy in %", page="{}")
    cells = {(row["method"], row["suite"]): _cell(row, accuracy) for row in found.to_dict("records")}
    rows = [
        [method_cell(multi, method), *(cells.get((method, suite), NOTHING) for suite in multi.names)]
        for method in multi.methods
    ]
    if len(multi.means):
        columns.append(mean := _share("mean", f"Mean of {len(multi.data_sets)} datasets"))
        numbers = multi.means.rename("mean").rename_axis("method").reset_index()
        places = placed(numbers, mean) if len(numbers) > 1 else {}
        for method, row in zip(multi.methods, rows, strict=True):
            row.append(replace(mean.cell({"mean": multi.means.get(method, np.nan)}), place=places.get(method, "")))
    return Table(
        name="overview",
        title="Accuracy by suite",
        columns=columns,
        rows=rows,
        numbers=found,
        notes=[_legend(multi, found), *notes],
        page_notes=["Small below a suite's name is its dataset, below an accuracy its 95 % interval."],
        titles=multi.titles,
        label="Table of accuracy by suite",
        look=multi.look,
    )


def method_cell(multi: MultiSuite, method: str) -> Cell:
    """A method's name, marked where it is not the same in all suites."""
    return Cell(text=method, mark=formats.DIFFERS if method in multi.varying else "")


def suite_columns(multi: MultiSuite, of: TableColumn, *, first: str, page: str = "") -> list[TableColumn]:
    """A column of methods, which the page calls `first`, and for each suite one as `of`, its dataset below its name."""
    columns = [TableColumn(key="method", title="Method", page=first)]
    return columns + [
        replace(of, key=f"suite {suite}", title=suite, page=page.format(suite), under=multi.data_set(suite))
        for suite in multi.names
    ]


def _share(key: str, title: str, *, ends: Sequence[str] = ()) -> TableColumn:
    brackets = "95 %" if ends else ""
    return TableColumn(key=key, title=title, unit="%", format=formats.percent, ends=ends, brackets=brackets)


def _cell(row: Mapping[Any, Any], column: TableColumn) -> Cell:
    return replace(column.cell(row), place=row["place"], mark=formats.ALIKE if row["alike"] else "")


def _legend(multi: MultiSuite, found: pd.DataFrame) -> str:
    """Legend of the marks, in sentences."""
    parts = ["Of each suite the best in bold, the second underlined."]
    if found["alike"].any():
        parts.append(f"{formats.ALIKE} Not significantly different from the suite's best (primary test).")
    if multi.method_differences:
        parts.append(f"{formats.DIFFERS} Not the same in all suites: in no mean, tally or rank.")
    return " ".join(parts)
