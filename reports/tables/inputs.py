"""The inputs of each method, at test time and in training, and where its masks come from."""

from collections.abc import Mapping
from typing import Any

from reports.data.results import Provenance
from reports.formats import names
from reports.table import TableColumn

#: In tables.
_LETTERS = {"texture": "T", "depth": "D", "masks": "M", "landmarks": "L"}
_SOURCES = {"other_expression": "other expression"}
_GUIDES = {"masks", "landmarks"}
#: Origins of masks and landmarks: those that came with the scans; those found in scans, none of which came with any;
#: and the former but for some scans that came without.
ANNOTATED, FOUND, PARTLY_FOUND = "annotated", "found", "annotated, some found"


def inputs_column() -> TableColumn:
    """The column of inputs, of a row that has `inputs_of` as ``inputs``."""
    return TableColumn(
        key="inputs",
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


def annotated(plan: Provenance) -> list[str]:
    """The methods that are given annotations of the scans that they are tested on."""
    return [name for name, about in plan.methods.items() if mask_source(about) in (ANNOTATED, PARTLY_FOUND)]


def not_annotated(plan: Provenance) -> list[str]:
    """The methods whose annotated masks or landmarks are no annotations in some scans or all, but found in them."""
    return [name for name, about in plan.methods.items() if mask_source(about) in (FOUND, PARTLY_FOUND)]


def differing(plan: Provenance) -> list[str]:
    """In a sentence, which methods read more than texture and depth; nothing where none does."""
    more: dict[str, list[str]] = {}
    for name, about in plan.methods.items():
        if beyond := _letters(about, [one for one in about.get("inputs", ()) if one in _GUIDES]):
            more.setdefault(", ".join(beyond), []).append(name)
    if not more:
        return []
    readers = "; ".join(f"{what} by {names(who)}" for what, who in more.items())
    return [f"Methods differ in what they read. Masks (M) or landmarks (L) are read: {readers}."]


def _letters(about: Mapping[str, Any], read: Any) -> list[str]:
    source = str(about.get("masks", ""))
    where = f" ({_SOURCES.get(source, source)})"
    return [_LETTERS[one] + (where if one in _GUIDES else "") for one in read]
