"""Studies in MLflow: whole, once, below their method and above their winner's units, however many trials they have."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import mlflow
import optuna
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState, create_trial
from optuna_dashboard import get_note, save_note

from benchmarks.copying import Copying
from benchmarks.home import Home
from benchmarks.ledger import Entry, Ledger
from benchmarks.searching import Question
from benchmarks.store import Record, Store
from benchmarks.study_links import mlflow_page
from benchmarks.study_tracking import StudyTracker
from benchmarks.tracking import Tracker
from benchmarks.units import PlannedUnit
from studies.search import Search
from studies.space import Space
from studies.spec import SearchSpec
from studies.winners import Where, read_winners

SPACE = Space(
    {"kind": CategoricalDistribution(["a", "b"]), "training.learning_rate": FloatDistribution(1e-4, 1e-2, log=True)},
    start={"kind": "b", "training.learning_rate": 1e-3},
)
LEDGER = Ledger(
    suite="s",
    text="folds = 2",
    resolved={"protocol": {"folds": 2, "repeats": 1}},
    description="a test",
    control=None,
    cohort={
        "name": "c",
        "scans": 2,
        "subjects": 2,
        "size": 8,
        "fingerprint": "f" * 64,
        "shareable": True,
        "source": {},
    },
    methods={"m": {"summary": "one", "source": "us", "hyperparameters": {"kind": "b"}}},
    units=[],
)


SUITE = """
description = "one method, tuned on subjects that are not tested"
[cohort]
name = "tiny"
synthetic = { subjects = 6, levels = [4], size = 32, seed = 0 }
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


@pytest.fixture
def home(tmp_path: Path, empty_mlflow: Path) -> Home:
    shutil.copy(empty_mlflow, tmp_path)
    return Home(tmp_path)


@pytest.fixture
def client(home: Home) -> MlflowClient:
    return MlflowClient(home.tracking_uri)


def studied(
    storage: BaseStorage,
    *,
    trials: int = 4,
    where: Where = (0, 1),
    again: int = 0,
    fails: Callable[[int], bool] | None = None,
) -> tuple[Question, Search]:
    """A finished study of two inner folds whose third trial is the best; those that `fails` is true of failed."""
    name = "s/m" if where is None else f"s/m/{where[0]}-{where[1]}"
    name += f" #{again + 1}" * bool(again)
    spec = SearchSpec(trials=trials, folds=2, sampler="random", pruner="none")
    question = Question(name, "m", where, again, cast(PlannedUnit, None), SPACE, spec)
    search = Search(storage, name, space=SPACE, spec=spec, identity={})
    while not search.finished:
        for task in search.tasks():
            if fails and fails(task.trial):
                search.fail(task, "OSError: /home/jane/scans")
            else:
                score = 0.9 if task.trial == 2 else 0.5 + 0.001 * task.trial
                search.learn(task, score, unit=f"k{task.trial}{task.fold}", seconds=1.5)
    return question, search


def copy(home: Home, *pairs: tuple[Question, Search], ledger: Ledger = LEDGER, url: str | None = None) -> int:
    tracker = StudyTracker(home.tracking_uri, home, ledger, storage_url=url)
    logged = sum(tracker.log(*pair) for pair in pairs)
    tracker.close()
    return logged


def tuned(*, trial: int = 2, **where: int) -> Ledger:
    """The suite after training: two units, the second is a study's choice."""
    place = {"repeat": 0, "fold": 1, "search": 0} | where
    name = "s/m/0-1" if place["fold"] == 1 else "s/m"
    study = {"study": name, "method": "m", "best_trial": trial, **place}
    return dataclasses.replace(
        LEDGER, units=[Entry("k0", "m", 0, 0), Entry("k1", "m", 0, 1)], tuning={"studies": [study]}
    )


def copy_units(home: Home, ledger: Ledger) -> None:
    tracker = Tracker(home.tracking_uri, home, ledger)
    tracker.log(ledger.only(None))
    tracker.close()


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


