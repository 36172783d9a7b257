"""The inputs of each method, at test time and in training, and where its masks come from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reports.data.results import Provenance, Results
from reports.formats import several
from reports.table import Table, TableColumn

#: What is known of methods, by name, as `Results.described` has it.
Methods = Mapping[str, Mapping[str, Any]]
#: The key of the column of inputs.
INPUTS = "inputs"

#: In tables.
_LETTERS = {"texture": "T", "depth": "D", "masks": "M", "landmarks": "L"}
_OTHER = "other_expression"
_SOURCES = {_OTHER: "other expression"}
_GUIDES = {"masks", "landmarks"}
#: Origins of masks and landmarks: those that came with the scans; those found in scans, none of which came with any;
#: and the former but for some scans that came without.
ANNOTATED, FOUND, PARTLY_FOUND = "annotated", "found", "annotated, some found"
#: Another origin: those that a regressor of the training scans predicts, where no landmark model was used.
DETECTED, REGRESSED = "detected", "detected by regression"


def inputs_column() -> TableColumn:
    """The column of inputs, of a row that has `inputs_of` as ``inputs``."""
    return TableColumn(
        key=INPUTS,
        title="Inputs",
        importance=0,
        note="Inputs at test time: T texture, D depth, M masks, L landmarks; in brackets where masks come from.",
    )


def inputs_of(about: Mapping[str, Any]) -> str:
    """``"T, D, M (mean)"`` of what is known of a method (`Provenance.methods`); empty where that is not."""
    text = ", ".join(_letters(about, about.get("inputs", ())))
    more = _letters(about, about.get("training_inputs", ()))
    return f"{text}; in training {', '.join(more)}" if more else text


def mask_source(about: Mapping[str, Any]) -> str:
    """The source of a method's masks or landmarks, such as ``"mean"``; empty where it reads none at test time."""
    return "" if _GUIDES.isdisjoint(about.get("inputs", ())) else str(about.get("masks", ""))


def annotated(methods: Methods) -> list[str]:
    """The methods that are given annotations of test scans: of those that they classify, or of others of a subject."""
    return [name for name, about in methods.items() if mask_source(about) in (ANNOTATED, PARTLY_FOUND, _OTHER)]


def not_annotated(methods: Methods) -> list[str]:
    """The methods whose annotated masks or landmarks are no annotations in some scans or all, but found in them."""
    return [name for name, about in methods.items() if mask_source(about) in (FOUND, PARTLY_FOUND)]


def differing(methods: Methods) -> list[str]:
    """In a sentence, which methods read more than texture and depth; nothing where none does."""
    more: dict[str, list[str]] = {}
    for name, about in methods.items():
        if beyond := _letters(about, [one for one in about.get("inputs", ()) if one in _GUIDES]):
            more.setdefault(", ".join(beyond), []).append(name)
    if not more:
        return []
    readers = "; ".join(f"{what} by {several(who)}" for what, who in more.items())
    return [f"Methods differ in what they read. Masks (M) or landmarks (L) are read: {readers}."]


def poses(plan: Provenance) -> str:
    """Landmarks that the poses of all scans, tested ones among them, were fitted to, in a clause; "" where unknown."""
    pose, landmarks = plan.dataset.get("pose"), plan.dataset.get("landmarks")
    if not pose:
        return ""
    if not landmarks:
        return f"Poses of all scans were fitted to {pose} landmarks"
    without = f"{landmarks['found']} of {plan.dataset['scans']} scans came without landmarks"
    if pose == DETECTED:
        return f"{without}; poses of all were fitted to detected ones"
    return f"{without}; their poses were fitted to landmarks found in them, the others' to annotated ones"


def noted(table: Table, results: Results) -> Table:
    """The table with what its reader must know of the methods' inputs: their poses, and what no column of it says."""
    keys = {column.key for column in table.columns}
    unsaid = [] if INPUTS in keys else differing(results.described)
    notes = [*unsaid, *([f"{clause}."] if (clause := poses(results.provenance)) else [])]
    paper = [*table.paper_notes, *notes] if table.paper_notes else ()
    return replace(table, notes=[*table.notes, *notes], paper_notes=paper)


def _letters(about: Mapping[str, Any], read: Any) -> list[str]:
    source = str(about.get("masks", ""))
    where = f" ({_SOURCES.get(source, source)})"
    return [_LETTERS[one] + (where if one in _GUIDES else "") for one in read]
