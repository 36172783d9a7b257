"""Accuracy by an attribute of the scans, such as the subject's sex: a table for each attribute."""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.schema import ReportError
from reports.statistics.clustered import Cells
from reports.table import NOTHING, Cell, Table, TableColumn
from reports.tables.scores import INTERVALS

#: An attribute with more values, such as an age in years, is no way to divide scans.
MOST = 12
#: Columns of ``by_ATTRIBUTE.csv``, in order.
COLUMNS = ["method", "value", "scans", "subjects", "accuracy", "accuracy_low", "accuracy_high"]
_ALONE = (
    "Each interval is of one column's scans: overlapping intervals do not show that the values are equally difficult."
)
_NONE = "Where there is no interval, the scans are of too few subjects or training runs, or these do not differ."


def attribute_tables(results: Results) -> Iterator[Table]:
    """A table for each of `Results.attributes`: a row a method, and a column of accuracy for each of its values.

    Raises:
        ReportError: it has too few or too many values, or a single subject has one and may not be named.
    """
    for name in results.attributes.columns.drop("scan", errors="ignore"):
        tested = results.predictions.merge(results.attributes[["scan", name]], on="scan")
        tested = tested[tested[name] != ""]
        count = tested[name].nunique()
        if not 2 <= count <= MOST:
            raise ReportError(f"--by {name}: {count} values among the tested scans (allowed: 2 to {MOST})")
        if not results.provenance.named and tested.groupby(name)["subject"].nunique().min() < 2:
            raise ReportError(f"--by {name}: a value is of one subject only, who may not be named (or --with-faces)")
        yield _table(results, name, tested)


def by_attribute(results: Results, name: str, tested: pd.DataFrame) -> pd.DataFrame:
    """One row a method and value, methods in the suite's order and numbers among the values in theirs.

    Args:
        results: of the suite.
        name: a column of `tested`.
        tested: predictions, whose scans all have a value.

    Columns:
        Those of `COLUMNS`: scans and subjects that the method was tested on; accuracy and the ends of its 95 %
        interval, shares of 1, NaN where undefined.
    """
    rows = []
    for method in results.methods:
        own = tested[tested["method"] == method]
        for value in sorted(own[name].unique(), key=_order):
            part = own[own[name] == value]
            found = Cells(part, single=results.provenance.single).accuracy.interval
            counts = part["scan"].nunique(), part["subject"].nunique()
            rows.append((method, value, *counts, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=COLUMNS)


def _table(results: Results, name: str, tested: pd.DataFrame) -> Table:
    plan, found = results.provenance, by_attribute(results, name, tested)
    # What all methods together were tested on: of one that has not finished it is less.
    whole = tested.groupby(name)[["scan", "subject"]].nunique()
    values = sorted(whole.index, key=_order)
    cells = found.set_index(["method", "value"]).to_dict("index")
    counts = "; ".join(f"{value}: {scans} ({subjects})" for value, scans, subjects in whole.loc[values].itertuples())
    tested_on = f"Tested scans (subjects): {counts}."
    notes = [tested_on, _ALONE, *([_NONE] if found["accuracy_low"].isna().any() else [])]
    return Table(
        name=f"by_{name}",
        title=f"Accuracy by {name}",
        columns=[
            TableColumn(key="method", title="Method"),
            *(
                TableColumn(key=f"value {value}", title=f"{name} {value}", unit="%", brackets="95 %")
                for value in values
            ),
        ],
        rows=[
            [Cell(text=method), *(_cell(cells.get((method, value)), int(whole.loc[value, "scan"])) for value in values)]
            for method in results.methods
        ],
        numbers=found,
        notes=notes,
        caption=f"Accuracy by {name} ({plan.called}).",
        paper_notes=[INTERVALS, *notes],
        titles=plan.titles,
    )


def _cell(row: Mapping[Any, Any] | None, scans: int) -> Cell:
    if row is None:
        return NOTHING
    ends = [formats.percent(row["accuracy_low"]), formats.percent(row["accuracy_high"])]
    return Cell(
        text=formats.percent(row["accuracy"]),
        ends=() if formats.NOTHING in ends else ends,
        value=row["accuracy"],
        below=f"{row['scans']:.0f} of {scans} scans" if row["scans"] < scans else "",
    )


def _order(value: str) -> tuple[bool, float, str]:
    """Numbers in their order, before other text."""
    with suppress(ValueError):
        if math.isfinite(number := float(value)):
            return False, number, value
    return True, 0.0, value
