"""Provenance of results for the page and the document."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports import formats
from reports.data.pseudonyms import unnamed
from reports.data.results import Provenance
from reports.table import Table, plain_table

_UNKNOWN = (
    "Unknown: reported from files. Which faces these are, how methods were trained, with what settings, software and "
    "hardware, what failed and what is missing is not in them. What follows was counted in them."
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """Facts and tables on how results were made.

    Attributes:
        intro: in sentences, a paragraph each.
        tables: what failed, and what could not be used.
        facts: by title, by name.
    """

    intro: Sequence[str]
    tables: Sequence[Table]
    facts: dict[str, dict[str, str]]


def made(plan: Provenance) -> Made:
    """Of results from elsewhere, what was counted in them."""
    if plan.files:
        return Made(intro=[_UNKNOWN], tables=[*_left_out(plan)], facts={"Counted": dict(_counted(plan))})
    failed = f", {len(plan.failed)} failed" if plan.failed else ""
    intro = [f"{plan.done} of {plan.planned} planned runs are done{failed}."]
    if plan.added:
        defaults = "" if plan.search else ", with default hyper-parameters"
        names = ", ".join(plan.added)
        intro.append(f"Not in the suite's file but added to it when it was run{defaults}: {names}.")
    return Made(intro=intro, tables=[*_failed(plan), *_left_out(plan)], facts=_facts(plan))


def _facts(plan: Provenance) -> dict[str, dict[str, str]]:
    dataset = plan.dataset
    times = " \N{MULTIPLICATION SIGN} ".join([str(dataset["size"])] * 2)
    size = f"{dataset['scans']} of {dataset['subjects']} subjects, {times} pixels"
    return {
        "Dataset": {
            "name": f"{dataset['name']}{' (synthetic)' if plan.synthetic else ''}",
            "scans": size,
            "expressions": _classes(plan),
            "fingerprint": str(dataset["fingerprint"]),
            **({"poses": f"fitted to {dataset['pose']} landmarks"} if dataset.get("pose") else {}),
            **({"landmarks": _landmarks(dataset["landmarks"])} if dataset.get("landmarks") else {}),
            **({"landmarks detected by": str(dataset["detector"])} if dataset.get("detector") else {}),
            **{name: formats.setting(value) for name, value in dataset["source"].items()},
        },
        "Protocol": {name: formats.setting(value) for name, value in plan.protocol.items() if value is not None},
        "Software and hardware": {
            "hardware": "; ".join(plan.hardware),
            "device": ", ".join(plan.devices),
            **({"workers per GPU": ", ".join(plan.gpu_workers)} if plan.gpu_workers else {}),
            "commit": ", ".join(plan.commits),
            **{name: ", ".join(versions) for name, versions in plan.versions.items()},
        },
    }


def _landmarks(counts: Mapping[str, int]) -> str:
    """The numbers of scans that came with landmarks, and without."""
    return f"given for {counts['given']} scans, found in {counts['found']} that came without"


def _counted(plan: Provenance) -> Iterable[tuple[str, str]]:
    folds, repeats = plan.protocol["folds"], plan.protocol["repeats"]
    plural = ["" if count == 1 else "s" for count in (folds, repeats)]
    yield "runs", f"{plan.done}, of {folds} fold{plural[0]} and {repeats} repeat{plural[1]}"
    yield "scans", f"{plan.dataset['scans']} of {plan.dataset['subjects']} subjects"
    yield "expressions", _classes(plan)
    for name, digest in plan.files:
        withheld = "no SHA-256 here: with it a guess at the subjects' names could be confirmed"
        yield name, f"SHA-256 {digest}" if digest else withheld
    if plan.remarks:
        yield "read as", " ".join(plan.remarks)


def _classes(plan: Provenance) -> str:
    return ", ".join(f"{name} {scans}" for name, scans in plan.dataset["classes"].items())


def _failed(plan: Provenance) -> Iterable[Table]:
    if plan.failed:
        said = str if plan.named else unnamed
        rows = [(method, str(repeat), str(fold), said(reason)) for method, repeat, fold, reason in plan.failed]
        yield plain_table("failed", "Failed runs", ["Method", "Repeat", "Fold", "Reason"], rows)


def _left_out(plan: Provenance) -> Iterable[Table]:
    """Sentences on what could not be used and stands in no table."""
    if plan.left_out:
        rows = [
            (one.method, *("all" if n is None else str(n) for n in (one.repeat, one.fold)), one.what, one.reason)
            for one in plan.left_out
        ]
        heads = ["Method", "Repeat", "Fold", "What", "Reason"]
        yield plain_table("left-out", "Left out, as it could not be used", heads, rows)
