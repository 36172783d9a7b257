"""MLflow's copy of records: complete, idempotent, and silent about whom it must not name."""

import dataclasses
import shutil
from pathlib import Path

import mlflow.entities
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from benchmarks.records.home import Home
from benchmarks.records.ledger import Ledger
from benchmarks.records.store import Record, Store
from benchmarks.running.tracking import Tracker
from tests.benchmarks.tracking.conftest import LEDGER


def record(accuracy: float, finished: float = 1e9) -> Record:
    result = {"accuracy": accuracy, "macro_f1": 0.4, "seconds": 2.0, "test_seconds": 0.5, "finished": finished}
    result |= {"parameters": 10, "flops": 20, "n_train": 5, "n_test": 1, "method": "m", "version": 1, "repeat": 0}
    result |= {"fold": 0, "seed": 2**62, "device": "cpu", "intensities": None, "protocol": {"folds": 2}, "encoder": {}}
    result |= {"recipe": {"epochs": 2, "augmentation": {"flip": 0.5}}, "hyperparameters": {"width": 3}}
    result |= {"commit": "abc", "hardware": "a machine", "device_name": "cpu", "versions": {"torch": "2"}}
    predictions = pd.DataFrame({"scan": ["a"], "subject": ["Jane"]})
    curves = pd.DataFrame({"epoch": [0, 1], "loss": [1.5, 0.5], "accuracy": [0.2, 0.4], "learning_rate": [0.1, 0.0]})
    return Record(result, predictions, curves, {"importance": np.ones((1, 2), np.float32)})


def runs(client: MlflowClient) -> list[mlflow.entities.Run]:
    return list(client.search_runs([client.get_experiment_by_name("s").experiment_id]))


def copy(home: Home, ledger: Ledger = LEDGER) -> int:
    tracker = Tracker(home.tracking_uri, home, ledger)
    logged = tracker.log(ledger.units)
    tracker.close()
    return logged


def test_a_database_elsewhere_keeps_its_artifacts_in_the_home(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "elsewhere.db")
    Store(home).write("k0", record(0.5))
    uri = f"sqlite:///{tmp_path}/elsewhere.db"
    tracker = Tracker(uri, home, LEDGER)
    assert tracker.log(LEDGER.units) == 1
    assert MlflowClient(uri).get_experiment(tracker.experiment).artifact_location.startswith(home.artifacts.as_uri())
    assert not (tmp_path / "mlruns").exists()


def test_a_record_is_copied_once_and_what_comes_later_is_caught_up(home: Home, client: MlflowClient) -> None:
    store = Store(home)
    store.write("k0", record(0.5))
    assert [copy(home), copy(home)] == [1, 0]
    store.write("k1", record(0.7))
    assert [copy(home), copy(home)] == [1, 0]
    parent = next(run for run in runs(client) if run.info.run_name == "m")
    assert len(runs(client)) == 3
    assert parent.data.metrics["mean_accuracy"] == pytest.approx(0.6)
    assert parent.data.metrics["units"] == 2
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} == {"suite.toml", "suite.resolved.json"}
    (child,) = [run for run in runs(client) if run.data.tags.get("afnetm.key") == "k1"]
    assert child.data.params["recipe.augmentation.flip"] == "0.5"
    assert child.data.params["seed"] == str(2**62)
    assert child.data.tags["version.torch"] == "2"
    assert [m.value for m in client.get_metric_history(child.info.run_id, "train_loss")] == [1.5, 0.5]


def test_a_record_made_anew_replaces_its_copy(home: Home, client: MlflowClient) -> None:
    store = Store(home)
    store.write("k0", record(0.5, finished=1e9))
    copy(home)
    store.forget(["k0"])
    store.write("k0", record(0.9, finished=2e9))
    assert copy(home) == 1
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    assert child.data.metrics["test_accuracy"] == 0.9


def test_a_copy_that_was_cut_off_is_made_again(home: Home, client: MlflowClient) -> None:
    Store(home).write("k0", record(0.5))
    copy(home)
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    client.update_run(child.info.run_id, status="RUNNING")  # as a killed driver leaves it
    assert copy(home) == 1
    assert len(runs(client)) == 2


@pytest.mark.parametrize("shareable", [True, False])
def test_subjects_are_named_only_where_they_may_be(shareable: bool, home: Home, client: MlflowClient) -> None:
    Store(home).write("k0", record(0.5))
    copy(home, dataclasses.replace(LEDGER, cohort=LEDGER.cohort | {"shareable": shareable}))
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    names = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    assert ("predictions.parquet" in names) is shareable
    assert names >= {"curves.csv", "result.json", "extras.safetensors"}


def test_what_was_copied_without_names_is_completed_once_they_are_wanted(home: Home, client: MlflowClient) -> None:
    private = dataclasses.replace(LEDGER, cohort=LEDGER.cohort | {"shareable": False})
    Store(home).write("k0", record(0.5))

    def again(*, with_faces: bool) -> tuple[int, set[str]]:
        tracker = Tracker(home.tracking_uri, home, private, with_faces=with_faces)
        logged = tracker.log(private.units)
        (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
        return logged, {artifact.path for artifact in client.list_artifacts(child.info.run_id)}

    bare = {"curves.csv", "result.json", "extras.safetensors"}
    whole = bare | {"predictions.parquet"}
    wanted = (False, False, True, True, False)
    assert [again(with_faces=one) for one in wanted] == [(1, bare), (0, bare), (1, whole), (0, whole), (0, whole)]


@pytest.mark.parametrize(("shape", "copied"), [((1, 2), True), ((1, 2, 32, 32), False)])
def test_what_may_be_a_picture_of_a_face_is_not_copied(
    shape: tuple[int, ...], copied: bool, home: Home, client: MlflowClient
) -> None:
    Store(home).write("k0", dataclasses.replace(record(0.5), extras={"attention": np.ones(shape, np.float32)}))
    copy(home, dataclasses.replace(LEDGER, cohort=LEDGER.cohort | {"shareable": False}))
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    names = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    assert ("extras.safetensors" in names) is copied
