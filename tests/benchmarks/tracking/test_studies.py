"""Studies in MLflow: whole, once, private, however many trials they have."""

import dataclasses
import json
from pathlib import Path

import mlflow
import optuna
import pytest
from mlflow import MlflowClient
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from benchmarks.records.home import Home
from studies.best_parameters import read_best_parameters
from studies.search import Search
from tests.benchmarks.tracking.conftest import MANIFEST, SPACE, above, artifacts, copy, found_studies, runs, table


def test_a_study_is_a_run_with_its_trials_as_a_table_and_its_best_trial(home: Home, client: MlflowClient) -> None:
    study_spec, search = found_studies(InMemoryStorage(), trials=12, fails=lambda trial: trial == 5)
    copy(home, (study_spec, search))
    found = runs(client)
    assert set(found) == {"m", "m 0-1 search"}
    run = found["m 0-1 search"]
    assert above(run) == found["m"].info.run_id
    whole = found["m"].info  # lasts as long as all that is below it
    assert (whole.start_time, whole.end_time) == (run.info.start_time, run.info.end_time)
    assert {one.info.status for one in found.values()} == {"FINISHED"}
    assert run.data.metrics == {
        "trials": 12,
        "complete": 11,
        "pruned": 0,
        "failed": 1,
        "seconds": 33.0,
        "inner_accuracy": 0.9,
        "best_inner_accuracy": 0.9,
    }
    history = client.get_metric_history(run.info.run_id, "best_inner_accuracy")
    assert [(one.step, one.value) for one in history][:4] == [(0, 0.5), (1, 0.501), (2, 0.9), (3, 0.9)]
    expected = {"sampler": "random", "pruner": "none", "folds": "2", "seed": "0", "space.kind": "a or b"}
    expected |= {"space.training.learning_rate": "0.0001 to 0.01, log", "start.kind": "b"}
    assert expected.items() <= run.data.params.items()
    tags = {"afnetm.study": "s/m/0-1", "afnetm.trial": "2", "afnetm.budget": "12 trials"}
    assert tags.items() <= run.data.tags.items()
    drawn = {"history.png", "slices.png", "parallel.png", "importances.png"}
    assert set(artifacts(client, run)) == {"trials.json", "best-parameters.toml"} | drawn
    trials = table(client, run, home.path)
    assert list(trials["trial"]) == list(range(12))
    assert list(trials["params/kind"]) == [trial.params["kind"] for trial in search.trials]
    assert trials.loc[5, "reason"] == "OSError: /home/jane/scans"
    assert not any("." in column for column in trials)  # such a column MLflow's page leaves empty
    file = read_best_parameters(
        Path(client.download_artifacts(run.info.run_id, "best-parameters.toml", str(home.path)))
    )
    assert file.found_by.startswith("the search of suite s on dataset ")
    (best_trial,) = file.best_parameters
    assert (best_trial.label, best_trial.where, best_trial.params) == ("m", (0, 1), search.trials[2].params)


def test_mlflow_reads_the_table_by_its_own_means(home: Home, client: MlflowClient) -> None:
    copy(home, found_studies(InMemoryStorage()))
    run = runs(client)["m 0-1 search"]
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(home.tracking_uri)
    try:
        read = client.load_table(run.info.experiment_id, "trials.json", run_ids=[run.info.run_id])
    finally:
        mlflow.set_tracking_uri(before)
    assert list(read["trial"]) == [0, 1, 2, 3]


def test_a_study_that_has_grown_is_brought_up_to_date_in_its_run(home: Home, client: MlflowClient) -> None:
    storage = InMemoryStorage()
    copy(home, found_studies(storage, trials=2))
    first = runs(client)["m 0-1 search"]
    assert copy(home, found_studies(storage, trials=5)) == 1
    run = runs(client)["m 0-1 search"]
    assert run.info.run_id == first.info.run_id
    assert (first.data.metrics["inner_accuracy"], run.data.metrics["inner_accuracy"]) == (0.501, 0.9)
    assert (run.data.metrics["trials"], run.data.tags["afnetm.budget"]) == (5, "5 trials")
    assert len(table(client, run, home.path)) == 5
    assert copy(home, found_studies(storage, trials=2)) == 1  # a smaller budget again
    run = runs(client)["m 0-1 search"]
    assert (run.data.metrics["trials"], run.data.metrics["inner_accuracy"]) == (2, 0.501)


