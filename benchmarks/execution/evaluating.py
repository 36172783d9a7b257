"""Evaluating a trained model: what a worker does from a stored run's weights to the record of an evaluation."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

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
from benchmarks.execution.slots import limit_memory, sharing
from benchmarks.plans.folds import groups
from benchmarks.plans.runs import PlannedRun, Run
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Record

#: Auxiliary outputs of at most so many numbers a scan are kept: weights of the streams, and no maps.
_NUMBERS = 4
#: Models, a few megabytes each, that a process keeps: those of a fold, tested on one corruption after another.
_MODELS = 64


@dataclass(frozen=True)
class _Tested:
    """The scans at `rows` of a dataset, of one severity of a corruption or of another dataset; `said` of them, a
    number a name, stands beside their scores.
    """

    dataset: FaceDataset
    rows: bytes
    said: Mapping[str, float] = field(default_factory=dict)


def evaluate(planned: PlannedRun, home: Home) -> Record:
    """Tests a trained model on corrupted scans or on another dataset; the record is the caller's to write.

    It is that of a run whose predictions have a row a scan and, under a corruption, severity; its curve goes along
    severities.

    Raises:
        UserError: the run that trained the model is not there, or kept no weights.
    """
    run, made_with = planned.run, provenance(planned.run.device)
    limit_memory(alone=bool(planned.alone))
    said = run.evaluation or {}
    model = _model(home, run.training_run.key, run.device)
    rows = planned.scans.rows[planned.scans.test]
    dataset = opened(home, planned.dataset_name, said.get("fingerprint", run.dataset))
    subjects = dataset.subjects if "dataset" in said else groups(dataset, planned.group)
    labels = dataset.table["expression"].iloc[rows].map(model.classes.index).to_numpy(np.int64, copy=True)
    clock = time.process_time if run.device == "cpu" else time.perf_counter
    tables, curve, begun = [], [], clock()
    auxiliary: dict[str, list[NDArray[np.float32]]] = {}
    for one in _tested(home, dataset, rows, said):
        probabilities, outputs = _answers(model, one, run)
        table = predictions_table(dataset, rows, subjects[rows], probabilities, model.classes)
        tables.append(table.assign(severity=one.said["severity"]) if "severity" in one.said else table)
        curve.append({**one.said, **scores(labels, probabilities)})
        for name, values in outputs.items():
            if values[0].size <= _NUMBERS:
                auxiliary.setdefault(name, []).append(values)
    curves = pd.DataFrame(curve)
    result = {
        **asdict(run),
        "key": run.key,
        "trained": run.training_run.key,
        **_about(said),
        "classes": list(model.classes),
        "size": dataset.size,
        "n_test": len(rows),
        "accuracy": float(curves["accuracy"].mean()),
        "macro_f1": float(curves["macro_f1"].mean()),
        "seconds": 0.0,
        "test_seconds": clock() - begun,
        **sharing(run.device, alone=bool(planned.alone)),
        "finished": time.time(),
        **made_with,
    }
    return Record(
        result=result,
        predictions=pd.concat(tables, ignore_index=True),
        curves=curves,
        auxiliary_outputs={name: np.concatenate(values) for name, values in auxiliary.items()},
    )


def _tested(home: Home, dataset: FaceDataset, rows: NDArray[np.int64], said: Mapping[str, Any]) -> Iterator[_Tested]:
    """Everything that an evaluation tests a model on, in turn."""
    if "dataset" in said:
        yield _Tested(dataset, rows.tobytes())
    for severity, value in enumerate(said.get("severities", ()), 1):
        scans = _corrupted(home, dataset, rows.tobytes(), said["corruption"], severity, said["seed"])
        yield _Tested(scans, scans.rows.tobytes(), {"severity": severity, "value": value})


def _about(said: Mapping[str, Any]) -> dict[str, Any]:
    """Facts on a corruption that a record says of it, so that reports need not know it."""
    if "corruption" not in said:
        return {}
    corruption = find_corruption(said["corruption"])
    return {"corruption": {"title": corruption.title, "group": corruption.of, "unit": corruption.unit}}


def _answers(
    model: TrainedModel, tested: _Tested, run: Run
) -> tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]:
    """Probabilities and auxiliary outputs of a model for all of these scans."""
    rows, faces = np.frombuffer(tested.rows, np.int64), _on_device(tested.dataset, tested.rows, run.device)
    faces = give_masks(faces, model.module, tested.dataset, rows, None)
    every = torch.arange(len(rows), device=run.device)
    probabilities, outputs = predict(model.module, faces, every, model.config)
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


@lru_cache(maxsize=1)
def _on_device(dataset: FaceDataset, rows: bytes, device: str) -> DeviceDataset:
    return DeviceDataset(dataset, np.frombuffer(rows, np.int64), torch.device(device))
