"""Tracking: a faithful copy of the records in MLflow, for people. Losing it loses nothing, and it can be made again.

An experiment is a suite, a parent run a method, a child run a run, tagged with its key; where methods were tuned, a
study stands between them (`benchmarks.search.tracking`), and a run beside the methods has the report. Only the driver
writes, each run's numbers in one batch; what is there already is left alone, and what was missed is caught up later.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

# Before mlflow is imported anywhere: nothing is sent to its makers, and a server that is away is left in seconds.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, LoggedModelOutput, Param, RunTag

from afnetm.zipped import Folder, run_files, run_path
from benchmarks.execution.artifacts import Artifacts
from benchmarks.execution.copied import (
    EVALUATED,
    FILES,
    FILES_COPIED,
    FINISHED,
    KEY,
    NOTE,
    PARENT,
    SOURCE,
    STUDY,
    TRIAL,
    Copy,
    above,
    copies_of,
)
from benchmarks.execution.database import METHOD, bring_home, count_rows
from benchmarks.execution.entities import (
    evaluation_metrics,
    mlflow_dataset,
    run_metrics,
    run_name,
    run_params,
    shows_subjects,
    usage_metrics,
)
from benchmarks.execution.method_runs import MethodRuns
from benchmarks.execution.models import WEIGHTS, input_example, model_files, model_name, model_note
from benchmarks.execution.troubles import is_database, reach
from benchmarks.records.home import Home, write_text
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Store

# What goes wrong is told in one line by who copies (`benchmarks.execution.troubles`), not by libraries with tracebacks.
for _noisy, _level in (
    ("mlflow", "WARNING"),
    ("alembic", "WARNING"),
    ("mlflow.store", "CRITICAL"),
    ("mlflow.utils.environment", "ERROR"),  # an environment without pip
    ("urllib3", "ERROR"),
):
    logging.getLogger(_noisy).setLevel(_level)

#: Tags: of a study's run, keys of its best trial's runs; of a copy, where in the home its record is.
_RUNS, _RECORD = "afnetm.runs", "afnetm.record"
#: What a copy is made of; raised whenever a record's copy changes, so that copies of before are made anew.
_FORM = 3
#: A suite of more runs has no copies of their files in MLflow, unless they are asked for: every run is about six.
MOST_WITH_FILES = 5000


class Tracker:
    """Copies one suite's records to an MLflow server or database.

    Args:
        uri: where MLflow is: a database's or a server's.
        home: whose records are copied; it keeps the artifacts, unless a server does.
        manifest: the suite.
        with_faces: whether what names or shows subjects is copied though the dataset is not shareable.
        artifacts: whether files of runs are copied: ``"on"``, ``"off"``, or ``"auto"`` for those of a suite of at most
            `MOST_WITH_FILES` runs. Others say where their record is. What was copied without files, or without those
            that name subjects, is completed; what was copied with them stays, whatever is said later.
        tell: is given a line about what was done beside copying.

    Every method may raise what MLflow raises when it cannot be reached.

    Attributes:
        client: of MLflow.
        artifacts: of its runs.
        experiment: the suite's, by MLflow's identifier.
        methods: runs of its methods.
        studies: runs of studies, by the study's name.
    """

    def __init__(
        self,
        uri: str,
        home: Home,
        manifest: Manifest,
        *,
        with_faces: bool = False,
        artifacts: str = "auto",
        tell: Callable[[str], object] = lambda line: None,
    ) -> None:
        reach(uri)
        if is_database(uri):
            bring_home(uri, home)
        self.client = MlflowClient(uri)
        self.artifacts = Artifacts(self.client, uri, home, tell=tell)
        self._uri, self._home = uri, home
        named = bool(manifest.dataset["shareable"]) or with_faces
        few = sum(not listed.evaluated_on for listed in manifest.only(None)) <= MOST_WITH_FILES
        self._files = ("all" if named else "nameless") if artifacts == "on" or (artifacts == "auto" and few) else "none"
        self._store = Store(home)
        self._known = self._store.summaries()  # as it begins; what is finished later is opened
        self._manifest = manifest
        self.experiment = self._open(tell)
        there = list(above(self.client, self.experiment))
        self.studies = {run.data.tags[STUDY]: run for run in there if STUDY in run.data.tags}
        others = [run for run in there if STUDY not in run.data.tags]
        self.methods = MethodRuns(
            self.client, self.artifacts, self.experiment, manifest, there=others, adopt=self._adopt
        )
        self._chosen = {
            (study["method"], study["repeat"], study["fold"], study["search"]): study
            for study in manifest.tuning.get("studies", [])
        }
        self._copies: dict[str, Copy] = {}
        self._looked: set[str] = set()  # methods whose copies are known

    def log(self, listed_runs: Iterable[ListedRun]) -> int:
        """Copies the finished ones of these runs that are not there whole; returns how many it copied."""
        logged = 0
        for listed in listed_runs:
            times = self._known[listed.key].times if listed.key in self._known else None
            if times is None and not self._store.folder(listed.key).is_dir():
                continue
            self._look(listed.method)
            if listed.evaluated_on:
                logged += self._log_evaluation(listed)
                continue
            times = times or self._store.result(listed.key)
            self.methods.widen(listed.method, *_span(times))
            copy = self._copies.get(listed.key)
            if copy and copy.finished == _finished(times) and (copy.files != "none" or self._files == "none"):
                logged += self._complete(listed.key, copy)
                self._move(listed, copy)
                continue
            if copy:  # the record was made anew, or the copy was cut off or has no files
                self._delete(copy.run)
            self._log_run(listed, self._store.result(listed.key))
            logged += 1
        return logged

    def close(self) -> None:
        """Brings up to date what stands above runs: a study's run names its own, a method's has how many there are."""
        for method in self.methods.seen:
            self._look(method)
        self._name_runs()
        done = self._store.done()
        counts = Counter(e.method for e in self._manifest.runs if e.key in self._copies and e.key in done)
        for method in self.methods.seen:
            self.methods.update(method, {"runs": float(counts[method])})
        if (pages := self.methods.pages(self._uri)) is not None:
            write_text(self._home.pages(self._manifest.suite), json.dumps(pages, indent=2))
        if is_database(self._uri):
            count_rows(self._uri)

    def _open(self, tell: Callable[[str], object]) -> str:
        """The suite's experiment; it is made if it is not there, and restored if it was deleted."""
        suite = self._manifest.suite
        experiment = self.client.get_experiment_by_name(suite)
        if experiment is None:
            # By its kind MLflow's UI shows an experiment as model training.
            tags = {NOTE: self._manifest.description, "mlflow.experimentKind": "custom_model_development"}
            where = self.artifacts.location
            return str(self.client.create_experiment(suite, artifact_location=where, tags=tags))
        if experiment.lifecycle_stage != "active":  # its name is taken all the same
            self.client.restore_experiment(experiment.experiment_id)
            tell(f"the suite's experiment '{suite}' had been deleted there, and is restored")
        return str(experiment.experiment_id)

    def _look(self, method: str) -> None:
        """Learns which copies there are of a method's runs, once."""
        if method in self._looked:
            return
        self._looked.add(method)
        for key, copy in copies_of(self.client, self._uri, self.experiment, method):
            before = self._copies.get(key)
            if before:  # a server that answered too late had made one, and was asked again
                self.client.delete_run(copy.run if before.finished else before.run)
            if not before or not before.finished:
                self._copies[key] = copy

    def _adopt(self, method: str, before: str, run: str) -> None:
        """Puts all that is below the run `before` of a method below another."""
        self._look(method)
        for copy in self._copies.values():
            if copy.place.get(PARENT) == before:
                self.client.set_tag(copy.run, PARENT, run)
                copy.place[PARENT] = run
        for study in self.studies.values():
            if study.data.tags.get(PARENT) == before:
                self.client.set_tag(study.info.run_id, PARENT, run)

    def _log_run(self, listed: ListedRun, result: dict[str, Any]) -> None:
        start, end = _span(result)
        place, record = self._place(listed), str(run_path(Path("runs"), listed.key))
        tags = {
            **place,
            METHOD: listed.method,
            KEY: listed.key,
            FINISHED: _finished(result),
            FILES: self._files,
            _RECORD: record,
            SOURCE: "afnetm run",
            "mlflow.source.git.commit": result["commit"],
            "afnetm.hardware": result["hardware"],
            "afnetm.device": result["device_name"],
            **{f"version.{name}": version for name, version in result["versions"].items()},
        }
        if self._files == "none":
            tags[NOTE] = f"Its files are not copied here; they are `{record}` of the folder that `afnetm` writes to."
        name = run_name(listed)
        run = self.client.create_run(self.experiment, start_time=start, tags=tags, run_name=name)
        copy = Copy(str(run.info.run_id), place=place, files=self._files)
        self._copies[listed.key] = copy  # what is cut off from here on is made again
        folder = self._store.folder(listed.key)
        params = run_params(result)
        model = self._log_model(copy.run, name, folder, result, params)
        dataset = mlflow_dataset(self._manifest.dataset)
        metrics = run_metrics(result, folder, end, model=model, dataset=dataset)
        self.client.log_batch(copy.run, metrics=[*metrics, *usage_metrics(result, start)], params=params)
        self.client.log_inputs(copy.run, [DatasetInput(dataset)])
        self._put(listed.key, copy.run)
        self.client.set_terminated(copy.run, end_time=end)
        copy.finished = _finished(result)

    def _log_evaluation(self, listed: ListedRun) -> bool:
        """Adds an evaluation to the copy of the run whose model it is of; says whether it did."""
        result = self._store.result(listed.key)
        copy, finished = self._copies.get(result["trained"]), _finished(result)
        if copy is None or not copy.finished or copy.evaluations.get(listed.evaluated_on) == finished:
            return False
        _, end = _span(result)
        metrics = evaluation_metrics(listed.evaluated_on, self._store.folder(listed.key), end)
        self.client.log_batch(copy.run, metrics=metrics, tags=[RunTag(EVALUATED + listed.evaluated_on, finished)])
        copy.evaluations[listed.evaluated_on] = finished
        return True

    def _put(self, key: str, run: str) -> None:
        """Copies the files of a record that may be copied."""
        if self._files != "none":
            files = run_files(self._store.folder(key))
            named = self._files == "all"
            shown = (file for file in files if (named or not shows_subjects(file)) and file.name != WEIGHTS)
            self.artifacts.put(run, {file.name: file for file in shown})

    def _log_model(
        self, run: str, name: str, folder: Folder, result: dict[str, Any], params: list[Param]
    ) -> str | None:
        """Makes the model of a run that kept its weights; returns MLflow's identifier, or None where there is none."""
        if self._files == "none" or not (folder / WEIGHTS).is_file():
            return None
        settings = {one.key: one.value for one in params}
        model = self.client.create_logged_model(
            self.experiment, model_name(name), source_run_id=run, params=settings, model_type="afnetm"
        )
        # First, so that a copy which is cut off here is deleted with its model.
        self.client.log_outputs(run, [LoggedModelOutput(model.model_id, 0)])
        dataset = self._home.datasets / self._manifest.dataset["name"]
        example = input_example(folder, dataset) if self._files == "all" else None
        self.artifacts.put_model(model, model_files(folder, example))
        note = model_note(model.model_id, result, example=example is not None)
        self.client.set_logged_model_tags(model.model_id, {NOTE: note, METHOD: result["method"]})
        self.client.finalize_logged_model(model.model_id, "READY")
        return str(model.model_id)

    def _delete(self, run: str) -> None:
        """Deletes a copy with its model."""
        for model in self.client.get_run(run).outputs.model_outputs:
            self.client.delete_logged_model(model.model_id)
        self.client.delete_run(run)

    def _complete(self, key: str, copy: Copy) -> bool:
        """Adds the files that name subjects to a copy made without, where they are wanted now; says whether it did."""
        if FILES_COPIED.index(copy.files) >= FILES_COPIED.index(self._files):
            return False
        self._put(key, copy.run)
        self.client.set_tag(copy.run, FILES, self._files)
        copy.files = self._files
        return True

    def _place(self, listed: ListedRun) -> dict[str, str]:
        """Tags that say where a run's run stands: below the study that chose its settings, or its method."""
        for where in ((listed.repeat, listed.fold), (-1, -1)):  # one of them, as the search was nested or not
            study = self._chosen.get((listed.method, *where, listed.search))
            if study is not None and study["best_trial"] is not None:
                above = self.studies.get(study["study"])  # not there while its copy is yet to be caught up
                parent = above.info.run_id if above else self.methods.run(listed.method)
                return {PARENT: parent, STUDY: study["study"], TRIAL: str(study["best_trial"])}
        return {PARENT: self.methods.run(listed.method)}

    def _move(self, listed: ListedRun, copy: Copy) -> None:
        """Puts the copy of a run where it belongs now: what a search chose may have been trained before."""
        now = self._place(listed)
        for tag in copy.place.keys() - now.keys():
            self.client.delete_tag(copy.run, tag)
        for tag, value in now.items():
            if copy.place.get(tag) != value:
                self.client.set_tag(copy.run, tag, value)
        copy.place = now

    def _name_runs(self) -> None:
        """Tags studies' runs with the keys of the runs below them."""
        below: dict[str, list[str]] = {}
        for listed in self._manifest.only(None) if self.studies else ():
            copy = self._copies.get(listed.key)
            if copy and (study := copy.place.get(STUDY)):
                below.setdefault(study, []).append(listed.key)
        for study, own in below.items():
            keys, run = " ".join(own), self.studies.get(study)
            if run and run.data.tags.get(_RUNS) != keys:
                self.client.set_tag(run.info.run_id, _RUNS, keys)


def _span(result: Mapping[str, Any]) -> tuple[int, int]:
    """Start and end of a run, in MLflow's milliseconds."""
    end = int(result["finished"] * 1000)
    return end - int((result["seconds"] + result["test_seconds"]) * 1000), end


def _finished(result: Mapping[str, Any]) -> str:
    """Tells a record from one that was made anew, and its copy from one of another form."""
    return f"{result['finished']} {_FORM}"
