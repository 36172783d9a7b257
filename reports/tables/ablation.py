"""The ablation: the full model, and what is left of its score where a part of it is taken away or swapped."""

import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.statistics.multiple_testing import LEVEL
from reports.table import Cell, Table, TableColumn
from reports.tables.comparison import difference_column, parameters_column
from reports.tables.scores import INTERVALS, scores

#: As in the full model.
KEPT = formats.CHECK
#: Taken away.
GONE = formats.NOTHING

#: The value of what is taken away.
_NONE = "none"

_SCORES = [
    *("accuracy", "accuracy_low", "accuracy_high"),
    *("difference", "difference_low", "difference_high"),
    "parameters",
]


def part(value: object, full: object) -> Cell:
    """Sign of a hyper-parameter's value beside the full model's, or what stands in its place."""
    if value == full:
        return Cell(text=KEPT, alt="as in the full model")
    if value == _NONE:
        return Cell(text=GONE, alt="taken away")
    return Cell(text=plain(value))


def plain(value: object) -> str:
    """A value in words: ``[2, 3]`` is ``2, 3``."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def full_values(results: Results) -> dict[str, str]:
    """The full model's value of each axis, by the axis' title."""
    plan = results.provenance
    return {
        axis.title: plain(value)
        for axis, value in zip(plan.axes.values(), _values(results, results.control), strict=True)
    }


def parts(results: Results, method: str) -> list[Cell]:
    """A cell of the ablation table for each axis."""
    return [part(*pair) for pair in zip(_values(results, method), _values(results, results.control), strict=True)]


def ablation(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """One row a method with finished runs, the full model (the control) first.

    Columns:
        method; each axis by its hyper-parameter's name, its value as text; accuracy, difference (to the full model,
        paired) with their intervals, and parameters as in `reports.tables.comparison.comparison`, which is `table`.
    """
    first = table.iloc[(table["method"] != results.control).argsort(kind="stable")].reset_index(drop=True)
    rows = [map(plain, _values(results, method)) for method in first["method"]]
    values = pd.DataFrame(rows, columns=list(results.provenance.axes), dtype="str")
    return pd.concat([first[["method"]], values, first[_SCORES]], axis=1)


def ablation_table(results: Results, table: pd.DataFrame) -> Table:
    """`ablation`, an axis a column; on the page the full model's value stands below each axis' title."""
    plan, control = results.provenance, results.control
    found, full = ablation(results, table), full_values(results)
    title, values = plan.titles[control], "; ".join(f"{axis}: {value}" for axis, value in full.items())
    accuracy = next(one.column for one in scores(results.classes) if one.column.key == "accuracy")
    numbers = [accuracy, difference_column(control), parameters_column()]
    axes = [
        TableColumn(key=f"axis {name}", title=axis, under=f"{KEPT} {value}")
        for name, (axis, value) in zip(plan.axes, full.items(), strict=True)
    ]
    rows = [
        [Cell(text=row["method"]), *parts(results, row["method"]), *(column.cell(row) for column in numbers)]
        for row in found.to_dict("records")
    ]
    return Table(
        name="ablation",
        title="Ablation",
        columns=[TableColumn(key="method", title="Method"), *axes, *numbers],
        rows=rows,
        numbers=found,
        notes=[f"{KEPT} as in {control} ({values}), {GONE} taken away."],
        page_notes=[
            "Scores, intervals and parameters are those of the comparison.",
            "A difference is bold where its interval excludes zero.",
            "A part whose interval includes zero may still matter, by less than these tests can detect.",
        ],
        caption=f"Ablation of {title} ({plan.called}).",
        paper_notes=[
            f"{KEPT} as in {title} ({values}); {GONE} removed.",
            INTERVALS,
            f"Δ: accuracy minus that of {title} in percentage points (pp).",
        ],
        titles=plan.titles,
        label="Ablation table",
        look="ablation",
        sorts=False,
    )


def outcome(results: Results, pairs: pd.DataFrame) -> list[str]:
    """Changes of the full model that are significant by the primary test, and their direction, in one sentence.

    None where no axes are declared, or nothing could be compared with the full model. `pairs` is
    `reports.tables.pairwise.pairwise`; p are adjusted over the comparisons with the full model.
    """
    full = results.control
    changed = pairs[(pairs["method_b"] == full) & pairs["difference"].notna()]
    if not results.provenance.axes or changed.empty:
        return []
    apart = changed[changed["p_holm"] < LEVEL]
    worse, better = (_counted(apart[sign]) for sign in (apart["difference"] < 0.0, apart["difference"] > 0.0))
    changes = f"{len(changed)} change{'s' if len(changed) > 1 else ''} to {full}, the full model"
    return [
        f"Of {changes}, {worse} give significantly lower and {better} significantly higher accuracy (primary test)."
    ]


def _counted(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "none"
    gaps = zip(rows["method_a"], rows["difference"], strict=True)
    return f"{len(rows)} ({', '.join(f'{method} {formats.points(gap)}' for method, gap in gaps)})"


def _values(results: Results, method: str) -> list[object]:
    """A method's value of each axis; what belongs to a part that is gone is gone with it."""
    settings = results.provenance.methods[method]["hyperparameters"]
    axes = results.provenance.axes
    gone = {name for name in axes if settings.get(name, _NONE) == _NONE}
    return [_NONE if axis.part_of in gone else settings.get(name, _NONE) for name, axis in axes.items()]
