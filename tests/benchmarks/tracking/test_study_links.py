"""Studies and the runs that they chose, each above or beside the other, in MLflow and in the studies."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient
from optuna.storages import InMemoryStorage
from optuna_dashboard import get_note, save_note

from benchmarks.execution.mlflow_page import run_page
from benchmarks.execution.tracking import Tracker
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Record, Store
from benchmarks.search.links import note_outcome
from tests.benchmarks.tracking.conftest import MANIFEST, above, copy, found_studies, runs

SUITE = """
description = "one method, tuned on subjects that are not tested"
[dataset]
name = "tiny"
synthetic = { subjects = 6, intensities = [4], size = 32, seed = 0 }
[protocol]
folds = 2
subjects = 3
[encoder]
width = 0.25
[training]
epochs = 1
batch_size = 8
[search]
trials = 1
folds = 2
selection = "development"
[methods.texture]
"""


def tuned(*, trial: int = 2, **where: int) -> Manifest:
    """The suite after training: the second run is a study's choice."""
    place = {"repeat": 0, "fold": 1, "search": 0} | where
    name = "s/m/0-1" if place["fold"] == 1 else "s/m"
    study = {"study": name, "method": "m", "best_trial": trial, **place}
    return dataclasses.replace(MANIFEST, tuning={"studies": [study]})


def copy_runs(home: Home, manifest: Manifest) -> None:
    tracker = Tracker(home.tracking_uri, home, manifest)
    tracker.log(manifest.only(None))
    tracker.close()


def record(home: Home, key: str, fold: int) -> None:
    result: dict[str, Any] = {"accuracy": 0.5, "macro_f1": 0.4, "seconds": 2.0, "test_seconds": 0.5, "finished": 1e9}
    result |= {"parameters": 10, "flops": 20, "n_train": 5, "n_test": 1, "method": "m", "version": 1, "repeat": 0}
    result |= {"fold": fold, "seed": 1, "device": "cpu", "intensities": None, "protocol": {}, "encoder": {}}
    result |= {
        "training": {},
        "hyperparameters": {},
        "commit": "abc",
        "hardware": "",
        "device_name": "",
        "versions": {},
    }
    curves = pd.DataFrame({"epoch": [0], "loss": [1.5], "accuracy": [0.2], "learning_rate": [0.1]})
    Store(home).write(key, Record(result, pd.DataFrame({"scan": ["a"]}), curves, {}))


def test_study_and_run_link_each_other_and_doing_it_again_changes_nothing(home: Home, client: MlflowClient) -> None:
    storage = InMemoryStorage()
    study_spec, search = found_studies(storage)
    assert [copy(home, (study_spec, search)) for _ in range(2)] == [1, 0]
    first = runs(client)["m 0-1 search"]
    attributes = dict(storage.get_study_system_attrs(search.study._study_id))
    assert copy(home, found_studies(storage)) == 0  # another process, later
    run = runs(client)["m 0-1 search"]
    assert run.to_dictionary() == first.to_dictionary()
    assert storage.get_study_system_attrs(search.study._study_id) == attributes
    page = f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}?workflowType=machine_learning"
    assert search.study.user_attrs["mlflow_run"] == {"run": run.info.run_id, "page": page}
    assert f"]({page})" in get_note(search.study)
    url = f"http://127.0.0.1:8080/dashboard/studies/{search.study._study_id}"
    assert f"[s/m/0-1]({url})" in run.data.tags["mlflow.note.content"]


def test_a_note_says_what_came_of_a_study_and_links_to_mlflow_once_it_has_it(home: Home) -> None:
    study_spec, search = found_studies(InMemoryStorage(), trials=12, fails=lambda trial: trial == 5)
    note_outcome(study_spec, search)
    (best_trial,) = [trial for trial in search.trials if trial.number == 2]
    rate = f"{best_trial.params['training.learning_rate']:.4g}"
    said = (
        "**Trial 2 is the best, with 90.0 % inner accuracy; 12 trials (11 complete, 0 pruned, 1 failed). "
        "Budget: 12 trials.**\n\n"
        "| parameter | best |\n| :-- | --: |\n"
        f"| `kind` | {best_trial.params['kind']} |\n| `training.learning_rate` | {rate} |"
    )
    assert get_note(search.study) == said
    copy(home, (study_spec, search))
    page = search.study.user_attrs["mlflow_run"]["page"]
    linked = f"{said}\n\n[Numbers, pictures and training runs in MLflow]({page}) (`afnetm ui`)"
    assert get_note(search.study) == linked
    note_outcome(study_spec, search)  # while MLflow is away
    assert get_note(search.study) == linked
    save_note(search.study, f"{linked}\nlook at trial 7")
    copy(home, (study_spec, search))
    assert get_note(search.study) == f"{linked}\nlook at trial 7"


def test_a_note_of_an_earlier_form_gives_way_and_one_without_a_best_trial_says_so() -> None:
    study_spec, search = found_studies(InMemoryStorage(), fails=lambda _: True)
    save_note(search.study, "Its numbers, pictures and trainings in MLflow: [page](page) (`afnetm ui`)")
    note_outcome(study_spec, search)
    failed = "4 trials (0 complete, 0 pruned, 4 failed). Budget: 4 trials"
    assert get_note(search.study) == f"**No trial was completed, so nothing was chosen; {failed}.**"