def record(home: Home, key: str, fold: int) -> None:
    result: dict[str, Any] = {"accuracy": 0.5, "macro_f1": 0.4, "seconds": 2.0, "test_seconds": 0.5, "finished": 1e9}
    result |= {"parameters": 10, "flops": 20, "n_train": 5, "n_test": 1, "method": "m", "version": 1, "repeat": 0}
    result |= {"fold": fold, "seed": 1, "device": "cpu", "intensities": None, "protocol": {}, "encoder": {}}
    result |= {"recipe": {}, "hyperparameters": {}, "commit": "abc", "hardware": "", "device_name": "", "versions": {}}
    curves = pd.DataFrame({"epoch": [0], "loss": [1.5], "accuracy": [0.2], "learning_rate": [0.1]})
    Store(home).write(key, Record(result, pd.DataFrame({"scan": ["a"]}), curves, {}))


def test_a_study_is_a_run_with_its_trials_as_a_table_and_its_winner(home: Home, client: MlflowClient) -> None:
    question, search = studied(InMemoryStorage(), trials=12, fails=lambda trial: trial == 5)
    copy(home, (question, search))
    found = runs(client)
    assert set(found) == {"m", "m 0-1 search"}
    run = found["m 0-1 search"]
    assert above(run) == found["m"].info.run_id
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
    assert set(artifacts(client, run)) == {"trials.json", "winner.toml"} | drawn
    trials = table(client, run, home.path)
    assert list(trials["trial"]) == list(range(12))
    assert list(trials["params/kind"]) == [trial.params["kind"] for trial in search.trials]
    assert trials.loc[5, "reason"] == "OSError: /home/jane/scans"
    assert not any("." in column for column in trials)  # such a column MLflow's page leaves empty
    (winner,) = read_winners(Path(client.download_artifacts(run.info.run_id, "winner.toml", str(home.path))))
    assert (winner.label, winner.where, winner.params) == ("m", (0, 1), search.trials[2].params)


def test_mlflow_reads_the_table_by_its_own_means(home: Home, client: MlflowClient) -> None:
    copy(home, studied(InMemoryStorage()))
    run = runs(client)["m 0-1 search"]
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(home.tracking_uri)
    try:
        read = client.load_table(run.info.experiment_id, "trials.json", run_ids=[run.info.run_id])
    finally:
        mlflow.set_tracking_uri(before)
    assert list(read["trial"]) == [0, 1, 2, 3]


def test_study_and_run_link_each_other_and_doing_it_again_changes_nothing(home: Home, client: MlflowClient) -> None:
    storage = InMemoryStorage()
    question, search = studied(storage)
    assert [copy(home, (question, search)) for _ in range(2)] == [1, 0]
    first = runs(client)["m 0-1 search"]
    attributes = dict(storage.get_study_system_attrs(search.study._study_id))
    assert copy(home, studied(storage)) == 0  # another process, later
    run = runs(client)["m 0-1 search"]
    assert run.to_dictionary() == first.to_dictionary()
    assert storage.get_study_system_attrs(search.study._study_id) == attributes
    page = f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    assert search.study.user_attrs["mlflow_run"] == {"run": run.info.run_id, "page": page}
    assert f"]({page})" in get_note(search.study)
    url = f"http://127.0.0.1:8080/dashboard/studies/{search.study._study_id}"
    assert f"[s/m/0-1]({url})" in run.data.tags["mlflow.note.content"]


def test_a_note_of_the_users_own_stays(home: Home) -> None:
    question, search = studied(InMemoryStorage())
    save_note(search.study, "look at trial 2")
    copy(home, (question, search))
    assert get_note(search.study) == "look at trial 2"


def test_a_study_that_has_grown_is_brought_up_to_date_in_its_run(home: Home, client: MlflowClient) -> None:
    storage = InMemoryStorage()
    copy(home, studied(storage, trials=2))
    first = runs(client)["m 0-1 search"]
    assert copy(home, studied(storage, trials=5)) == 1
    run = runs(client)["m 0-1 search"]
    assert run.info.run_id == first.info.run_id
    assert (first.data.metrics["inner_accuracy"], run.data.metrics["inner_accuracy"]) == (0.501, 0.9)
    assert (run.data.metrics["trials"], run.data.tags["afnetm.budget"]) == (5, "5 trials")
    assert len(table(client, run, home.path)) == 5
    assert copy(home, studied(storage, trials=2)) == 1  # a smaller budget again
    run = runs(client)["m 0-1 search"]
    assert (run.data.metrics["trials"], run.data.metrics["inner_accuracy"]) == (2, 0.501)