def test_a_copy_that_was_cut_off_is_made_whole(
    home: Home, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = found_studies(InMemoryStorage())
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_terminated", _cut_off)
        with pytest.raises(ConnectionError):
            copy(home, pair)
    assert runs(client)["m 0-1 search"].info.status == "RUNNING"
    assert copy(home, pair) == 1
    found = runs(client)
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert set(found) == {"m", "m 0-1 search"}


def _cut_off(*_: object, **__: object) -> None:
    raise ConnectionError("killed")


def test_a_study_forgotten_and_begun_anew_is_another_run(home: Home, client: MlflowClient) -> None:
    storage = InMemoryStorage()
    copy(home, found_studies(storage))
    first = runs(client)["m 0-1 search"]
    optuna.delete_study(study_name="s/m/0-1", storage=storage)
    copy(home, found_studies(storage))
    assert runs(client)["m 0-1 search"].info.run_id != first.info.run_id


def test_a_study_without_a_best_trial_is_a_failed_run_without_pictures(home: Home, client: MlflowClient) -> None:
    copy(home, found_studies(InMemoryStorage(), fails=lambda _: True))
    run = runs(client)["m 0-1 search"]
    assert run.info.status == "FAILED"
    assert set(artifacts(client, run)) == {"trials.json"}
    assert "inner_accuracy" not in run.data.metrics
    assert "No trial was completed" in run.data.tags["mlflow.note.content"]


def test_what_errors_say_of_a_private_dataset_is_not_copied(home: Home, client: MlflowClient) -> None:
    private = dataclasses.replace(MANIFEST, dataset=MANIFEST.dataset | {"shareable": False})
    copy(home, found_studies(InMemoryStorage(), fails=lambda trial: trial == 1), manifest=private)
    run = runs(client)["m 0-1 search"]
    assert table(client, run, home.path).loc[1, "reason"] == "OSError"


def test_no_password_is_copied(home: Home, client: MlflowClient) -> None:
    study_spec, search = found_studies(InMemoryStorage())
    copy(home, (study_spec, search), url="postgresql://jane:hush@host/studies?password=hush")
    run = runs(client)["m 0-1 search"]
    assert run.data.tags["afnetm.storage"].startswith("postgresql://jane:***@host/studies")
    assert "hush" not in json.dumps(run.to_dictionary())


def test_ten_thousand_trials_are_one_run(home: Home, client: MlflowClient) -> None:
    study_spec, small = found_studies(InMemoryStorage(), trials=1)
    (one,) = small.trials
    many = [
        create_trial(
            state=TrialState.PRUNED if number % 7 == 0 else TrialState.COMPLETE,
            value=None if number % 7 == 0 else number / 1e4,
            params={"kind": "ab"[number % 2], "training.learning_rate": 10 ** (-4 + number / 5e3)},
            distributions=one.distributions,
            intermediate_values={0: number / 1e4, 1: number / 1e4},
            user_attrs={"runs": [f"{number:020}", f"{number + 1:020}"], "seconds": 1.0},
        )
        for number in range(1, 10_000)
    ]
    small.study.add_trials(many)
    spec = study_spec.spec.model_copy(update={"trials": 10_000})
    search = Search(small.study._storage, study_spec.name, space=SPACE, spec=spec, identity={})
    assert copy(home, (dataclasses.replace(study_spec, spec=spec), search)) == 1
    found = runs(client)
    assert len(found) == 2
    run = found["m 0-1 search"]
    assert run.data.metrics["trials"] == 10_000
    sizes = artifacts(client, run)
    assert len(sizes) == 6
    assert max(sizes.values()) < 3_000_000
    assert len(run.data.params) < 20
    assert len(run.data.tags) < 20
    assert len(run.data.metrics) < 10
    history = client.get_metric_history(run.info.run_id, "best_inner_accuracy")
    assert 100 < len(history) <= 257
    assert len(table(client, run, home.path)) == 10_000