def test_a_note_of_the_users_own_stays(home: Home) -> None:
    study_spec, search = found_studies(InMemoryStorage())
    save_note(search.study, "look at trial 2")
    copy(home, (study_spec, search))
    assert get_note(search.study) == "look at trial 2"


def test_runs_stand_below_the_study_that_chose_them(home: Home, client: MlflowClient) -> None:
    for fold, key in enumerate(("k0", "k1")):
        record(home, key, fold)
    copy_runs(home, MANIFEST)  # trained before with the same settings
    before = runs(client)
    assert {above(before[name]) for name in ("m 0-0", "m 0-1")} == {before["m"].info.run_id}
    copy_runs(home, tuned())  # MLflow was away when the study ended
    assert above(runs(client)["m 0-1"]) == before["m"].info.run_id
    copy(home, found_studies(InMemoryStorage()))
    copy_runs(home, tuned())
    found = runs(client)
    study = found["m 0-1 search"]
    assert above(found["m 0-1"]) == study.info.run_id
    assert above(found["m 0-0"]) == above(study) == found["m"].info.run_id
    links = {"afnetm.study": "s/m/0-1", "afnetm.trial": "2"}
    assert links.items() <= found["m 0-1"].data.tags.items()
    assert study.data.tags["afnetm.runs"] == "k1"
    assert found["m"].data.metrics["runs"] == 2
    copy_runs(home, MANIFEST)  # and the suite as it was before it was tuned
    found = runs(client)
    assert above(found["m 0-1"]) == found["m"].info.run_id
    assert not links.keys() & found["m 0-1"].data.tags.keys()
    assert {name: run.info.run_id for name, run in found.items() if "search" not in name} == {
        name: run.info.run_id for name, run in before.items()
    }


def test_one_study_for_all_folds_has_all_runs_and_extras_say_what_they_are(home: Home, client: MlflowClient) -> None:
    keys = ("k0", "k1", "k2", "k3")
    for key in keys:
        record(home, key, 0)
    manifest = tuned(repeat=-1, fold=-1)
    again = {**manifest.tuning["studies"][0], "study": "s/m #2", "search": 1}
    manifest.tuning["studies"].append(again)
    additional = [ListedRun("k2", "m", 0, 0, search=1), ListedRun("k3", "m", 0, 0, reseed=1)]
    manifest = dataclasses.replace(manifest, additional=additional)
    storage = InMemoryStorage()
    copy(home, found_studies(storage, where=None), found_studies(storage, where=None, again=1))
    copy_runs(home, manifest)
    found = runs(client)
    assert set(found) == {"m", "m search", "m search #2", "m 0-0", "m 0-1", "m 0-0 #2", "m 0-0 reseeded 1"}
    first = found["m search"].info.run_id
    assert {above(found[name]) for name in ("m 0-0", "m 0-1", "m 0-0 reseeded 1")} == {first}
    assert above(found["m 0-0 #2"]) == found["m search #2"].info.run_id


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("https://jane:hush@host:8443/mlflow/", "https://host:8443/mlflow"),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("postgresql://jane:hush@host/mlflow", "http://127.0.0.1:5000"),
    ],
)
def test_a_page_is_the_servers_or_where_the_command_line_serves_it(uri: str, server: str) -> None:
    assert run_page(uri, "1", "r") == f"{server}/#/experiments/1/runs/r?workflowType=machine_learning"


@pytest.mark.slow
def test_the_command_line_copies_studies_as_they_end_and_catches_up(
    tmp_path: Path, prepared: Path, empty_mlflow: Path, afnetm: Callable[..., Any]
) -> None:
    shutil.copytree(prepared, tmp_path / "home")
    home = Home(tmp_path / "home")
    (tmp_path / "s.toml").write_text(SUITE)
    suite = str(tmp_path / "s.toml")
    done = afnetm(home.path, "search", suite, AFNETM_TRACKING_URI="http://127.0.0.1:9")
    assert "copying to MLflow is incomplete" in done.stderr
    shutil.copy(empty_mlflow, home.path)
    client = MlflowClient(home.tracking_uri)
    done = afnetm(home.path, "run", suite, drawn=False, AFNETM_TRACKING_URI="http://127.0.0.1:9")
    assert f"copies the rest: afnetm --home {home.path} track s\n" in done.stderr
    done = afnetm(home.path, "track", "s")
    assert done.stdout == "s: MLflow has 2 finished runs, 2 copied now\n"
    found = runs(client)
    tracked = {name: run.to_dictionary() for name, run in found.items() if name != "report"}
    done = afnetm(home.path, "run", suite, drawn=False)
    assert "copying to MLflow is incomplete" not in done.stderr
    assert {name: run.to_dictionary() for name, run in runs(client).items() if name != "report"} == tracked
    assert set(found) == {"report", "texture", "texture search", "texture 0-0", "texture 0-1"}
    study = found["texture search"]
    assert above(study) == found["texture"].info.run_id
    assert {above(found[name]) for name in ("texture 0-0", "texture 0-1")} == {study.info.run_id}
    assert study.data.metrics["trials"] == 1
    assert set(study.data.tags["afnetm.runs"].split()) == {
        found[name].data.tags["afnetm.key"] for name in ("texture 0-0", "texture 0-1")
    }
