"""Evaluations: every trained model of a suite tested on more than its own test scans, as a suite's table says.

An evaluation is a run like the one that trained the model, but for what is tested: one for each corruption of its test
scans, and one for each other dataset.
"""

from collections.abc import Mapping, Sequence

from afnetm.data.dataset import FaceDataset
from benchmarks.plans.corrupted import on_corruption
from benchmarks.plans.other_datasets import on_dataset
from benchmarks.plans.runs import PlannedRun
from benchmarks.plans.suite import Suite


def plan_evaluations(
    suite: Suite, planned: Sequence[PlannedRun], dataset: FaceDataset, others: Mapping[str, FaceDataset]
) -> tuple[list[PlannedRun], list[str]]:
    """The evaluations of all these runs' models.

    Those of a fold stand together, and in it those on one corruption or dataset: whoever does several in a row loads
    models and makes scans once.

    Args:
        suite: which says what the models are evaluated on; none where it says nothing.
        planned: the runs that train them.
        dataset: that they are trained on.
        others: the other datasets by name; one that is yet to be made is passed over.

    Returns:
        The evaluations; and in a line for each reason what is left out, and why.

    Raises:
        UserError: another dataset does not go together with the suite's.
    """
    spec = suite.evaluation
    if spec is None:
        return [], []
    found: list[PlannedRun] = []
    said: dict[str, list[str]] = {}
    for name in spec.corruptions:
        own, lines = on_corruption(name, spec.seed, planned, suite.methods, dataset)
        found += own
        for line in lines:
            said.setdefault(line, []).append(name)
    for tested in spec.datasets:
        if (other := others.get(tested.name)) is not None:
            own, lines = on_dataset(tested, planned, suite.methods, dataset, other)
            found += own
            for line in lines:
                said.setdefault(line, []).append(tested.name)
    rank = {name: place for place, name in enumerate([*spec.corruptions, *(one.name for one in spec.datasets)])}
    found.sort(key=lambda one: (one.run.repeat, one.run.fold, rank[one.run.evaluated_on]))
    return found, [f"{', '.join(names)}: {line}" for line, names in said.items()]
