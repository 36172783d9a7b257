"""Evaluations: every trained model of a suite tested again, on graded corruptions of its own test scans.

An evaluation is a run like the one that trained the model, but for what is done to the scans before they are tested:
one for each corruption, with all its severities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from afnetm.corruptions import Corruption, find_corruption, unavailable
from afnetm.data.dataset import FaceDataset
from afnetm.method import Method
from benchmarks.plans.runs import PlannedRun
from benchmarks.plans.tables import EvaluationSpec

#: Groups of corruptions under which landmarks would be found elsewhere in a picture.
_MOVES_FOUND = ("texture", "both", "modality")


def plan_evaluations(
    spec: EvaluationSpec, planned: Sequence[PlannedRun], methods: Mapping[str, Method], dataset: FaceDataset
) -> tuple[list[PlannedRun], list[str]]:
    """The evaluations of all these runs' models.

    Those of a fold stand together, and in it those on a corruption: whoever does several in a row loads models and
    corrupts scans once.

    Args:
        spec: what the models are evaluated on.
        planned: the runs that train them.
        methods: by label.
        dataset: whose scans they are.

    Returns:
        The evaluations; and in a line for each reason what is left out, and why.
    """
    found: list[PlannedRun] = []
    left_out: dict[str, list[str]] = {}
    tested = {(one.run.repeat, one.run.fold): one.scans.rows[one.scans.test] for one in planned}.values()
    for name in spec.corruptions:
        corruption = find_corruption(name)
        # In one fold as in all: means over folds are of the same corruptions.
        if why := next(filter(None, (unavailable(corruption, dataset, rows=rows) for rows in tested)), None):
            left_out.setdefault(f"left out: {why}", []).append(name)
            continue
        fixed = [label for label, method in methods.items() if _looked_for_once(method, corruption, dataset)]
        if fixed:
            why = (
                f"left out for {', '.join(fixed)}: their landmarks were detected when dataset '{dataset.name}' was "
                "prepared, and are not looked for again in corrupted scans"
            )
            left_out.setdefault(why, []).append(name)
        said = {"corruption": name, "version": corruption.version, "seed": spec.seed}
        evaluation = {**said, "severities": list(corruption.severities)}
        found += [
            replace(one, run=replace(one.run, evaluation=evaluation), keep_weights=False)
            for one in planned
            if one.label not in fixed
        ]
    rank = {name: place for place, name in enumerate(spec.corruptions)}
    found.sort(key=lambda one: (one.run.repeat, one.run.fold, rank[corruption_of(one)]))
    return found, [f"{', '.join(names)}: {why}" for why, names in left_out.items()]


def corruption_of(planned: PlannedRun) -> str:
    """Name of the corruption that an evaluation is of; empty for a run that trains."""
    return "" if planned.run.evaluation is None else str(planned.run.evaluation["corruption"])


def _looked_for_once(method: Method, corruption: Corruption, dataset: FaceDataset) -> bool:
    """Whether a method would be given landmarks of the scans as they were before."""
    detected = method.uses_masks and method.masks == "detected" and dataset.detected_planes is not None
    return detected and corruption.of in _MOVES_FOUND
