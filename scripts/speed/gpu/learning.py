"""Whole runs on the device, by the way that a worker goes: the same bits twice, and learning as on a processor."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import open_dataset
from afnetm.training.config import Precision
from benchmarks.execution.executing import execute
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import Suite, load_suite
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from scripts.speed.gpu.cells import WrongError
from scripts.speed.gpu.scale import Scale
from scripts.speed.gpu.scans import QUICK, write

#: How much accuracy may differ from what a processor reached, up or down: several times what rounding moves a mean of
#: two folds of some hundred scans. Without any such record, the suite's methods are far above chance, and on scans
#: that are made to be learnt nearly perfect.
_MAX_GAP, _ABOVE_CHANCE, _LEARNT = 0.1, 0.3, 0.9


def run_twice(scale: Scale) -> dict[str, Any]:
    """One run of AFNet-M in bfloat16, executed in two homes: every file of both records but the times is the same."""
    suite = short_suite(scale, "bfloat16")
    records = []
    for _ in range(2):
        with scratch(scale) as home:
            planned = _planned(suite, home, "afnetm", scale.device, folds=1)[0]
            taken = execute(planned, home)
            folder = Store(home).folder(planned.run.key)
            files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "result.json"}
            records.append((Store(home).result(planned.run.key), files, taken))
    (result, one, first), (_, other, second) = records
    found = {
        "accuracy": result["accuracy"],
        "first_seconds": first,
        "second_seconds": second,
        "training_seconds": result["seconds"],
        "peak_memory": result["peak_memory"],
        "device": result["device_name"],
    }
    apart = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if apart:
        raise WrongError(f"executed twice, {', '.join(apart)} of the record differ", found)
    return found


def learns(scale: Scale, *, label: str, precision: Precision) -> dict[str, Any]:
    """The accuracy of a method of the suite ``quick`` over a few folds, beside that of the home's records on a CPU."""
    suite = short_suite(scale, precision)
    with scratch(scale) as home:
        runs = _planned(suite, home, label, scale.device, folds=scale.folds)
        for run in runs:
            execute(run, home)
        accuracy = mean(Store(home).result(run.run.key)["accuracy"] for run in runs)
    known = _known(scale, label)
    found = {"accuracy": accuracy, "cpu_accuracy": known, "folds": len(runs)}
    if scale.epochs is None:
        least = known - _MAX_GAP if known is not None else _ABOVE_CHANCE if scale.home else _LEARNT
        most = known + _MAX_GAP if known is not None else 1.0
        if not least <= accuracy <= most:
            raise WrongError(f"accuracy {accuracy:.3f} is not within {least:.3f} to {most:.3f}", found)
    return found


def short_suite(scale: Scale, precision: Precision, *, epochs: int | None = None) -> Suite:
    """The suite ``quick`` as it is run here: with fewer epochs, if `epochs` or the scale says so."""
    suite = load_suite("quick")
    training = replace(suite.training, precision=precision, epochs=epochs or scale.epochs or suite.training.epochs)
    if scale.home is None:  # mirrored, one synthetic class looks like another
        training = replace(training, augmentation=replace(training.augmentation, flip=0))
    return suite.model_copy(update={"training": training})


def _known(scale: Scale, label: str) -> float | None:
    """Records of `scale.home` for the same folds on a CPU, in float32."""
    if scale.home is None:
        return None
    home = Home(scale.home)
    runs = _planned(load_suite("quick"), home, label, "cpu", folds=scale.folds)
    done = Store(home).done()
    if any(run.run.key not in done for run in runs):
        return None
    return float(mean(Store(home).result(run.run.key)["accuracy"] for run in runs))


def _planned(suite: Suite, home: Home, label: str, device: str, *, folds: int) -> list[PlannedRun]:
    dataset = open_dataset(home.datasets / QUICK)
    return [run for run in plan(suite.only([label]), dataset, device=device) if run.run.fold < folds]


@contextmanager
def scratch(scale: Scale) -> Iterator[Home]:
    """An empty home with the dataset of `quick`, of `scale.home` or synthetic."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        target = home.datasets / QUICK
        if scale.home is not None:
            target.parent.mkdir(parents=True)
            target.symlink_to((scale.home / "datasets" / target.name).resolve())
        else:
            subjects, size = scale.learnt
            write(learnable_dataset(subjects=subjects, size=size), target)
        yield home
