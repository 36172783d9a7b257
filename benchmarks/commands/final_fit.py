"""The final fit: a method of a suite trained on all of the suite's scans, and what its model's folder says of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite, nan
from typing import Any

import numpy as np
import torch
from torch import nn

from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.seeding import derive_seed
from afnetm.trained.folders import Settings
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.process import prepare_process
from benchmarks.commands.job import Job
from benchmarks.commands.manifests import make_manifest
from benchmarks.commands.request import Request
from benchmarks.execution.networks import trained, untrained
from benchmarks.plans.folds import classes_of, groups, select
from benchmarks.plans.runs import PlannedRun, rebuild
from benchmarks.plans.suite import suite_of
from benchmarks.records.manifest import pathless
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Store
from benchmarks.reporting.frames import results
from reports.schema import ReportError
from reports.tables.comparison import comparison


@dataclass(frozen=True, eq=False)
class FinalFit:
    """A trained network, and what is said of it.

    Attributes:
        network: on the device.
        method: that built it.
        settings: that make it again.
        about: what else is to be known of it, as ``model.json`` has it.
    """

    network: nn.Module
    method: Method
    settings: Settings
    about: Mapping[str, Any]


def with_parameters(request: Request) -> Request:
    """The request of a suite that is searched, with the file of parameters that a search for all folds wrote.

    Raises:
        UserError: there is none; a nested search chose other parameters in every fold.
    """
    options = request.options
    search = suite_of(request.file, options.methods).search
    if search is None or options.params is not None:
        return request
    name = request.file.path.stem
    if search.selection == "nested":
        raise UserError(
            f"suite '{name}': its search is nested and chooses parameters in every fold, none for all subjects; give "
            f"a file by --params, whose table [METHOD.all] has those to train with"
        )
    path = options.home.best_parameters(name)
    if not path.is_file():
        raise UserError(f"suite '{name}': it has not been searched in this home; run `afnetm search {name}` first")
    return replace(request, options=replace(options, params=path))


def settings_of(job: Job, label: str) -> PlannedRun:
    """A run of a method as it is planned in all folds.

    Raises:
        UserError: it is planned with other settings in some of them.
    """
    own = [one for one in job.planned if one.label == label]
    kinds = {json.dumps([one.run.hyperparameters, one.run.training], sort_keys=True) for one in own}
    if len(kinds) > 1:
        raise UserError(
            f"method '{label}': the file of parameters has others for every fold; those to train with on all subjects "
            f"belong into the table [{label}.all]"
        )
    return own[0]


def fit_all(job: Job, label: str) -> FinalFit:
    """Trains a method on every scan that its suite selects, of all subjects, in this process.

    Raises:
        DivergedError: the loss became infinite or no number.
    """
    assert job.dataset is not None
    planned, dataset = settings_of(job, label), job.dataset
    run = planned.run
    method, encoder, config = rebuild(planned)
    rows = select(dataset, run.intensities)
    classes = classes_of(dataset, run.intensities)
    table = dataset.table.iloc[rows]
    labels = table["expression"].map(classes.index).to_numpy(np.int64, copy=True)
    everyone, subjects = np.arange(len(rows)), table["subject"].nunique()
    # Whom a method holds out are whole groups, as in a comparison.
    own = groups(dataset, job.suite.protocol.group)[rows].tolist()
    seed = derive_seed(use="final fit", method=run.method, seed=run.protocol["seed"])
    made_with = provenance(run.device)
    prepare_process()
    scans = DeviceDataset(dataset, rows, torch.device(run.device))
    network, data = untrained(method, encoder, config, scans, dataset, rows, everyone, classes=len(classes), seed=seed)
    _, seconds = trained(network, data, config, own, labels, everyone, seed=seed)
    given = {"normalise": encoder.weights is not None, **run.encoder}
    settings = Settings(
        method=run.method,
        version=run.version,
        hyperparameters=run.hyperparameters,
        encoder={**given, "weights": None, "depth_weights": None},
        training=run.training,
        classes=classes,
        maps=dataset.made_by,
    )
    shareable = dataset.shareable
    about = {
        "title": job.suite.titles.get(label) or method.title or label,
        "suite": job.suite.name,
        "label": label,
        "measured": _measured(job, label),
        "tuned_by": str(job.tuned.record.get("found_by") or job.tuned.record.get("file", "")) if job.tuned else "",
        "dataset": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "source": dataset.source if shareable else pathless(dataset.source),
            "shareable": shareable,
            "intensities": run.intensities,
            "scans": len(rows),
            "subjects": subjects,
            "detector": run.detector or dataset.detector,
        },
        "encoder_weights": {name: run.encoder.get(name) for name in ("weights", "depth_weights")},
        "seed": seed,
        "device": run.device,
        "seconds": round(seconds, 3),
        "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        **made_with,
    }
    return FinalFit(network, method, settings, about)


def _measured(job: Job, label: str) -> dict[str, Any] | None:
    """Accuracy of a method with these settings in the comparison, as its report has it; None where none was measured.

    Numbers are fractions, ``low`` and ``high`` the ends of the 95 % interval over subjects and training runs.
    """
    assert job.dataset is not None
    own = [one for one in job.planned if one.label == label]
    store = Store(job.home)
    if not {one.run.key for one in own} & store.done():
        return None
    suite = job.suite.only([label]).model_copy(update={"control": None, "axes": {}})
    try:
        found = results(make_manifest(suite, job.dataset, own), store, created="")
        row = comparison(found).iloc[0]
    except ReportError:  # its records are damaged or diverged; `afnetm report` says which and why
        return None
    low, high = (float(row[name]) if isfinite(row[name]) else None for name in ("accuracy_low", "accuracy_high"))
    subjects = found.predictions["subject"].nunique()
    return {
        "suite": job.suite.name,
        "accuracy": float(row["accuracy"]),
        "low": low,
        "high": high,
        "runs": int(row["units"]),
        "planned": len(own),
        "subjects": int(subjects),
    }


def expected_seconds(job: Job, label: str) -> float:
    """Seconds of a final fit by the times of its method's finished runs; NaN where there are none."""
    known = Store(job.home).summaries()
    rates = [
        seconds / len(one.scans.train)
        for one in job.planned
        if one.label == label and one.run.key in known and (seconds := known[one.run.key].seconds) is not None
    ]
    assert job.dataset is not None
    return len(select(job.dataset, job.suite.dataset.intensities)) * sum(rates) / len(rates) if rates else nan
