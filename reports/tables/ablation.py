"""The ablation: the full model, and what is left of its score where a part of it is taken away or swapped."""

from dataclasses import dataclass

import pandas as pd

from reports import formats
from reports.data.results import Results
from reports.tables.significance import LEVEL

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


@dataclass(frozen=True)
class Part:
    """One part of one method: a sign or the name of what stands in its place, and for a sign what it means."""

    text: str
    alt: str = ""


def part(value: object, full: object) -> Part:
    """What a hyper-parameter's value is beside the full model's."""
    if value == full:
        return Part(KEPT, "as in the full model")
    if value == _NONE:
        return Part(GONE, "taken away")
    return Part(plain(value))


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


def parts(results: Results, method: str) -> list[Part]:
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


def displayed_ablation(results: Results, found: pd.DataFrame) -> pd.DataFrame:
    """`ablation` as a reader meets it, all text."""
    rows = []
    for row in found.to_dict("records"):
        accuracy = [formats.percent(row[f"accuracy{end}"]) for end in ("", "_low", "_high")]
        gap = [formats.points(row[f"difference{end}"]) for end in ("", "_low", "_high")]
        signs = [one.text for one in parts(results, row["method"])]
        numbers = formats.ranged(*accuracy), formats.ranged(*gap), formats.number(row["parameters"])
        rows.append([str(row["method"]), *signs, *numbers])
    titles = [axis.title for axis in results.provenance.axes.values()]
    scores = "Accuracy, % (95 %)", f"Δ vs {results.control}, points (95 %)", "Parameters"
    return pd.DataFrame(rows, columns=["Method", *titles, *scores])


def legend(results: Results) -> str:
    """What the signs stand for, in one sentence."""
    full = "; ".join(f"{title}: {value}" for title, value in full_values(results).items())
    return f"{KEPT} as in {results.control} ({full}), {GONE} taken away."


def outcome(results: Results, pairs: pd.DataFrame) -> list[str]:
    """Which changes of the full model are significant by the primary test, and which way, in one sentence.

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
    gone = {name for name in axes if settings[name] == _NONE}
    return [_NONE if axis.part_of in gone else settings[name] for name, axis in axes.items()]
