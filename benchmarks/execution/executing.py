"""Executing a run: what a worker does from reading the dataset to writing the record."""

import json
import time
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from afnetm.contract import rehearsal
from afnetm.data.dataset import FaceDataset, open_dataset
from afnetm.model.cost import flop_count, parameter_count
from afnetm.sources import source_digests
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.gradcam import gradcam
from afnetm.training.loop import predict
from afnetm.training.metrics import scores
from benchmarks.execution.networks import trained, untrained
from benchmarks.execution.slots import limit_memory, sharing
from benchmarks.execution.usage import sampled
from benchmarks.plans.folds import classes_of, groups
from benchmarks.plans.runs import PlannedRun, Run, rebuild
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Evidence, Record, Store


def rehearse(planned: PlannedRun, home: Home) -> None:
    """Tries a run's method with its settings on a few faces of its dataset's size; nothing is recorded."""
    limit_memory(alone=bool(planned.alone))
    dataset = opened(home, planned.dataset_name, planned.run.dataset)
    size, classes = dataset.size, len(classes_of(dataset, planned.run.intensities))
    method, encoder, config = rebuild(planned)
    device = torch.device(planned.run.device)
    rehearsal.rehearse(method, replace(encoder, size=size), config, size=size, classes=classes, device=device)


def execute(planned: PlannedRun, home: Home) -> float:
    """Trains and tests one run and writes its record; returns the seconds that it took."""
    started = time.perf_counter()
    Store(home).write(planned.run.key, train(planned, home))
    return time.perf_counter() - started


