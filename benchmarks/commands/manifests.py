"""The manifest of a suite as it is planned: what `records.manifest` keeps, of suite, dataset, runs, best parameters."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from afnetm.data.dataset import FaceDataset, dataset_info
from benchmarks.plans.runs import PlannedRun, changed, hyperparameters
from benchmarks.plans.suite import Suite
from benchmarks.records.manifest import SPLIT_TEXT, UNTUNED, ListedRun, Manifest, dataset_secret, pathless
from benchmarks.search.tuning import Tuned

#: Attributes of a suite that are no settings.
_APART = {"text", "path", "added", "fixed", "titles"}


def make_manifest(
    suite: Suite,
    dataset: FaceDataset,
    planned: list[PlannedRun],
    tuned: Tuned | None = None,
    *,
    evaluations: Sequence[PlannedRun] = (),
    others: Mapping[str, FaceDataset] = MappingProxyType({}),
) -> Manifest:
    """The manifest of a suite as planned.

    Args:
        suite: that is run.
        dataset: of its runs.
        planned: its runs.
        tuned: what they were tuned with; None where they were not.
        evaluations: of its models.
        others: the other datasets that these are tested on, by name.
    """
    additional = tuned.additional if tuned else ()
    return Manifest(
        suite=suite.name,
        text=suite.text,
        resolved=suite.model_dump(mode="json", exclude={*_APART, "methods", "split_file"})
        | _split(suite, planned)
        | {"methods": {label: hyperparameters(method) for label, method in suite.methods.items()}},
        description=suite.description,
        control=suite.control,
        dataset=_about(dataset),
        methods={
            label: {
                "name": method.name,
                "title": suite.titles.get(label) or (method.title if label == method.name else ""),
                "version": method.version,
                "summary": method.summary,
                "source": method.source,
                "hyperparameters": hyperparameters(method),
                "inputs": list(method.inputs),
                "training_inputs": list(method.reads_in_training),
                "masks": method.masks if method.uses_masks else "",
                "probabilities": method.probabilities,
                "reading": method.reading,
                "changed": changed(method),
            }
            for label, method in suite.methods.items()
        },
        runs=[
            # Without a best trial it is not the run that an untuned run of the suite may have trained.
            ListedRun(
                f"{UNTUNED}{p.run.key}" if tuned and tuned.lacks(p) else p.run.key, p.label, p.run.repeat, p.run.fold
            )
            for p in planned
        ],
        axes={name: axis.model_dump() for name, axis in suite.axes.items()},
        added=list(suite.added),
        tuning=dict(tuned.record) if tuned else {},
        additional=[
            ListedRun(e.planned.run.key, e.planned.label, e.planned.run.repeat, e.planned.run.fold, e.search, e.reseed)
            for e in additional
        ],
        defaults=[ListedRun(p.run.key, p.label, p.run.repeat, p.run.fold) for p in (tuned.defaults if tuned else ())],
        trains_defaults=tuned is not None and tuned.trains_defaults,
        evaluations=[_listed_evaluation(one) for one in evaluations],
        others={name: {**_about(one), "secret": _secret(one)} for name, one in others.items()},
        path=suite.path,
        secret=_secret(dataset),
    )


def _about(dataset: FaceDataset) -> dict[str, Any]:
    return dataset_info(dataset) | {"source": dataset.source if dataset.shareable else pathless(dataset.source)}


def _secret(dataset: FaceDataset) -> str:
    return "" if dataset.shareable else dataset_secret(dataset)


def _listed_evaluation(planned: PlannedRun) -> ListedRun:
    listed = ListedRun(planned.run.key, planned.label, planned.run.repeat, planned.run.fold)
    if "dataset" in (planned.run.evaluation or {}):
        return replace(listed, dataset=planned.run.evaluated_on)
    return replace(listed, corruption=planned.run.evaluated_on)


def _split(suite: Suite, planned: list[PlannedRun]) -> dict[str, Any]:
    """The text of a split of one's own, and in the protocol a digest of its folds that tells no names."""
    if suite.split_file is None:
        return {}
    folds = sorted({(one.run.repeat, one.run.fold, str(one.run.protocol["split"])) for one in planned})
    digest = hashlib.sha256(json.dumps(folds).encode()).hexdigest()[:16]
    protocol = suite.protocol.model_dump(mode="json") | {"split_digest": digest}
    return {"protocol": protocol, SPLIT_TEXT: suite.split_file.text}
