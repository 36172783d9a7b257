"""Evaluations on corrupted scans: every trained model of a suite tested again on graded corruptions of its test scans.

One evaluation is of one corruption, with all its severities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from afnetm.corruptions import Corruption, find_corruption, unavailable
from afnetm.data.dataset import FaceDataset
from afnetm.method import Method
from benchmarks.plans.runs import PlannedRun

#: Groups of corruptions under which landmarks would be found elsewhere in a picture.
_MOVES_FOUND = ("texture", "both", "modality")


def on_corruption(
    name: str, seed: int, planned: Sequence[PlannedRun], methods: Mapping[str, Method], dataset: FaceDataset
) -> tuple[list[PlannedRun], list[str]]:
    """The evaluations of all these runs' models on a corruption.

    Args:
        name: the corruption's.
        seed: decides what is random in it.
        planned: the runs that train the models.
        methods: by label.
        dataset: whose scans they are.

    Returns:
        The evaluations; and a line for each reason why some are left out.
    """
    corruption = find_corruption(name)
    tested = {(one.run.repeat, one.run.fold): one.scans.rows[one.scans.test] for one in planned}.values()
    # In one fold as in all: means over folds are of the same corruptions.
    if why := next(filter(None, (unavailable(corruption, dataset, rows=rows) for rows in tested)), None):
        return [], [f"left out: {why}"]
    fixed = [label for label, method in methods.items() if _looked_for_once(method, corruption, dataset)]
    why = (
        f"left out for {', '.join(fixed)}: their landmarks were detected when dataset '{dataset.name}' was "
        "prepared, and are not looked for again in corrupted scans"
    )
    said = {"corruption": name, "version": corruption.version, "seed": seed}
    evaluation = {**said, "severities": list(corruption.severities)}
    found = [
        replace(one, run=replace(one.run, evaluation=evaluation), keep_weights=False)
        for one in planned
        if one.label not in fixed
    ]
    return found, [why] if fixed else []


def _looked_for_once(method: Method, corruption: Corruption, dataset: FaceDataset) -> bool:
    """Whether a method would be given landmarks of the scans as they were before."""
    detected = method.uses_masks and method.masks == "detected" and dataset.detected_planes is not None
    return detected and corruption.of in _MOVES_FOUND
