"""A suite and its records in MLflow's terms: parameters, metrics, the dataset, names."""

import io
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from mlflow.entities import Dataset, Metric, Param
from safetensors.numpy import load

from afnetm.zipped import Folder
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import PICTURE

#: What the field calls a training configuration, in suites and in MLflow.
_TRAINING = "training"
#: What a run used as MLflow's page shows it, by the beginning of the name, and what it is counted in.
_USAGE = {
    "cpu": ("system/process_cpu_percentage", 1),
    "memory": ("system/process_memory_megabytes", 1e6),
    "gpu": ("system/gpu_utilization_percentage", 1),
    "gpu_memory": ("system/process_gpu_memory_megabytes", 1e6),
}


def run_name(listed: ListedRun) -> str:
    """``concat 0-2``, and for trainings beside the comparison ``concat 0-2 #2``, ``concat 0-2 reseeded 1``."""
    name = f"{listed.method} {listed.repeat}-{listed.fold}"
    name = f"{name} #{listed.search + 1}" if listed.search else name
    return f"{name} reseeded {listed.reseed}" if listed.reseed else name


def run_params(result: Mapping[str, Any]) -> list[Param]:
    """Of a finished run: what it is, and all its settings."""
    facts = {name: result[name] for name in ("method", "version", "repeat", "fold", "seed", "device", "intensities")}
    settings = {"protocol": result["protocol"], "encoder": result["encoder"], _TRAINING: result["training"]}
    return params(facts | _own(result["hyperparameters"], facts) | settings)


def method_params(manifest: Manifest, label: str) -> list[Param]:
    """Of a method, as its suite has it: the same names as its runs'."""
    about = manifest.methods[label]
    facts = {"method": about.get("name"), "version": about.get("version")}
    settings = {name: dict(manifest.resolved.get(name, {})) for name in ("protocol", "encoder", _TRAINING)}
    settings["encoder"].pop("weights", None)  # a path; their digest stands with the runs
    return params(facts | _own(about["hyperparameters"], facts) | settings)


def params(settings: Mapping[str, Any], prefix: str = "") -> list[Param]:
    """Settings as MLflow has them, those of an inner table after its name and a dot; what is not set is left out."""
    flat: list[Param] = []
    for name, value in settings.items():
        if isinstance(value, dict):
            flat += params(value, f"{prefix}{name}.")
        elif value is not None:
            flat.append(Param(prefix + name, str(value)))
    return flat


def _own(hyperparameters: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """A method's own settings by their names; one that is called as something else is gets its kind before it."""
    taken = {*facts, "repeat", "fold", "seed", "device", "intensities", "protocol", "encoder", _TRAINING}
    return {f"hyperparameters.{name}" if name in taken else name: value for name, value in hyperparameters.items()}


def run_metrics(
    result: Mapping[str, Any], folder: Folder, end: int, *, model: str | None = None, dataset: Dataset | None = None
) -> list[Metric]:
    """Scores and costs of a finished run, and its curves, a step an epoch; `end` is when it ended, in ms.

    Scores and costs are those of `model` on `dataset`, too, where MLflow has a model of it.
    """
    names = ("accuracy", "macro_f1", "seconds", "test_seconds", "parameters", "flops", "n_train", "n_test")
    of: dict[str, str] = {}
    if model and dataset:
        of = {"model_id": model, "dataset_name": dataset.name, "dataset_digest": dataset.digest}
    metrics = [Metric(name, float(result[name]), end, 0, **of) for name in names]
    curves = pd.read_csv(io.BytesIO((folder / "curves.csv").read_bytes())).drop(columns="epoch")
    for name in curves.columns:
        metrics += [Metric(f"train_{name}", float(v), end, epoch) for epoch, v in enumerate(curves[name])]
    return metrics


def evaluation_metrics(evaluated_on: str, folder: Folder, end: int) -> list[Metric]:
    """Scores of a trained model on a corruption, a step a severity, or on another dataset, in a group of that name."""
    curves = pd.read_csv(io.BytesIO((folder / "curves.csv").read_bytes()))
    return [
        Metric(f"{evaluated_on}/{name}", float(score), end, int(severity))
        for name in ("accuracy", "macro_f1")
        for severity, score in zip(curves.get("severity", [0]), curves[name], strict=True)
    ]


def usage_metrics(result: Mapping[str, Any], start: int) -> list[Metric]:
    """Usage of its machine by a finished run, by samples, among MLflow's system metrics; none of the shortest.

    Args:
        result: of the run.
        start: when it began, in ms.
    """
    usage = dict(result.get("usage", {}))
    times = [start + int(1000 * seconds) for seconds in usage.pop("seconds", ())]
    return [
        Metric(_USAGE[name][0], values[step] / _USAGE[name][1], times[step], step)
        for name, values in usage.items()
        for step in range(len(times))
    ]


def mlflow_dataset(dataset: Mapping[str, Any]) -> Dataset:
    """A dataset, as MLflow knows datasets."""
    profile = {k: dataset[k] for k in ("scans", "subjects", "size")}
    return Dataset(
        name=dataset["name"],
        digest=dataset["fingerprint"][:8],  # as long as MLflow's own: it stands beside the name on every line
        source_type="afnetm dataset",
        source=pd.Series(dataset["source"]).to_json(),
        profile=pd.Series(profile).to_json(),
    )


def shows_subjects(file: Folder) -> bool:
    """Whether a file of a record names subjects, or holds so much of each scan that it may show it."""
    if file.name != "auxiliary_outputs.safetensors":
        return file.name == "predictions.parquet"
    return any(math.prod(array.shape[1:]) >= PICTURE for array in load(file.read_bytes()).values())
