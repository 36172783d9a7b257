"""Evaluations on other datasets: every trained model of a suite tested on scans of a dataset that it has not seen.

Classes are matched by name. Subjects of one name count as the same person wherever they are: none is tested by a
model that was trained on them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import PoseSource
from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.trained.landmark_origins import check_landmarks, landmark_warning, origins_of
from benchmarks.plans.folds import Scans, classes_of, select
from benchmarks.plans.runs import PlannedRun
from benchmarks.plans.tables import DatasetSpec


def on_dataset(
    spec: DatasetSpec,
    planned: Sequence[PlannedRun],
    methods: Mapping[str, Method],
    dataset: FaceDataset,
    other: FaceDataset,
) -> tuple[list[PlannedRun], list[str]]:
    """The evaluations of all these runs' models on another dataset.

    Args:
        spec: of the other dataset, and which of its scans are selected.
        planned: the runs that train the models.
        methods: by label.
        dataset: that they are trained on.
        other: that they are tested on.

    Returns:
        The evaluations; and a line for each reason why some methods or scans are left out, or may answer less well.

    Raises:
        UserError: the two do not go together, and what they would need.
    """
    if not planned:
        return [], []
    if other.size != dataset.size:
        raise UserError(
            f"evaluation.datasets: '{other.name}' has scans of {other.size} px, '{dataset.name}' of {dataset.size} px; "
            f"prepare one of them again with the size of the other"
        )
    learnt = classes_of(dataset, planned[0].run.intensities)
    try:
        rows = select(other, spec.intensities)
    except UserError as error:
        raise UserError(f"evaluation.datasets: {error}") from None
    classes = other.table["expression"].iloc[rows].to_numpy()
    shared = [name for name in learnt if name in classes]
    if len(shared) < 2:
        raise UserError(
            f"evaluation.datasets: '{other.name}' has {', '.join(sorted(set(classes)))}; of these '{dataset.name}' has "
            f"{shared[0] if shared else 'none'}, and accuracy needs two classes or more that both have"
        )
    lines = []
    if unknown := sorted(set(classes) - set(learnt)):
        lines.append(f"scans of {', '.join(unknown)} are left out: no model was trained on them")
    known = rows[np.isin(classes, shared)]
    suited = {}
    for label, method in methods.items():
        if why := _unsuited(method, dataset, other):
            lines.append(f"left out for {label}: {why}")
        else:
            suited[label] = method
    lines += _warnings(suited, dataset, other)
    parts = {(one.run.repeat, one.run.fold): one for one in planned}
    tested = {place: _unseen(known, other, _trained_on(one, dataset)) for place, one in parts.items()}
    if not all(len(scans) for scans in tested.values()):
        raise UserError(f"evaluation.datasets: all subjects of '{other.name}' are also trained on in '{dataset.name}'")
    found = []
    for one in planned:
        if one.label not in suited:
            continue
        scans = tested[one.run.repeat, one.run.fold]
        evaluation = {"dataset": spec.name, "fingerprint": other.fingerprint, "scans": _digest(scans)}
        run, every = replace(one.run, evaluation=evaluation), np.arange(len(scans))
        side = Scans(rows=scans, train=every[:0], test=every)
        found.append(replace(one, run=run, scans=side, dataset_name=spec.name, keep_weights=False))
    return found, lines


def _unseen(rows: NDArray[np.int64], other: FaceDataset, trained: set[str]) -> NDArray[np.int64]:
    """Those of `rows` whose subjects are not among `trained`."""
    return rows[~np.isin(other.subjects[rows], sorted(trained))]


def _trained_on(planned: PlannedRun, dataset: FaceDataset) -> set[str]:
    return set(dataset.subjects[planned.scans.rows[planned.scans.train]].tolist())


def _digest(rows: NDArray[np.int64]) -> str:
    """Of who is tested, by row numbers."""
    return hashlib.sha256(json.dumps(rows.tolist()).encode()).hexdigest()[:20]


def _unsuited(method: Method, dataset: FaceDataset, other: FaceDataset) -> str:
    """Reason why a method's models cannot be given what they read from another dataset; empty where they can."""
    sources = [one.detector if one.detected_planes is not None else "" for one in (dataset, other)]
    if method.uses_masks and method.masks == "detected" and sources[0] != sources[1]:
        by = [f"'{one.name}' {source or 'none'}" for one, source in zip((dataset, other), sources, strict=True)]
        return f"detected masks are by different landmarkers: {by[0]}, {by[1]}"
    try:
        check_landmarks(method, origins_of(dataset.table), origins_of(other.table), name=f"'{other.name}'")
    except UserError as error:
        return str(error)
    return ""


def _warnings(methods: Mapping[str, Method], dataset: FaceDataset, other: FaceDataset) -> list[str]:
    """Differences of landmarks that some methods' answers may suffer from, a line each."""
    origins, asked = origins_of(dataset.table), origins_of(other.table)
    pose = cast(PoseSource, dataset.pose)
    found: dict[str, list[str]] = {}
    for label, method in methods.items():
        if said := landmark_warning(method, origins, asked, trained_pose=pose, asked_pose=other.pose):
            found.setdefault(said, []).append(label)
    return [said if len(labels) == len(methods) else f"{', '.join(labels)}: {said}" for said, labels in found.items()]