def test_a_copy_that_was_cut_off_is_made_whole(
    home: Home, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = studied(InMemoryStorage())
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
    copy(home, studied(storage))
    first = runs(client)["m 0-1 search"]
    optuna.delete_study(study_name="s/m/0-1", storage=storage)
    copy(home, studied(storage))
    assert runs(client)["m 0-1 search"].info.run_id != first.info.run_id


def test_units_stand_below_the_study_that_chose_them(home: Home, client: MlflowClient) -> None:
    for fold, key in enumerate(("k0", "k1")):
        record(home, key, fold)
    untuned = dataclasses.replace(LEDGER, units=[Entry("k0", "m", 0, 0), Entry("k1", "m", 0, 1)])
    copy_units(home, untuned)  # trained before with the same settings
    before = runs(client)
    assert {above(before[name]) for name in ("m 0-0", "m 0-1")} == {before["m"].info.run_id}
    copy_units(home, tuned())  # MLflow was away when the study ended
    assert above(runs(client)["m 0-1"]) == before["m"].info.run_id
    copy(home, studied(InMemoryStorage()))
    copy_units(home, tuned())
    found = runs(client)
    study = found["m 0-1 search"]
    assert above(found["m 0-1"]) == study.info.run_id
    assert above(found["m 0-0"]) == above(study) == found["m"].info.run_id
    links = {"afnetm.study": "s/m/0-1", "afnetm.trial": "2"}
    assert links.items() <= found["m 0-1"].data.tags.items()
    assert study.data.tags["afnetm.units"] == "k1"
    assert found["m"].data.metrics["units"] == 2
    copy_units(home, untuned)  # and the suite as it was before it was tuned
    found = runs(client)
    assert above(found["m 0-1"]) == found["m"].info.run_id
    assert not links.keys() & found["m 0-1"].data.tags.keys()
    assert {name: run.info.run_id for name, run in found.items() if "search" not in name} == {
        name: run.info.run_id for name, run in before.items()
    }


def test_one_study_for_all_folds_has_all_units_and_extras_say_what_they_are(home: Home, client: MlflowClient) -> None:
    keys = ("k0", "k1", "k2", "k3")
    for key in keys:
        record(home, key, 0)
    ledger = tuned(repeat=-1, fold=-1)
    again = {**ledger.tuning["studies"][0], "study": "s/m #2", "search": 1}
    ledger.tuning["studies"].append(again)
    extras = [Entry("k2", "m", 0, 0, search=1), Entry("k3", "m", 0, 0, reseed=1)]
    ledger = dataclasses.replace(ledger, extras=extras)
    storage = InMemoryStorage()
    copy(home, studied(storage, where=None), studied(storage, where=None, again=1))
    copy_units(home, ledger)
    found = runs(client)
    assert set(found) == {"m", "m search", "m search #2", "m 0-0", "m 0-1", "m 0-0 #2", "m 0-0 reseeded 1"}
    first = found["m search"].info.run_id
    assert {above(found[name]) for name in ("m 0-0", "m 0-1", "m 0-0 reseeded 1")} == {first}
    assert above(found["m 0-0 #2"]) == found["m search #2"].info.run_id


def test_a_study_without_a_winner_is_a_failed_run_without_pictures(home: Home, client: MlflowClient) -> None:
    copy(home, studied(InMemoryStorage(), fails=lambda _: True))
    run = runs(client)["m 0-1 search"]
    assert run.info.status == "FAILED"
    assert set(artifacts(client, run)) == {"trials.json"}
    assert "inner_accuracy" not in run.data.metrics
    assert "No trial was completed" in run.data.tags["mlflow.note.content"]


def test_what_errors_say_of_a_private_cohort_is_not_copied(home: Home, client: MlflowClient) -> None:
    private = dataclasses.replace(LEDGER, cohort=LEDGER.cohort | {"shareable": False})
    copy(home, studied(InMemoryStorage(), fails=lambda trial: trial == 1), ledger=private)
    run = runs(client)["m 0-1 search"]
    assert table(client, run, home.path).loc[1, "reason"] == "OSError"


def test_no_password_is_copied(home: Home, client: MlflowClient) -> None:
    question, search = studied(InMemoryStorage())
    copy(home, (question, search), url="postgresql://jane:hush@host/studies?password=hush")
    run = runs(client)["m 0-1 search"]
    assert run.data.tags["afnetm.storage"].startswith("postgresql://jane:***@host/studies")
    assert "hush" not in json.dumps(run.to_dictionary())


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("https://jane:hush@host:8443/mlflow/", "https://host:8443/mlflow"),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("postgresql://jane:hush@host/mlflow", "http://127.0.0.1:5000"),
    ],
)
def test_a_page_is_the_servers_or_where_the_command_line_serves_it(uri: str, server: str) -> None:
    assert mlflow_page(uri, "1", "r") == f"{server}/#/experiments/1/runs/r"


