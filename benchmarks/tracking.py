"""Tracking: a faithful copy of the records in MLflow, for people. Losing it loses nothing, and it can be made again.

An experiment is a suite, a parent run a method, a child run a unit, tagged with its key. Only the driver writes, each
run's numbers in one batch; what is there already is left alone, and what a server missed is caught up later.
"""

import logging
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

# Before mlflow is imported anywhere: nothing is sent to its makers, and a server that is away is left in seconds.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, Run
from safetensors import safe_open

from benchmarks.home import Home
from benchmarks.ledger import Entry, Ledger
from benchmarks.store import Store

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

_KEY, _FINISHED, _METHOD = "afnetm.key", "afnetm.finished", "afnetm.method"
_NAMED = "afnetm.named"  # of a run that has what names subjects
#: So many numbers a scan may be a picture, if a small one.
_PICTURE = 16 * 16
_PARENT = "mlflow.parentRunId"  # MLflow's own tag: its UI nests runs by it
_PAGE = 1000


class Tracker:
    """Copies one suite's records to an MLflow server or database.

    Args:
        uri: where MLflow is: a database's or a server's.
        home: whose records are copied; a database there keeps its artifacts there too.
        ledger: the suite.
        with_faces: whether what names or shows subjects is copied though the cohort is not shareable. What was copied
            without is completed; what was copied with it stays, whatever is said later.

    Every method may raise what MLflow raises when it cannot be reached.
    """

    def __init__(self, uri: str, home: Home, ledger: Ledger, *, with_faces: bool = False) -> None:
        self._client = MlflowClient(uri)
        self._named = bool(ledger.cohort["shareable"]) or with_faces
        self._store = Store(home)
        self._ledger = ledger
        artifacts = home.artifacts.resolve().as_uri() if uri == home.tracking_uri else None
        experiment = self._client.get_experiment_by_name(ledger.suite)
        self._experiment = experiment.experiment_id if experiment else self._create(artifacts)
        self._parents: dict[str, str] = {}
        self._children: dict[str, tuple[str, str]] = {}
        self._nameless: set[str] = set()
        for run in self._runs():
            self._remember(run)

    def log(self, entries: Iterable[Entry]) -> int:
        """Copies the finished ones of these units that are not there whole; returns how many it copied."""
        logged = 0
        for entry in entries:
            if not self._store.folder(entry.key).is_dir():
                continue
            result = self._store.result(entry.key)
            run, finished = self._children.get(entry.key, ("", ""))
            if finished == str(result["finished"]):
                logged += self._complete(entry.key, run)
                continue
            if run:  # the record was made anew, or the copy was cut off
                self._client.delete_run(run)
            self._children[entry.key] = (self._log_unit(entry, result), str(result["finished"]))
            logged += 1
        return logged

    def close(self) -> None:
        """Brings each method's parent run up to date: the means over its finished units."""
        for method in self._ledger.methods:
            entries = [e for e in self._ledger.units if e.method == method and e.key in self._children]
            if not entries:
                continue
            results = [self._store.result(e.key) for e in entries if self._store.folder(e.key).is_dir()]
            frame = pd.DataFrame(results)[["accuracy", "macro_f1", "seconds"]]
            numbers = {f"mean_{k}": v for k, v in frame.mean().items()} | {"units": float(len(frame))}
            run = self._parent(method)
            if self._client.get_run(run).data.metrics != numbers:
                time = int(max(r["finished"] for r in results) * 1000)
                self._client.log_batch(run, metrics=[Metric(k, v, time, 0) for k, v in numbers.items()])
            self._client.set_terminated(run)

    def _create(self, artifacts: str | None) -> str:
        # By its kind MLflow's UI shows an experiment as model training.
        tags = {"mlflow.note.content": self._ledger.description, "mlflow.experimentKind": "custom_model_development"}
        identifier: str = self._client.create_experiment(self._ledger.suite, artifact_location=artifacts, tags=tags)
        return identifier

    def _runs(self) -> list[Run]:
        runs: list[Run] = []
        token = None
        while token is None or token:
            page = self._client.search_runs([self._experiment], max_results=_PAGE, page_token=token)
            runs += page
            token = page.token or ""
        return runs

    def _remember(self, run: Run) -> None:
        tags = run.data.tags
        if _KEY in tags:
            finished = tags[_FINISHED] if run.info.status == "FINISHED" else ""
            self._children[tags[_KEY]] = (run.info.run_id, finished)
            if tags.get(_NAMED) == "no":
                self._nameless.add(tags[_KEY])
        elif _METHOD in tags:
            self._parents[tags[_METHOD]] = run.info.run_id

    def _parent(self, method: str) -> str:
        if method not in self._parents:
            about = self._ledger.methods[method]
            tags = {_METHOD: method, "mlflow.note.content": f"{about['summary']}\n\n{about['source']}"}
            run = self._client.create_run(self._experiment, run_name=method, tags=tags)
            self._client.log_text(run.info.run_id, self._ledger.text, "suite.toml")
            self._client.log_dict(run.info.run_id, self._ledger.resolved, "suite.resolved.json")
            self._client.log_batch(run.info.run_id, params=_params(about["hyperparameters"]))
            self._client.log_inputs(run.info.run_id, [DatasetInput(self._dataset())])
            self._parents[method] = str(run.info.run_id)
        return self._parents[method]

    def _log_unit(self, entry: Entry, result: dict[str, Any]) -> str:
        end = int(result["finished"] * 1000)
        start = end - int((result["seconds"] + result["test_seconds"]) * 1000)
        tags = {
            _PARENT: self._parent(entry.method),
            _METHOD: entry.method,
            _KEY: entry.key,
            _FINISHED: str(result["finished"]),
            _NAMED: "yes" if self._named else "no",
            "mlflow.source.name": "afnetm run",
            "mlflow.source.git.commit": result["commit"],
            "afnetm.hardware": result["hardware"],
            "afnetm.device": result["device_name"],
            **{f"version.{name}": version for name, version in result["versions"].items()},
        }
        name = f"{entry.method} {entry.repeat}-{entry.fold}"
        run = self._client.create_run(self._experiment, start_time=start, tags=tags, run_name=name)
        identifier = str(run.info.run_id)
        folder = self._store.folder(entry.key)
        settings = {k: result[k] for k in ("method", "version", "repeat", "fold", "seed", "device", "intensities")}
        settings |= {k: result[k] for k in ("protocol", "encoder", "recipe", "hyperparameters")}
        self._client.log_batch(identifier, metrics=_metrics(result, folder, end), params=_params(settings))
        self._client.log_inputs(identifier, [DatasetInput(self._dataset())])
        for path in sorted(folder.iterdir()):
            if self._named or not _shows_subjects(path):
                self._client.log_artifact(identifier, str(path))
        self._client.set_terminated(identifier, end_time=end)
        (self._nameless.discard if self._named else self._nameless.add)(entry.key)
        return identifier

    def _complete(self, key: str, run: str) -> bool:
        """Adds what names subjects to a copy that was made without, where that is wanted now; says whether it was."""
        if not self._named or key not in self._nameless:
            return False
        for path in filter(_shows_subjects, sorted(self._store.folder(key).iterdir())):
            self._client.log_artifact(run, str(path))
        self._client.set_tag(run, _NAMED, "yes")
        self._nameless.discard(key)
        return True

    def _dataset(self) -> Dataset:
        cohort = self._ledger.cohort
        profile = {k: cohort[k] for k in ("scans", "subjects", "size")}
        return Dataset(
            name=cohort["name"],
            digest=cohort["fingerprint"][:36],
            source_type="afnetm cohort",
            source=pd.Series(cohort["source"]).to_json(),
            profile=pd.Series(profile).to_json(),
        )


def _shows_subjects(path: Path) -> bool:
    """Whether a file of a record names subjects, or holds so much of each scan that it may show it."""
    if path.name != "extras.safetensors":
        return path.name == "predictions.parquet"
    with safe_open(path, framework="numpy") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    return any(math.prod(shape[1:]) >= _PICTURE for shape in shapes)


def _params(settings: dict[str, Any], prefix: str = "") -> list[Param]:
    flat: list[Param] = []
    for name, value in settings.items():
        inner = isinstance(value, dict)
        flat += _params(value, f"{prefix}{name}.") if inner else [Param(prefix + name, str(value))]
    return flat


def _metrics(result: dict[str, Any], folder: Path, end: int) -> list[Metric]:
    names = ("accuracy", "macro_f1", "seconds", "test_seconds", "parameters", "flops", "n_train", "n_test")
    metrics = [Metric(f"test_{n}" if n in names[:2] else n, float(result[n]), end, 0) for n in names]
    curves = pd.read_csv(folder / "curves.csv").drop(columns="epoch")
    for name in curves.columns:
        metrics += [Metric(f"train_{name}", float(v), end, epoch) for epoch, v in enumerate(curves[name])]
    return metrics
