"""Studies in MLflow: a run a study, between its method's run and its best trial's runs, with all its trials as one
table.

A trial is a row of the table and no run: ten thousand of them weigh no more on MLflow's pages than ten. A study is
copied when its budget is spent: half a search would be read as a result, and Optuna's dashboard shows it meanwhile.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import optuna
from mlflow.entities import DatasetInput, Metric, Run, RunTag
from optuna.trial import FrozenTrial, TrialState

from benchmarks.execution.copied import NOTE, PARENT, SOURCE, STUDY, TRIAL
from benchmarks.execution.database import METHOD
from benchmarks.execution.entities import mlflow_dataset, params
from benchmarks.execution.mlflow_page import run_page
from benchmarks.execution.tracking import Tracker
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest
from benchmarks.search.links import dashboard_link, link_to_mlflow, note_outcome, outcome
from benchmarks.search.searching import SuiteStudy
from benchmarks.search.tuning import best_parameters_of, found_by
from studies.best_parameters import place, written
from studies.pictures import pictures
from studies.search import Search
from studies.space import message
from studies.storage import storage_errors
from studies.table import trials_table
from studies.urls import public_url

_TABLE = "trials.json"
#: Tags. When a study's first trial began: one forgotten and begun anew is another.
_BEGUN = "afnetm.begun"
#: A digest of what was copied, written last: without it the copy was cut off.
_COPIED = "afnetm.copied"
#: How a search is done. Its budget is none of it: that may grow, and MLflow's parameters are for good.
_HOW = {"selection", "metric", "folds", "sampler", "pruner", "seed", "parallel"}
#: A history of more points than this is thinned.
_POINTS = 256


@dataclass(frozen=True)
class _Finished:
    """A study as it is copied.

    Attributes:
        question: what it answers.
        study: in Optuna.
        trials: that count.
        best_trial: None where none was completed.
        table: of the trials, as MLflow shows tables.
    """

    study_spec: SuiteStudy
    study: optuna.Study
    trials: Sequence[FrozenTrial]
    best_trial: FrozenTrial | None
    table: str

    @property
    def span(self) -> tuple[int, int]:
        """Start of its first trial and end of its last, in MLflow's milliseconds."""
        end = max(trial.datetime_complete.timestamp() for trial in self.trials)
        return int(self.trials[0].datetime_start.timestamp() * 1000), int(end * 1000)

    @property
    def number(self) -> int | None:
        """The number of the best trial."""
        return self.best_trial.number if self.best_trial else None


