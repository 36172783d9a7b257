"""Tracking: a faithful copy of the records in MLflow, for people. Losing it loses nothing, and it can be made again.

An experiment is a suite, a parent run a method, a child run a unit, tagged with its key; where methods were tuned, a
study stands between them (`benchmarks.search.tracking`). Only the driver writes, each run's numbers in one batch; what
is there already is left alone, and what a server missed is caught up later.
"""

import logging
import math
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# Before mlflow is imported anywhere: nothing is sent to its makers, and a server that is away is left in seconds.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, Run
from safetensors import safe_open

from benchmarks.records.home import Home
from benchmarks.records.ledger import Entry, Ledger
from benchmarks.records.store import PICTURE, Store

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)
# It logs each error of a database with its traceback, and raises it; it is told once, by who copies.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

#: Tags. A study's name stands at its own run and at its winner's units, these have the winner's trial beside it.
METHOD, STUDY, TRIAL = "afnetm.method", "afnetm.study", "afnetm.trial"
_KEY, _FINISHED = "afnetm.key", "afnetm.finished"
_NAMED = "afnetm.named"  # of a run that has what names subjects
_UNITS = "afnetm.units"  # of a study's run: keys of its winner's units
PARENT = "mlflow.parentRunId"  # MLflow's own tag: its UI nests runs by it
_PAGE = 1000
_MEANS = ("accuracy", "macro_f1", "seconds")


class Tracker:
    """Copies one suite's records to an MLflow server or database.

    Args:
        uri: where MLflow is: a database's or a server's.
        home: whose records are copied; it keeps the artifacts, unless a server does.
        ledger: the suite.
        with_faces: whether what names or shows subjects is copied though the cohort is not shareable. What was copied
            without is completed; what was copied with it stays, whatever is said later.

    Every method may raise what MLflow raises when it cannot be reached.

    Attributes:
        client: of MLflow.
        experiment: the suite's, by MLflow's identifier.
        studies: runs of studies, by the study's name.
    """

    def __init__(self, uri: str, home: Home, ledger: Ledger, *, with_faces: bool = False) -> None:
        self.client = MlflowClient(uri)
        self._named = bool(ledger.cohort["shareable"]) or with_faces
        self._store = Store(home)
        self._ledger = ledger
        # A server knows where; for a database without one MLflow would take the folder that one happens to be in.
        artifacts = None if uri.startswith("http") else home.artifacts.resolve().as_uri()
        experiment = self.client.get_experiment_by_name(ledger.suite)
        self.experiment: str = experiment.experiment_id if experiment else self._create(artifacts)
        self.studies: dict[str, Run] = {}
        self._chosen = {
            (study["method"], study["repeat"], study["fold"], study["search"]): study
            for study in ledger.tuning.get("studies", [])
        }
        self._parents: dict[str, str] = {}
        self._children: dict[str, tuple[str, str]] = {}
        self._places: dict[str, dict[str, str]] = {}
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
                self._move(entry, run)
                continue
            if run:  # the record was made anew, or the copy was cut off
                self.client.delete_run(run)
            self._children[entry.key] = (self._log_unit(entry, result), str(result["finished"]))
            logged += 1
        return logged

    def close(self) -> None:
        """Brings up to date what stands above units: a study's run names its own, a method's has the means of all."""
        self._name_units()
        for method, run in self._parents.items():
            before = self.client.get_run(run)
            results = self._results(method)
            numbers = {f"mean_{k}": float(np.mean([r[k] for r in results])) for k in _MEANS if results}
            numbers |= {"units": float(len(results))} if results else {}
            if numbers.items() - before.data.metrics.items():
                now = int(time.time() * 1000)  # MLflow shows the latest: what they replace may be of younger records
                self.client.log_batch(run, metrics=[Metric(k, v, now, 0) for k, v in numbers.items()])
            elif before.info.status == "FINISHED":
                continue
            self.client.set_terminated(run)

    def _results(self, method: str) -> list[dict[str, Any]]:
        """Of the comparison's copied units of a method."""
        keys = [e.key for e in self._ledger.units if e.method == method and e.key in self._children]
        return [self._store.result(key) for key in keys if self._store.folder(key).is_dir()]

    def _create(self, artifacts: str | None) -> str:
        # By its kind MLflow's UI shows an experiment as model training.
        tags = {"mlflow.note.content": self._ledger.description, "mlflow.experimentKind": "custom_model_development"}
        identifier: str = self.client.create_experiment(self._ledger.suite, artifact_location=artifacts, tags=tags)
        return identifier

    def _runs(self) -> list[Run]:
        runs: list[Run] = []
        token = None
        while token is None or token:
            page = self.client.search_runs([self.experiment], max_results=_PAGE, page_token=token)
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
            self._places[tags[_KEY]] = {name: tags[name] for name in (PARENT, STUDY, TRIAL) if name in tags}
        elif STUDY in tags:
            self.studies[tags[STUDY]] = run
        elif METHOD in tags:
            self._parents[tags[METHOD]] = run.info.run_id

    def parent(self, method: str) -> str:
        """The run of a method; it is made if it is not there."""
        if method not in self._parents:
            about = self._ledger.methods[method]
            tags = {METHOD: method, "mlflow.note.content": f"{about['summary']}\n\n{about['source']}"}
            run = self.client.create_run(self.experiment, run_name=method, tags=tags)
            self.client.log_text(run.info.run_id, self._ledger.text, "suite.toml")
            self.client.log_dict(run.info.run_id, self._ledger.resolved, "suite.resolved.json")
            self.client.log_batch(run.info.run_id, params=params(about["hyperparameters"]))
            self.client.log_inputs(run.info.run_id, [DatasetInput(self.dataset())])
            self._parents[method] = str(run.info.run_id)
        return self._parents[method]

    def _log_unit(self, entry: Entry, result: dict[str, Any]) -> str:
        end = int(result["finished"] * 1000)
        start = end - int((result["seconds"] + result["test_seconds"]) * 1000)
        self._places[entry.key] = self._place(entry)
        tags = {
            **self._places[entry.key],
            METHOD: entry.method,
            _KEY: entry.key,
            _FINISHED: str(result["finished"]),
            _NAMED: "yes" if self._named else "no",
            "mlflow.source.name": "afnetm run",
            "mlflow.source.git.commit": result["commit"],
            "afnetm.hardware": result["hardware"],
            "afnetm.device": result["device_name"],
            **{f"version.{name}": version for name, version in result["versions"].items()},
        }
        run = self.client.create_run(self.experiment, start_time=start, tags=tags, run_name=_name(entry))
        identifier = str(run.info.run_id)
        folder = self._store.folder(entry.key)
        settings = {k: result[k] for k in ("method", "version", "repeat", "fold", "seed", "device", "intensities")}
        settings |= {k: result[k] for k in ("protocol", "encoder", "recipe", "hyperparameters")}
        self.client.log_batch(identifier, metrics=_metrics(result, folder, end), params=params(settings))
        self.client.log_inputs(identifier, [DatasetInput(self.dataset())])
        for path in sorted(folder.iterdir()):
            if self._named or not _shows_subjects(path):
                self.client.log_artifact(identifier, str(path))
        self.client.set_terminated(identifier, end_time=end)
        (self._nameless.discard if self._named else self._nameless.add)(entry.key)
        return identifier

    def _complete(self, key: str, run: str) -> bool:
        """Adds what names subjects to a copy that was made without, where that is wanted now; says whether it was."""
        if not self._named or key not in self._nameless:
            return False
        for path in filter(_shows_subjects, sorted(self._store.folder(key).iterdir())):
            self.client.log_artifact(run, str(path))
        self.client.set_tag(run, _NAMED, "yes")
        self._nameless.discard(key)
        return True

    def _place(self, entry: Entry) -> dict[str, str]:
        """Tags that say where a unit's run stands: below the study that chose its settings, or its method."""
        for where in ((entry.repeat, entry.fold), (-1, -1)):  # one of them, as the search was nested or not
            study = self._chosen.get((entry.method, *where, entry.search))
            if study is not None and study["best_trial"] is not None:
                above = self.studies.get(study["study"])  # not there while its copy is yet to be caught up
                parent = above.info.run_id if above else self.parent(entry.method)
                return {PARENT: parent, STUDY: study["study"], TRIAL: str(study["best_trial"])}
        return {PARENT: self.parent(entry.method)}

    def _move(self, entry: Entry, run: str) -> None:
        """Puts the run of a unit where it belongs now: what a search chose may have been trained before."""
        before, now = self._places[entry.key], self._place(entry)
        for tag in before.keys() - now.keys():
            self.client.delete_tag(run, tag)
        for tag, value in now.items():
            if before.get(tag) != value:
                self.client.set_tag(run, tag, value)
        self._places[entry.key] = now

    def _name_units(self) -> None:
        """Tags studies' runs with the keys of the units below them."""
        for name, run in self.studies.items():
            own = [e.key for e in self._ledger.only(None) if self._places.get(e.key, {}).get(STUDY) == name]
            keys = " ".join(own)
            if keys and run.data.tags.get(_UNITS) != keys:
                self.client.set_tag(run.info.run_id, _UNITS, keys)

    def dataset(self) -> Dataset:
        """The cohort, as MLflow knows data sets."""
        cohort = self._ledger.cohort
        profile = {k: cohort[k] for k in ("scans", "subjects", "size")}
        return Dataset(
            name=cohort["name"],
            digest=cohort["fingerprint"][:36],
            source_type="afnetm cohort",
            source=pd.Series(cohort["source"]).to_json(),
            profile=pd.Series(profile).to_json(),
        )


