"""Evaluating a trained model: what a worker does from a stored run's weights to the record of an evaluation."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from afnetm.corruptions import corrupted, find_corruption
from afnetm.data.dataset import FaceDataset
from afnetm.trained.folders import load_model
from afnetm.trained.model import TrainedModel
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.given import give_masks
from afnetm.training.loop import predict
from afnetm.training.metrics import scores
from benchmarks.execution.executing import opened, predictions_table
from benchmarks.plans.folds import classes_of, groups
from benchmarks.plans.runs import PlannedRun, Run
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Record

#: Auxiliary outputs of at most so many numbers a scan are kept: weights of the streams, and no maps.
_NUMBERS = 4
#: Models, a few megabytes each, that a process keeps: those of a fold, tested on one corruption after another.
_MODELS = 64


def evaluate(planned: PlannedRun, home: Home) -> Record:
    """Tests a trained model on corrupted scans; the record is the caller's to write.

    It is that of a run whose predictions have a row a scan and severity, and whose curve goes along severities.

    Raises:
        UserError: the run that trained the model is not there, or kept no weights.
    """
    run, made_with = planned.run, provenance(planned.run.device)
    assert run.evaluation is not None
    corruption = find_corruption(run.evaluation["corruption"])
    dataset, model = opened(home, planned.dataset_name, run.dataset), _model(home, run.training_run.key, run.device)
    rows = planned.scans.rows[planned.scans.test]
    classes = classes_of(dataset, run.intensities)
    labels = dataset.table["expression"].iloc[rows].map(classes.index).to_numpy(np.int64, copy=True)
    subjects = groups(dataset, planned.group)[rows]
    clock = time.process_time if run.device == "cpu" else time.perf_counter
    tables, curve, begun = [], [], clock()
    auxiliary: dict[str, list[NDArray[np.float32]]] = {}
    for severity, value in enumerate(run.evaluation["severities"], 1):
        scans = _corrupted(home, dataset, rows.tobytes(), corruption.name, severity, run.evaluation["seed"])
        probabilities, outputs = _answers(model, scans, run)
        tables.append(predictions_table(dataset, rows, subjects, probabilities, classes).assign(severity=severity))
        curve.append({"severity": severity, "value": value, **scores(labels, probabilities)})
        for name, values in outputs.items():
            if values[0].size <= _NUMBERS:
                auxiliary.setdefault(name, []).append(values)
    curves = pd.DataFrame(curve)
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
        **made_with,
    }
    return Record(
        result=result,
        predictions=pd.concat(tables, ignore_index=True),
        curves=curves,
        auxiliary_outputs={name: np.concatenate(values) for name, values in auxiliary.items()},
    )


def _answers(
    model: TrainedModel, scans: FaceDataset, run: Run
) -> tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]:
    """Probabilities and auxiliary outputs of a model for all of these scans."""
    every, device = np.arange(len(scans)), torch.device(run.device)
    faces = give_masks(DeviceDataset(scans, every, device), model.module, scans, every, None)
    probabilities, outputs = predict(model.module, faces, torch.from_numpy(every).to(device), model.config)
    return probabilities.numpy(), {name: values.numpy() for name, values in outputs.items()}


@lru_cache(maxsize=_MODELS)
def _model(home: Home, key: str, device: str) -> TrainedModel:
    """The model that a run trained, on a device."""
    model = load_model(home.run(key))  # packed or not
    model.module.to(device)
    if model.config.channels_last:
        model.module.to(memory_format=torch.channels_last)
    return model


@lru_cache(maxsize=5)  # the severities of a corruption, on which one method after the other is tested
def _corrupted(home: Home, dataset: FaceDataset, rows: bytes, name: str, severity: int, seed: int) -> FaceDataset:
    of = find_corruption(name)
    return corrupted(dataset, np.frombuffer(rows, np.int64), of, severity, seed=seed, kept=home.corrupted)