def test_ten_thousand_trials_are_one_run(home: Home, client: MlflowClient) -> None:
    question, small = studied(InMemoryStorage(), trials=1)
    (one,) = small.trials
    many = [
        create_trial(
            state=TrialState.PRUNED if number % 7 == 0 else TrialState.COMPLETE,
            value=None if number % 7 == 0 else number / 1e4,
            params={"kind": "ab"[number % 2], "training.learning_rate": 10 ** (-4 + number / 5e3)},
            distributions=one.distributions,
            intermediate_values={0: number / 1e4, 1: number / 1e4},
            user_attrs={"units": [f"{number:020}", f"{number + 1:020}"], "seconds": 1.0},
        )
        for number in range(1, 10_000)
    ]
    small.study.add_trials(many)
    spec = question.spec.model_copy(update={"trials": 10_000})
    search = Search(small.study._storage, question.name, space=SPACE, spec=spec, identity={})
    assert copy(home, (dataclasses.replace(question, spec=spec), search)) == 1
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


class _Away:
    """Copies what is even."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def copy(self, number: int) -> None:
        if number % 2:
            raise ConnectionError(f"{number} is odd\nand more")
        self.done.append(number)

    def close(self) -> None:
        self.done.append(-1)


def test_what_cannot_be_copied_is_told_in_a_line_and_stops_nothing() -> None:
    away = _Away()
    with Copying(lambda: away) as copying:
        for number in range(4):
            copying.do(lambda copier, number=number: copier.copy(number))
    assert away.done == [0, 2, -1]
    assert copying.lacks == "ConnectionError: 1 is odd"


def test_where_nothing_is_copied_nothing_is_made() -> None:
    with Copying(_never) as copying:
        pass
    assert copying.lacks is None


def _never() -> _Away:
    raise AssertionError


def test_a_server_that_is_away_is_caught_up_later(home: Home, client: MlflowClient) -> None:
    pair = studied(InMemoryStorage())

    def attempt(uri: str) -> str | None:
        with Copying(lambda: StudyTracker(uri, home, LEDGER, storage_url=None)) as copying:
            copying.do(lambda tracker: tracker.log(*pair))
        return copying.lacks

    assert "127.0.0.1" in (attempt("http://127.0.0.1:9") or "")
    assert attempt(home.tracking_uri) is None
    assert set(runs(client)) == {"m", "m 0-1 search"}


def test_the_command_line_copies_studies_as_they_end_and_catches_up(
    tmp_path: Path, prepared: Path, empty_mlflow: Path, afnetm: Callable[..., Any]
) -> None:
    shutil.copytree(prepared, tmp_path / "home")
    home = Home(tmp_path / "home")
    (tmp_path / "s.toml").write_text(SUITE)
    suite = str(tmp_path / "s.toml")
    done = afnetm(home.path, "search", suite, AFNETM_TRACKING_URI="http://127.0.0.1:9")
    assert "MLflow lacks some studies" in done.stderr
    shutil.copy(empty_mlflow, home.path)
    client = MlflowClient(home.tracking_uri)
    done = afnetm(home.path, "run", suite)
    assert "MLflow lacks" not in done.stderr
    found = runs(client)
    assert set(found) == {"texture", "texture search", "texture 0-0", "texture 0-1"}
    study = found["texture search"]
    assert above(study) == found["texture"].info.run_id
    assert {above(found[name]) for name in ("texture 0-0", "texture 0-1")} == {study.info.run_id}
    assert study.data.metrics["trials"] == 1
    assert set(study.data.tags["afnetm.units"].split()) == {
        found[name].data.tags["afnetm.key"] for name in ("texture 0-0", "texture 0-1")
    }
