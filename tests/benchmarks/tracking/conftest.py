"""A home with an MLflow database, a suite of one method, and its studies."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage

from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.search.searching import SuiteStudy
from benchmarks.search.tracking import StudyTracker
from studies.best_parameters import Where
from studies.search import Search
from studies.space import Space
from studies.spec import SearchSpec

SPACE = Space(
    {"kind": CategoricalDistribution(["a", "b"]), "training.learning_rate": FloatDistribution(1e-4, 1e-2, log=True)},
    start={"kind": "b", "training.learning_rate": 1e-3},
)
MANIFEST = Manifest(
    suite="s",
    text="folds = 2",
    resolved={"protocol": {"folds": 2, "repeats": 1}},
    description="a test",
    control=None,
    dataset={
        "name": "c",
        "scans": 2,
        "subjects": 2,
        "size": 8,
        "fingerprint": "f" * 64,
        "shareable": True,
        "source": {},
    },
    methods={"m": {"summary": "one", "source": "us", "hyperparameters": {"kind": "b"}}},
    runs=[ListedRun("k0", "m", 0, 0), ListedRun("k1", "m", 0, 1)],
)


@pytest.fixture
def home(tmp_path: Path, empty_mlflow: Path) -> Home:
    shutil.copy(empty_mlflow, tmp_path)
    return Home(tmp_path)


@pytest.fixture
def client(home: Home) -> MlflowClient:
    return MlflowClient(home.tracking_uri)


def found_studies(
    storage: BaseStorage,
    *,
    trials: int = 4,
    where: Where = (0, 1),
    again: int = 0,
    fails: Callable[[int], bool] | None = None,
) -> tuple[SuiteStudy, Search]:
    """A finished study of two inner folds whose third trial is the best; those that `fails` is true of failed."""
    name = "s/m" if where is None else f"s/m/{where[0]}-{where[1]}"
    name += f" #{again + 1}" * bool(again)
    spec = SearchSpec(trials=trials, folds=2, sampler="random", pruner="none")
    study_spec = SuiteStudy(name, "m", where, again, SPACE, spec)
    search = Search(storage, name, space=SPACE, spec=spec, identity={})
    while not search.finished:
        for task in search.tasks():
            if fails and fails(task.trial):
                search.fail(task, "OSError: /home/jane/scans")
            else:
                score = 0.9 if task.trial == 2 else 0.5 + 0.001 * task.trial
                search.learn(task, score, run=f"k{task.trial}{task.fold}", seconds=1.5)
    return study_spec, search


def copy(home: Home, *pairs: tuple[SuiteStudy, Search], manifest: Manifest = MANIFEST, url: str | None = None) -> int:
    tracker = StudyTracker(home.tracking_uri, home, manifest, storage_url=url)
    logged = sum(tracker.log(*pair) for pair in pairs)
    tracker.close()
    return logged


def runs(client: MlflowClient) -> dict[str, Run]:
    found = client.search_runs([client.get_experiment_by_name("s").experiment_id])
    assert len({run.info.run_name for run in found}) == len(found)
    return {run.info.run_name: run for run in found}


def artifacts(client: MlflowClient, run: Run) -> dict[str, int]:
    return {one.path: one.file_size for one in client.list_artifacts(run.info.run_id)}


def table(client: MlflowClient, run: Run, to: Path) -> pd.DataFrame:
    """As anyone may read it back."""
    content = json.loads(Path(client.download_artifacts(run.info.run_id, "trials.json", str(to))).read_text())
    return pd.DataFrame(content["data"], columns=content["columns"])


def above(run: Run) -> str:
    return str(run.data.tags["mlflow.parentRunId"])