def train(planned: PlannedRun, home: Home) -> Record:
    """Trains and tests one run; its record is the caller's to write.

    Args:
        planned: the run.
        home: where its dataset is; nothing is written.
    """
    run = planned.run
    made_with = provenance(run.device)  # before anything is trained: what is wrong with it costs nothing then
    limit_memory(alone=bool(planned.alone))
    device = torch.device(run.device)
    dataset = opened(home, planned.dataset_name, run.dataset)
    rows, fold = planned.scans.rows, planned.scans
    classes = classes_of(dataset, run.intensities)
    labels = dataset.table["expression"].iloc[rows].map(classes.index).to_numpy(np.int64, copy=True)
    method, encoder, config = rebuild(planned)

    scans = _on_device(dataset, tuple(rows.tolist()), run.device)
    held = 0  # by the scans, which are no method's
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        held = torch.cuda.memory_allocated(device)
    settings = (method, encoder, config)
    model, data = untrained(*settings, scans, dataset, rows, fold.train, classes=len(classes), seed=run.seed)
    costs = _costs(model, run, dataset.size, classes)
    subjects = groups(dataset, planned.group)[rows]
    test = torch.from_numpy(fold.test).to(device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    with sampled(device) as usage:
        curves, seconds = trained(model, data, config, subjects.tolist(), labels, fold.train, seed=run.data_seed)
        begun = clock()
        probabilities, auxiliary_outputs = predict(model, data, test, config)
        test_seconds = clock() - begun
    if probabilities.shape != (len(test), len(classes)):
        found = " x ".join(map(str, probabilities.shape))
        raise ValueError(f"the network gives {found} logits for {len(test)} scans and {len(classes)} classes")
    # On a processor there is the process' alone, which holds what earlier runs of this worker left.
    memory = torch.cuda.max_memory_allocated(device) - held if device.type == "cuda" else None
    searched = run.inner is not None  # then only its score is wanted, and there may be very many of its kind
    evidence = None if searched else _evidence(model, data, test, config, labels[fold.test], probabilities.argmax(1))

    result: dict[str, Any] = {
        **asdict(run),
        "key": run.key,
        "seed": run.seed,
        "classes": list(classes),
        "size": dataset.size,
        "maps": dataset.made_by,
        "n_train": len(fold.train),
        "n_test": len(fold.test),
        **scores(labels[fold.test], probabilities.numpy()),
        **costs,
        "seconds": seconds,
        "test_seconds": test_seconds,
        "peak_memory": memory,
        **sharing(device.type, alone=bool(planned.alone)),
        **({"usage": usage} if usage and not searched else {}),
        "finished": time.time(),
        "sources": source_digests(type(method).__module__),
        **made_with,
    }
    return Record(
        result=result,
        predictions=predictions_table(dataset, rows[fold.test], subjects[fold.test], probabilities.numpy(), classes),
        curves=pd.DataFrame({name: curve.numpy() for name, curve in vars(curves).items()})
        .rename_axis("epoch")
        .reset_index(),
        auxiliary_outputs={} if searched else {name: value.numpy() for name, value in auxiliary_outputs.items()},
        gradcam=evidence,
        weights={k: v.cpu().contiguous().numpy() for k, v in model.state_dict().items()}
        if planned.keep_weights
        else None,
    )


def _costs(model: nn.Module, run: Run, size: int, classes: tuple[str, ...]) -> dict[str, int]:
    """Costs of a run's network, counted once by each process for all runs that differ in their scans alone.

    Whether it is counted now decides nothing: a network that draws even when it is tested draws the same afterwards.
    """
    of = json.dumps([run.method, run.version, run.hyperparameters, run.encoder, size, len(classes)])
    if of not in _counted:
        with torch.random.fork_rng([0] if run.device == "cuda" else []):
            _counted[of] = {"parameters": parameter_count(model), "flops": flop_count(model, size=size)}
    return _counted[of]


_counted: dict[str, dict[str, int]] = {}


def _evidence(
    model: nn.Module,
    data: DeviceDataset,
    test: torch.Tensor,
    config: TrainingConfig,
    truth: NDArray[np.int64],
    predicted: torch.Tensor,
) -> Evidence | None:
    """Grad-CAM of the first test scan of each expression, for the class that was predicted."""
    rows = np.sort(np.unique(truth, return_index=True)[1])
    faces = data.faces(test[rows], softened=config.augmentation.moves)
    maps = gradcam(model, faces, predicted[rows].to(data.device))
    return Evidence(rows, {name: of.numpy() for name, of in maps.items()}) if maps else None


def predictions_table(
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    subjects: NDArray[np.str_],
    probabilities: NDArray[np.float32],
    classes: tuple[str, ...],
) -> pd.DataFrame:
    """Predictions for scans at `rows`, as a record has them; `subjects` are people where subjects are sessions."""
    frame = dataset.table[["id", "subject", "expression", "intensity"]].iloc[rows].reset_index(drop=True)
    frame = frame.rename(columns={"id": "scan"}).assign(subject=subjects.tolist())
    frame["predicted"] = [classes[k] for k in probabilities.argmax(1)]
    return frame.assign(**{f"p_{name}": probabilities[:, k] for k, name in enumerate(classes)})


#: Datasets that this process was given, by their fingerprints, since it cannot read them in the home.
held: dict[str, FaceDataset] = {}


@lru_cache(maxsize=1)
def opened(home: Home, name: str, fingerprint: str) -> FaceDataset:
    """The dataset of a run, kept for the next one.

    Raises:
        RuntimeError: it is another one by now.
    """
    if fingerprint in held:
        return held[fingerprint]
    dataset = open_dataset(home.datasets / name)
    if dataset.fingerprint != fingerprint:
        raise RuntimeError(
            f"dataset '{name}' has changed since the run was planned: {dataset.fingerprint} != {fingerprint}"
        )
    return dataset


@lru_cache(maxsize=1)
def _on_device(dataset: FaceDataset, rows: tuple[int, ...], device: str) -> DeviceDataset:
    """The scans that a run may see, and no other, on the device; kept for the next one that may see the same."""
    return DeviceDataset(dataset, np.array(rows, np.int64), torch.device(device))
