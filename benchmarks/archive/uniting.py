"""Manifests of one suite from several homes, of which each ran other methods, folds or searches, made into one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from afnetm.errors import UserError
from benchmarks.records.manifest import SPLIT_TEXT, UNTUNED, ListedRun, Manifest

#: What of a dataset and of a method is the same wherever the suite is; the rest may be told by later versions alone.
_DATASET = ("name", "fingerprint", "shareable")
_METHOD = ("name", "version", "hyperparameters")


def united(own: Manifest, other: Manifest, *, where: str) -> Manifest:
    """The suite with what either says of its runs, methods, studies; of what both say, as `own` says it.

    Args:
        own: of one home.
        other: of another.
        where: the other home, as errors call it.

    Raises:
        UserError: it is another suite of the same name, or was run otherwise.
    """
    (mine, theirs), both = (_fixed(one) for one in (own, other)), own.methods.keys() & other.methods
    differing = sorted(name for name in mine.keys() & theirs if mine[name] != theirs[name])
    differing += sorted(f"method {label}" for label in both if _method(own, label) != _method(other, label))
    if differing:
        raise UserError(
            f"{where}: suite '{own.suite}' differs from the suite of that name in this home: its "
            f"{', '.join(differing)} differ"
        )
    resolved = own.resolved
    if "methods" in resolved:
        resolved = resolved | {"methods": _more(resolved["methods"], other.resolved["methods"])}
    runs = _runs(own, other, own.runs, other.runs, where)
    rank = {(one.method, one.repeat, one.fold): number for number, one in enumerate(runs)}
    additional = _runs(own, other, own.additional, other.additional, where)
    return replace(
        own,
        resolved=resolved,
        methods=_more(own.methods, other.methods),
        runs=runs,
        additional=sorted(additional, key=lambda one: rank.get((one.method, one.repeat, one.fold), len(rank))),
        defaults=_runs(own, other, own.defaults, other.defaults, where),
        evaluations=_runs(own, other, own.evaluations, other.evaluations, where),
        others=other.others | own.others,
        added=list(dict.fromkeys([*own.added, *other.added])),
        tuning=_tuning(own.tuning, other.tuning, rank),
        secret=own.secret or other.secret,
    )


def _fixed(manifest: Manifest) -> dict[str, Any]:
    """Parts of a manifest that do not depend on which of its methods and folds were run."""
    found = {name: getattr(manifest, name) for name in ("text", "description", "control", "axes")}
    found |= {name: value for name, value in manifest.resolved.items() if name not in ("methods", SPLIT_TEXT)}
    found["dataset"] = [manifest.dataset.get(name) for name in _DATASET]
    for name in sorted({*manifest.others}):
        found[f"dataset {name}"] = [manifest.others[name].get(key) for key in _DATASET]
    return found | (
        {"search": [manifest.tuning[name] for name in ("spec", "budget", "file")]} if manifest.tuning else {}
    )


def _method(manifest: Manifest, label: str) -> list[Any]:
    return [manifest.methods[label].get(name) for name in _METHOD]


def _more(own: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return own | {name: value for name, value in other.items() if name not in own}


def _runs(
    own: Manifest, other: Manifest, mine: Sequence[ListedRun], theirs: Sequence[ListedRun], where: str
) -> list[ListedRun]:
    """The runs of both; one that waits for its search gives way to the one that was trained."""

    def place(listed: ListedRun) -> tuple[str, int, int, int, int, str]:
        return listed.method, listed.repeat, listed.fold, listed.search, listed.reseed, listed.evaluated_on

    found = {place(listed): listed for listed in mine}
    for listed in theirs:
        before = found.setdefault(place(listed), listed)
        if before.key.startswith(UNTUNED):
            found[place(listed)] = listed
        elif before.key != listed.key and not listed.key.startswith(UNTUNED):
            raise UserError(
                f"{where}: suite '{own.suite}' was run with other parameters, or on another kind of device, than here: "
                f"its {listed.method} {listed.repeat}-{listed.fold} is run {listed.key}, here {before.key}"
            )
    return list(found.values())


def _tuning(own: dict[str, Any], other: dict[str, Any], rank: Mapping[tuple[str, int, int], int]) -> dict[str, Any]:
    """Tuning record of both, its studies in the order of the runs; of one that both have, the one with more trials."""
    if not (own and other):
        return own or other

    def trials(study: dict[str, Any]) -> int:
        return sum(study[name] for name in ("complete", "pruned", "failed"))

    studies = {study["study"]: study for study in own["studies"]}
    for study in other["studies"]:
        studies[study["study"]] = max(studies.get(study["study"], study), study, key=trials)

    def place(study: dict[str, Any]) -> tuple[int, int]:
        return study["search"], rank.get((study["method"], study["repeat"], study["fold"]), -1)  # one for all folds

    united = sorted(studies.values(), key=place)
    return own | {"spaces": _more(own["spaces"], other["spaces"]), "studies": united}
