"""Evaluating a trained model: what a worker does from a stored run's weights to the record of an evaluation."""

import time
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch

from afnetm.corruptions import corrupted, find_corruption
from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.sources import source_digests
from afnetm.trained.folders import load_model
from afnetm.training.loop import predict
from afnetm.training.metrics import scores
from afnetm.training.placing import placed
from benchmarks.execution.executing import opened, predictions_table
from benchmarks.plans.folds import classes_of, groups
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Record, Store

#: Auxiliary outputs of at most so many numbers a scan are kept: weights of the streams, and no maps.
_NUMBERS = 4


def evaluate(planned: PlannedRun, home: Home) -> Record:
    """Tests a trained model on corrupted scans; the record is the caller's to write.

    It is that of a run whose predictions have a row a scan and severity, and whose curve goes along severities.

    Raises:
        UserError: the run that trained the model is not there, or kept no weights.
    """
    run, made_with = planned.run, provenance(planned.run.device)
    assert run.evaluation is not None
    folder = Store(home).folder(run.training_run.key)
    if not folder.is_dir():
        raise UserError(f"the model is not there: run {run.training_run.key} is not finished")
    model = load_model(folder)
    dataset = opened(home, planned.dataset_name, run.dataset)
    rows = planned.scans.rows[planned.scans.test]
    classes = classes_of(dataset, run.intensities)
    labels = dataset.table["expression"].iloc[rows].map(classes.index).to_numpy(np.int64, copy=True)
    subjects = groups(dataset, planned.group)[rows]
    clock = time.process_time if run.device == "cpu" else time.perf_counter
    tables, curve, auxiliary, begun = [], [], dict[str, list[Any]](), clock()
    for severity, value in enumerate(run.evaluation["severities"], 1):
        scans = _corrupted(dataset, rows.tobytes(), run.evaluation["corruption"], severity, run.evaluation["seed"])
        module, faces = placed(model.module, scans, model.config, run.device, train=False)
        everyone = torch.arange(len(faces), device=faces.device)
        probabilities, outputs = predict(module, faces, everyone, model.config)
        tables.append(
            predictions_table(dataset, rows, subjects, probabilities.numpy(), classes).assign(severity=severity)
        )
        curve.append({"severity": severity, "value": value, **scores(labels, probabilities.numpy())})
        for name, values in outputs.items():
            if values[0].numel() <= _NUMBERS:
                auxiliary.setdefault(name, []).append(values.numpy())
    curves, corruption = pd.DataFrame(curve), find_corruption(run.evaluation["corruption"])
    result = {
        **asdict(run),
        "key": run.key,
        "trained": run.training_run.key,
        "corruption": {"title": corruption.title, "group": corruption.of, "unit": corruption.unit},
        "classes": list(classes),
        "size": dataset.size,
        "n_test": len(rows),
        "accuracy": float(curves["accuracy"].mean()),
        "macro_f1": float(curves["macro_f1"].mean()),
        "seconds": 0.0,
        "test_seconds": clock() - begun,
        "finished": time.time(),
        "sources": source_digests(type(corruption).__module__),
        **made_with,
    }
    return Record(
        result=result,
        predictions=pd.concat(tables, ignore_index=True),
        curves=curves,
        auxiliary_outputs={name: np.concatenate(values) for name, values in auxiliary.items()},
    )


@lru_cache(maxsize=5)  # those of a fold, on which one method after the other is evaluated
def _corrupted(dataset: FaceDataset, rows: bytes, name: str, severity: int, seed: int) -> FaceDataset:
    return corrupted(dataset, np.frombuffer(rows, np.int64), find_corruption(name), severity, seed=seed)
