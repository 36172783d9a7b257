"""Table of the leaderboard: its columns, where its cells lead, and what its filters know of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from reports import formats
from reports.leaderboard.rows import INPUTS
from reports.statistics.multiple_testing import LEVEL
from reports.table import NOTHING, READING_NOTE, Cell, Table, TableColumn
from reports.tables.comparison import FAILED, parameters_column
from reports.tables.inputs import inputs_column
from reports.tables.significance import LOSS, TIE, WIN

_VERDICTS = {WIN: "better", TIE: "n.s.", LOSS: "worse"}


@dataclass(frozen=True, kw_only=True)
class Links:
    """Addresses of what is known of a method; empty where there is nothing.

    Attributes:
        method: of its description in its suite's report.
        confusion: of its confusion matrix there.
        mlflow: of its runs.
        source: of the repository that its source is in.
        module: of its source, as Python imports it; a name and no address.
    """

    method: str = ""
    confusion: str = ""
    mlflow: str = ""
    source: str = ""
    module: str = ""


def leaderboard_table(found: pd.DataFrame, links: Sequence[Links]) -> Table:
    """`reports.leaderboard.rows.rows` as a table, with the links of each; columns that say nothing are left out."""
    many = found["suite"].nunique() > 1
    columns = [
        column
        for column in _columns()
        if column.key in _ALWAYS or (many if column.key == "suite" else _known(found[column.key]))
    ]
    if any(one.confusion or one.mlflow or one.source for one in links):
        columns.append(TableColumn(key="links", title="More"))
    records = found.to_dict("records")
    cells = [
        [_links(own) if column.key == "links" else _cell(column, row, own) for column in columns]
        for row, own in zip(records, links, strict=True)
    ]
    return Table(
        name="leaderboard",
        title="Leaderboard",
        columns=columns,
        rows=cells,
        notes=_notes(found),
        page_notes=_page_notes(links),
        label="Leaderboard",
        look="leaderboard suites" if many else "leaderboard",
    )


def row_attributes(found: pd.DataFrame) -> list[dict[str, str]]:
    """Of each row the attributes of its HTML element: its id, and what it is filtered by."""
    attributes = []
    first = ~found["suite"].duplicated()
    for number, row in enumerate(found.assign(first=first).to_dict("records"), start=1):
        own = {"id": row_id(number), "data-suite": row["suite"]}
        own |= {"class": "first"} if row["first"] else {}
        own |= {f"data-{name}": row[name] for name in INPUTS if row[name]}
        own |= {
            f"data-{name}": f"{row[key]:g}"
            for name, key in (("parameters", "parameters"), ("seconds", "train_seconds"))
            if not np.isnan(row[key])
        }
        attributes.append(own)
    return attributes


def row_id(number: int) -> str:
    """The id of the row of that number, from 1."""
    return f"row-{number}"


#: There whatever is known of a suite.
_ALWAYS = ("title", "rank", "accuracy")


def _known(column: "pd.Series[Any]") -> bool:
    return bool(column.notna().any()) if column.dtype.kind == "f" else bool((column != "").any())


def _columns() -> list[TableColumn]:
    """All columns, in order. Another measure is a column here, and a name in `reports.leaderboard.rows.COLUMNS`."""

    def share(key: str, title: str, **more: Any) -> TableColumn:
        ends = (f"{key}_low", f"{key}_high")
        return TableColumn(key=key, title=title, unit="%", format=formats.percent, ends=ends, **more)

    return [
        TableColumn(key="title", title="Method"),
        TableColumn(key="suite", title="Suite"),
        TableColumn(key="rank", title="Rank", format=_rank, better="lower"),
        share("accuracy", "Accuracy"),
        TableColumn(
            key="difference",
            title="Δ vs control",
            unit="points",
            format=formats.points,
            ends=("difference_low", "difference_high"),
            strong=lambda row: row["p_holm"] < LEVEL,
        ),
        share("macro_f1", "Macro-F1"),
        share("worst", "Worst class", note="Worst class: the expression with the lowest recall, and that recall."),
        share(
            "relative",
            "Relative robustness",
            note="Relative robustness: accuracy on corrupted scans, the mean over severities and corruptions, divided "
            "by accuracy on the same scans when clean.",
        ),
        share("elsewhere", "Other datasets", note="Other datasets: mean accuracy in datasets not trained on."),
        replace(inputs_column(), key="inputs"),
        parameters_column(),
        TableColumn(
            key="train_seconds",
            title="Training",
            format=_duration,
            better="lower",
            note="Training: mean time of one training run (processor time on a CPU).",
        ),
    ]


def _rank(value: float) -> str:
    return formats.NOTHING if np.isnan(value) else f"{value:.0f}"


def _duration(value: float) -> str:
    return formats.NOTHING if np.isnan(value) else formats.duration(value)


def _cell(column: TableColumn, row: Mapping[Any, Any], own: Links) -> Cell:
    cell = column.cell(row)
    match column.key:
        case "title":
            cell = replace(cell, link=own.method, below=_called(row, own.module))
        case "suite" if row["data_set"] != row["suite"]:
            cell = replace(cell, below=row["data_set"])
        case "accuracy" if np.isnan(row["accuracy"]):
            cell = Cell(text=FAILED)
        case "accuracy":
            cell = replace(cell, place=row["place"], mark=formats.ALIKE if row["alike"] else "")
        case "difference" if row["control"]:
            cell = Cell(text="control")
        case "difference" if row["verdict"]:
            p = "" if np.isnan(row["p_holm"]) else f", p {formats.p_value(row['p_holm'])}"
            cell = replace(cell, below=f"{_VERDICTS[row['verdict']]}{p}")
        case "worst":
            cell = replace(cell, below=row["worst_class"])
        case "inputs":
            cell = replace(cell, below=row["tuning"])
    return cell


def _called(row: Mapping[Any, Any], module: str) -> str:
    """Name of a method in its suite and module of its source, as far as the title does not say it already."""
    name = row["method"]
    known = name == row["title"].rstrip(formats.READING) or module.rpartition(".")[2] == name
    return " ".join([*([] if known else [name]), *([module] if module else [])])


def _links(own: Links) -> Cell:
    links = [("confusion", own.confusion), ("MLflow", own.mlflow), ("source", own.source)]
    there = [(words, to) for words, to in links if to]
    return Cell(text="", links=there) if there else NOTHING


def _notes(found: pd.DataFrame) -> list[str]:
    """Legend of marks."""
    notes = ["Of each suite the best accuracy is bold, the second underlined; ranks are within a suite."]
    if found["alike"].any():
        notes.append(f"{formats.ALIKE} Not significantly different from the suite's best (primary test).")
    if found["title"].str.endswith(formats.READING).any():
        notes.append(READING_NOTE)
    return notes


def _page_notes(links: Sequence[Links]) -> list[str]:
    modules = [one.module for one in links]
    test = f"two-way clustered t-test, Holm-adjusted within the suite) is significant (p below {LEVEL})"
    notes = [
        "Small below a score is its 95 % interval, clustered by subject and by training run.",
        f"Δ: accuracy minus that of the suite's control, bold where the primary test ({test}; n.s.: not significant.",
        *(["Small below a method's title are its name and the module of its source."] if any(modules) else []),
        "Small below inputs: whether hyper-parameters were tuned, are the method's defaults, or are set by the suite.",
    ]
    if any("//127.0.0.1:" in one.mlflow for one in links):
        notes.append("Links to MLflow work on this machine, while afnetm ui is running.")
    return notes