def _name(entry: Entry) -> str:
    """``concat 0-2``, and for trainings beside the comparison ``concat 0-2 #2``, ``concat 0-2 reseeded 1``."""
    name = f"{entry.method} {entry.repeat}-{entry.fold}"
    return name + f" #{entry.search + 1}" * bool(entry.search) + f" reseeded {entry.reseed}" * bool(entry.reseed)


def _shows_subjects(path: Path) -> bool:
    """Whether a file of a record names subjects, or holds so much of each scan that it may show it."""
    if path.name != "extras.safetensors":
        return path.name == "predictions.parquet"
    with safe_open(path, framework="numpy") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    return any(math.prod(shape[1:]) >= PICTURE for shape in shapes)


def params(settings: Mapping[str, Any], prefix: str = "") -> list[Param]:
    """Settings as MLflow has them, those of an inner table after its name and a dot."""
    flat: list[Param] = []
    for name, value in settings.items():
        inner = isinstance(value, dict)
        flat += params(value, f"{prefix}{name}.") if inner else [Param(prefix + name, str(value))]
    return flat


def _metrics(result: dict[str, Any], folder: Path, end: int) -> list[Metric]:
    names = ("accuracy", "macro_f1", "seconds", "test_seconds", "parameters", "flops", "n_train", "n_test")
    metrics = [Metric(f"test_{n}" if n in names[:2] else n, float(result[n]), end, 0) for n in names]
    curves = pd.read_csv(folder / "curves.csv").drop(columns="epoch")
    for name in curves.columns:
        metrics += [Metric(f"train_{name}", float(v), end, epoch) for epoch, v in enumerate(curves[name])]
    return metrics
