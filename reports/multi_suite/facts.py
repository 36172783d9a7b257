"""Differences between suites beside their methods: a table of how each was made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from reports import formats
from reports.data.search import Search
from reports.multi_suite.suites import MultiSuite
from reports.table import Table, plain_table
from reports.tables.compared import Compared

#: What a reader asks of every suite, the same or not: in the table always.
_EPOCHS = "training.epochs"
#: What differs from dataset to dataset anyway, and what is counted.
_OF_THE_DATA = ("Dataset", "Fingerprint", "Scans", "Subjects", "Subjects tested", "Units done")


def facts(multi: MultiSuite) -> pd.DataFrame:
    """A row a fact, by its name, a column a suite, in their order; all text.

    What all suites have in common is there only where a reader would ask for it.
    """
    asked = [_asked(one, multi) for one in multi.suites]
    others = [_others(one) for one in multi.suites]
    names = list(dict.fromkeys(name for one in others for name in one))
    rows = {name: [one[name] for one in asked] for name in asked[0]}
    rows |= {name: [one.get(name, formats.NOTHING) for one in others] for name in names}
    kept = {name: values for name, values in rows.items() if name in asked[0] or len(set(values)) > 1}
    return pd.DataFrame(kept.values(), index=list(kept), columns=multi.names)


def differing(found: pd.DataFrame) -> list[str]:
    """The facts that are not the same in all suites, but for those that are each dataset's own; `found` is `facts`."""
    rows = zip(found.index, found.to_numpy().tolist(), strict=True)
    return [str(name) for name, row in rows if len(set(row)) > 1 and name not in _OF_THE_DATA]


def facts_table(multi: MultiSuite, found: pd.DataFrame) -> Table:
    """`facts`, a row a fact, a column a suite."""
    rows = list(zip(map(str, found.index), found.to_numpy().tolist(), strict=True))
    differ = differing(found)
    long = [(suite, name, value) for name, row in rows for suite, value in zip(multi.names, row, strict=True)]
    table = plain_table(
        "suites",
        "What suites differ in",
        ["What", *multi.names],
        [[name, *row] for name, row in rows],
        numbers=pd.DataFrame(long, columns=["suite", "fact", "value"]),
        page_notes=[
            "Bold: what differs beside the datasets themselves.",
            "What all have in common beyond this is in each suite's own report.",
        ],
        titles=multi.titles,
        label="Table of what suites differ in",
    )
    cells = [[row[0], *(replace(cell, strong=row[0].text in differ) for cell in row[1:])] for row in table.rows]
    return replace(table, rows=cells)


def _asked(one: Compared, multi: MultiSuite) -> dict[str, str]:
    plan = one.results.provenance
    dataset, protocol = plan.dataset, plan.protocol
    return {
        "Dataset": multi.data_set(plan.suite),
        "Fingerprint": str(dataset["fingerprint"])[:12],
        "Faces": "synthetic" if plan.synthetic else "scanned",
        "Scans": str(dataset["scans"]),
        "Subjects": str(dataset["subjects"]),
        "Subjects tested": str(one.results.predictions["subject"].nunique()),
        "Pixels each way": str(dataset["size"]),
        "Folds": _value(protocol.get("folds")),
        "Repeats": _value(protocol.get("repeats")),
        "Epochs": _value(plan.training.get(_EPOCHS)),
        "Tuned": _tuned(plan.search),
        "Control": one.results.control,
        "Units done": f"{plan.done} of {plan.planned}",
    }


def _others(one: Compared) -> dict[str, str]:
    """Settings and circumstances that a reader wants to know of where they differ."""
    plan = one.results.provenance
    protocol = {f"protocol.{name}": value for name, value in plan.protocol.items() if name not in ("folds", "repeats")}
    config = {name: value for name, value in plan.training.items() if name != _EPOCHS}
    settings = {name: _value(value) for name, value in (protocol | config).items()}
    versions = {f"version of {name}": _joined(seen) for name, seen in plan.versions.items()}
    made = {"commit": _joined([commit[:10] for commit in plan.commits]), "device": _joined(plan.devices)}
    return settings | versions | made | {"hardware": _joined(plan.hardware)}


def _tuned(search: Search | None) -> str:
    if search is None:
        return "not on its data"
    return f"by the file {search.params_file}" if search.params_file else f"{search.selection}, {search.budget}"


def _value(value: Any) -> str:
    return formats.NOTHING if value is None else formats.setting(value)


def _joined(several: Sequence[str]) -> str:
    return "; ".join(several) or formats.NOTHING