class StudyTracker:
    """Copies one suite's finished studies to an MLflow server or database, and links both ways.

    Args:
        uri: where MLflow is.
        home: whose studies they are.
        manifest: the suite, without runs.
        storage_url: of the database that the studies are in; None for the home's journal.

    Its methods may raise what MLflow raises when it cannot be reached, and `UserError` when the storage cannot.
    """

    def __init__(
        self,
        uri: str,
        home: Home,
        manifest: Manifest,
        *,
        storage_url: str | None,
        tell: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._tracker = Tracker(uri, home, manifest, tell=tell)
        self._client = self._tracker.client
        self._uri, self._manifest = uri, manifest
        self._storage_url = storage_url
        self._storage = public_url(storage_url) if storage_url else home.journal.name

    def log(self, study_spec: SuiteStudy, search: Search) -> bool:
        """Copies a finished study, unless its copy is there whole; says whether it did."""
        with storage_errors(self._storage_url):
            one = self._read(study_spec, search)
        begun = str(one.trials[0].datetime_start)
        digest = hashlib.sha256(
            f"{one.table} {one.number} {study_spec.spec.budget_of(study_spec.space)}".encode()
        ).hexdigest()[:16]
        self._tracker.methods.widen(study_spec.label, *one.span)
        run = self._tracker.studies.get(study_spec.name)
        if run is not None and run.data.tags.get(_BEGUN) != begun:
            self._client.delete_run(run.info.run_id)
            run = None
        copied = run is not None and run.data.tags.get(_COPIED) == digest
        run = run or self._create(one, begun)
        identifier = str(run.info.run_id)
        if not copied:
            self._copy(one, identifier)
            self._client.set_tag(identifier, _COPIED, digest)
            self._tracker.studies[study_spec.name] = self._client.get_run(identifier)
        with storage_errors(self._storage_url):
            page = run_page(self._uri, self._tracker.experiment, identifier)
            link_to_mlflow(one.study, run=identifier, page=page)
            note_outcome(study_spec, search)
        return not copied

    def close(self) -> None:
        """Ends the methods' runs."""
        self._tracker.close()

    def _read(self, study_spec: SuiteStudy, search: Search) -> _Finished:
        trials = search.trials
        table = trials_table(trials, pruner=study_spec.spec.pruner)
        if not self._manifest.dataset["shareable"]:
            table["reason"] = table["reason"].str.partition(":")[0]  # what an error says may name files
        text = table.to_json(orient="split", index=False, date_format="iso")
        return _Finished(study_spec, search.study, trials, search.best_trial(), text)

    def _create(self, one: _Finished, begun: str) -> Run:
        tags = {
            STUDY: one.study_spec.name,
            METHOD: one.study_spec.label,
            PARENT: self._tracker.methods.run(one.study_spec.label),
            _BEGUN: begun,
            SOURCE: "afnetm search",
            "mlflow.loggedArtifacts": f'[{{"path": "{_TABLE}", "type": "table"}}]',
        }
        start, _ = one.span
        name = _name(one.study_spec)
        return self._client.create_run(self._tracker.experiment, start_time=start, tags=tags, run_name=name)

    def _copy(self, one: _Finished, run: str) -> None:
        """Writes all of a study to its run, over what an earlier copy wrote."""
        numbers, spec = _numbers(one), one.study_spec.spec
        how = spec.model_dump(mode="json", include=_HOW) | {"start": dict(one.study_spec.space.start)}
        how["space"] = {
            name: message(distribution) for name, distribution in one.study_spec.space.distributions.items()
        }
        tags = {
            "afnetm.storage": self._storage,
            "afnetm.budget": spec.budget_of(one.study_spec.space),
            TRIAL: "none" if one.best_trial is None else str(one.number),
            NOTE: _note(one),
        }
        now = int(time.time() * 1000)  # MLflow shows the latest
        metrics = [Metric(name, value, now, 0) for name, value in numbers.items()]
        metrics += _history(one.trials, f"best_inner_{spec.metric}")
        self._client.log_batch(run, metrics, params(how), [RunTag(*tag) for tag in tags.items()])
        self._client.log_inputs(run, [DatasetInput(mlflow_dataset(self._manifest.dataset))])
        self._tracker.artifacts.put(run, self._files(one))
        self._client.set_terminated(run, "FINISHED" if one.best_trial else "FAILED", end_time=one.span[1])

    def _files(self, one: _Finished) -> dict[str, Path | bytes]:
        spec = one.study_spec.spec
        files: dict[str, Path | bytes] = {_TABLE: one.table.encode()}
        if one.best_trial is not None:
            suite = self._manifest.suite
            origin = found_by(suite, self._manifest.dataset["name"], spec)
            text = written([best_parameters_of(one.study_spec, one.best_trial)], suite=suite, found_by=origin)
            files["best-parameters.toml"] = text.encode()
        return files | pictures(one.trials, best_trial=one.number, metric=spec.metric, pruner=spec.pruner)


def _name(study_spec: SuiteStudy) -> str:
    """``concat 0-2 search``, ``concat search #2``: as the study, but the suite is the experiment's."""
    where = "" if study_spec.where is None else f" {place(study_spec.where)}"
    again = f" #{study_spec.search + 1}" if study_spec.search else ""
    return f"{study_spec.label}{where} search{again}"


def _numbers(one: _Finished) -> dict[str, float]:
    states = [trial.state for trial in one.trials]
    numbers = {
        "trials": float(len(states)),
        "complete": float(states.count(TrialState.COMPLETE)),
        "pruned": float(states.count(TrialState.PRUNED)),
        "failed": float(states.count(TrialState.FAIL)),
        "seconds": float(sum(trial.user_attrs.get("seconds", 0.0) for trial in one.trials)),
    }
    return numbers | (
        {} if one.best_trial is None else {f"inner_{one.study_spec.spec.metric}": float(one.best_trial.value)}
    )


def _history(trials: Sequence[FrozenTrial], name: str) -> list[Metric]:
    """The best score so far at every complete trial or evenly thinned; when a study grows, points stay on its curve."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    best = accumulate((trial.value for trial in complete), max)
    stride = 1 << (max(len(complete) - 1, 0) // _POINTS).bit_length()
    points = [(trial, value) for trial, value in zip(complete, best, strict=True)]
    points = points[::stride] + (points[-1:] if (len(points) - 1) % stride else [])
    return [Metric(name, value, int(t.datetime_complete.timestamp() * 1000), t.number) for t, value in points]


def _note(one: _Finished) -> str:
    """For the run's page."""
    said = outcome(one.study_spec, one.trials, one.best_trial)
    return (
        f"{said}. Each trial is a row of the artifact `{_TABLE}`. The runs below this one use the best parameters; "
        f"what several studies chose is trained once, below the first of them.\n\n"
        f"In Optuna's dashboard: {dashboard_link(one.study)}"
    )
