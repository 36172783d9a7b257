"""MLflow's copy of records: complete, idempotent, and silent about whom it must not name."""

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow.entities
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from mlflow import MlflowClient

from afnetm import create_model, load_model
from afnetm.data.dataset import open_dataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.registry import find_method
from benchmarks.execution.copied import PARENT, above, copies_of
from benchmarks.execution.tracking import Tracker
from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun, Manifest
from benchmarks.records.store import Record, Store
from tests.benchmarks.tracking.conftest import MANIFEST, artifacts

#: With all that a method's run has.
RESOLVED = dataclasses.replace(
    MANIFEST,
    resolved={
        "protocol": {"folds": 2, "subjects": None},
        "encoder": {"width": 0.25, "weights": "/home/jane/weights.safetensors"},
        "training": {"epochs": 2},
    },
    methods={"m": MANIFEST.methods["m"] | {"name": "m", "version": 1, "hyperparameters": {"kind": "b", "seed": 7}}},
)


def record(accuracy: float, finished: float = 1e9) -> Record:
    result = {"accuracy": accuracy, "macro_f1": 0.4, "seconds": 2.0, "test_seconds": 0.5, "finished": finished}
    result |= {"parameters": 10, "flops": 20, "n_train": 5, "n_test": 1, "method": "m", "version": 1, "repeat": 0}
    result |= {"fold": 0, "seed": 2**62, "device": "cpu", "intensities": None, "protocol": {"folds": 2}, "encoder": {}}
    result |= {"training": {"epochs": 2, "augmentation": {"flip": 0.5}}, "hyperparameters": {"kind": "b", "seed": 7}}
    result |= {"commit": "abc", "hardware": "a machine", "device_name": "cpu", "versions": {"torch": "2"}}
    predictions = pd.DataFrame({"scan": ["a"], "subject": ["Jane"]})
    curves = pd.DataFrame({"epoch": [0, 1], "loss": [1.5, 0.5], "accuracy": [0.2, 0.4], "learning_rate": [0.1, 0.0]})
    return Record(result, predictions, curves, {"importance": np.ones((1, 2), np.float32)})


def runs(client: MlflowClient) -> list[mlflow.entities.Run]:
    return list(client.search_runs([client.get_experiment_by_name("s").experiment_id]))


def copy(home: Home, manifest: Manifest = MANIFEST) -> int:
    tracker = Tracker(home.tracking_uri, home, manifest)
    logged = tracker.log(manifest.runs)
    tracker.close()
    return logged


def test_the_database_knows_how_much_it_holds(home: Home) -> None:
    """Without it MLflow's page takes 16 seconds to sort 10,000 runs by a score, with it less than one."""
    Store(home).write("k0", record(0.4))
    copy(home)
    with closing(sqlite3.connect(home.path / "mlflow.db")) as database:
        counted = dict(database.execute("SELECT tbl, stat FROM sqlite_stat1"))
    assert counted["runs"].startswith("2 ")  # the method's, and the one below it
    assert int(counted["latest_metrics"].split()[0]) > 2


def test_a_database_elsewhere_keeps_its_artifacts_in_the_home(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "elsewhere.db")
    Store(home).write("k0", record(0.5))
    uri = f"sqlite:///{tmp_path}/elsewhere.db"
    tracker = Tracker(uri, home, MANIFEST)
    assert tracker.log(MANIFEST.runs) == 1
    assert MlflowClient(uri).get_experiment(tracker.experiment).artifact_location.startswith(home.artifacts.as_uri())
    assert not (tmp_path / "mlruns").exists()


def test_a_record_is_copied_once_and_what_comes_later_is_caught_up(home: Home, client: MlflowClient) -> None:
    store = Store(home)
    store.write("k0", record(0.5))
    assert [copy(home), copy(home)] == [1, 0]
    store.write("k1", record(0.7, finished=1e9 + 60))
    assert [copy(home), copy(home)] == [1, 0]
    parent = next(run for run in runs(client) if run.info.run_name == "m")
    assert (parent.info.start_time, parent.info.end_time) == (1e12 - 2500, 1e12 + 60_000)  # of all that is below it
    assert len(runs(client)) == 3
    assert parent.data.metrics == {"runs": 2}
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} == {"suite.toml", "suite.resolved.json"}
    (child,) = [run for run in runs(client) if run.data.tags.get("afnetm.key") == "k1"]
    assert child.data.params["training.augmentation.flip"] == "0.5"
    assert child.data.params["seed"] == str(2**62)
    assert child.data.tags["version.torch"] == "2"
    assert [m.value for m in client.get_metric_history(child.info.run_id, "train_loss")] == [1.5, 0.5]


def test_settings_have_one_name_each_for_a_method_and_its_runs(home: Home, client: MlflowClient) -> None:
    Store(home).write("k0", record(0.5))
    copy(home, RESOLVED)
    parent, child = sorted(runs(client), key=lambda run: run.info.run_name)
    assert parent.data.params == {
        "method": "m",
        "version": "1",
        "kind": "b",
        "hyperparameters.seed": "7",  # it is no run's seed
        "training.epochs": "2",
        "protocol.folds": "2",
        "encoder.width": "0.25",
    }
    assert {"kind", "method", "version", "training.epochs", "hyperparameters.seed"} <= set(child.data.params)
    assert child.data.params["seed"] == str(2**62)
    assert "intensities" not in child.data.params  # all of them


def test_a_method_whose_settings_are_others_now_has_another_run_with_all_that_was_below(
    home: Home, client: MlflowClient
) -> None:
    Store(home).write("k0", record(0.5))
    copy(home, RESOLVED)
    before = {run.info.run_name: run for run in runs(client)}
    changed = dataclasses.replace(RESOLVED, methods={"m": RESOLVED.methods["m"] | {"version": 2}})
    Store(home).write("k1", record(0.7))
    copy(home, changed)
    after = {run.info.run_name: run for run in runs(client)}
    assert set(after) == {"m", "m 0-0", "m 0-1"}
    assert after["m"].data.params["version"] == "2"
    assert after["m"].info.run_id != before["m"].info.run_id
    assert {after[name].data.tags[PARENT] for name in ("m 0-0", "m 0-1")} == {after["m"].info.run_id}
    assert after["m 0-0"].info.run_id == before["m 0-0"].info.run_id


def test_what_a_server_made_twice_is_there_once(home: Home, client: MlflowClient) -> None:
    Store(home).write("k0", record(0.5))
    copy(home)
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    # It answered too late, and was asked again.
    client.create_run(child.info.experiment_id, tags=child.data.tags, run_name="m 0-0", start_time=1)
    assert copy(home) == 0
    assert [run.info.run_id for run in runs(client) if "afnetm.key" in run.data.tags] == [child.info.run_id]


def test_what_a_run_used_is_shown_over_its_time(home: Home, client: MlflowClient) -> None:
    usage = {"seconds": [1.0, 2.0], "cpu": [99.0, 101.0], "memory": [1e9, 2e9]}
    made = record(0.5)
    Store(home).write("k0", dataclasses.replace(made, result=made.result | {"usage": usage}))
    Store(home).write("k1", made)  # over before anything was seen of it, or of another version of the program
    copy(home)
    used, unseen = sorted((run for run in runs(client) if PARENT in run.data.tags), key=lambda run: run.info.run_name)
    for name, values in {"cpu_percentage": [99, 101], "memory_megabytes": [1000, 2000]}.items():
        history = client.get_metric_history(used.info.run_id, f"system/process_{name}")
        assert [(one.step, one.value) for one in history] == [*enumerate(values)]
        assert [one.timestamp - used.info.start_time for one in history] == [1000, 2000]
    assert not any(name.startswith("system/") for name in unseen.data.metrics)


def test_a_report_is_published_over_the_one_before(home: Home, client: MlflowClient) -> None:
    Store(home).write("k0", record(0.5))
    copy(home)
    for accuracy, names in ((0.5, {"index.html", "figures/hardest.svg"}), (0.6, {"index.html", "tables/folds.csv"})):
        tracker = Tracker(home.tracking_uri, home, MANIFEST)
        scores = {"m": {"accuracy": accuracy, "accuracy_low": 0.25, "difference": float("nan")}, "gone": {}}
        tracker.methods.publish(scores, {"m": {"confusion.svg": b"<svg/>"}}, dict.fromkeys(names, b"page"))
        found = {run.info.run_name: run for run in runs(client)}
        assert set(found) == {"m", "m 0-0", "report"}
        assert found["m"].data.metrics == {"runs": 1, "accuracy": accuracy, "accuracy_low": 0.25}
        assert artifacts(client, found["m"]).keys() == {"suite.toml", "suite.resolved.json", "confusion.svg"}
        folder = Path(client.download_artifacts(found["report"].info.run_id, ""))
        assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == names
        assert {run.info.status for run in found.values()} == {"FINISHED"}


def test_a_record_made_anew_replaces_its_copy(home: Home, client: MlflowClient) -> None:
    store = Store(home)
    store.write("k0", record(0.5, finished=1e9))
    copy(home)
    store.forget(["k0"])
    store.write("k0", record(0.9, finished=2e9))
    assert copy(home) == 1
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    assert child.data.metrics["accuracy"] == 0.9


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
    copy(home, dataclasses.replace(MANIFEST, dataset=MANIFEST.dataset | {"shareable": shareable}))
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    names = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    assert ("predictions.parquet" in names) is shareable
    assert names >= {"curves.csv", "result.json", "auxiliary_outputs.safetensors"}


def test_what_was_copied_without_names_is_completed_once_they_are_wanted(home: Home, client: MlflowClient) -> None:
    private = dataclasses.replace(MANIFEST, dataset=MANIFEST.dataset | {"shareable": False})
    Store(home).write("k0", record(0.5))

    def again(*, with_faces: bool) -> tuple[int, set[str]]:
        tracker = Tracker(home.tracking_uri, home, private, with_faces=with_faces)
        logged = tracker.log(private.runs)
        (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
        return logged, {artifact.path for artifact in client.list_artifacts(child.info.run_id)}

    bare = {"curves.csv", "result.json", "auxiliary_outputs.safetensors"}
    whole = bare | {"predictions.parquet"}
    wanted = (False, False, True, True, False)
    assert [again(with_faces=one) for one in wanted] == [(1, bare), (0, bare), (1, whole), (0, whole), (0, whole)]


@pytest.mark.parametrize(("shape", "copied"), [((1, 2), True), ((1, 2, 32, 32), False)])
def test_what_may_be_a_picture_of_a_face_is_not_copied(
    shape: tuple[int, ...], copied: bool, home: Home, client: MlflowClient
) -> None:
    Store(home).write(
        "k0", dataclasses.replace(record(0.5), auxiliary_outputs={"attention": np.ones(shape, np.float32)})
    )
    copy(home, dataclasses.replace(MANIFEST, dataset=MANIFEST.dataset | {"shareable": False}))
    (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    names = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    assert ("auxiliary_outputs.safetensors" in names) is copied


def test_above_a_number_of_runs_a_copy_says_where_its_files_are_until_they_are_asked_for(
    home: Home, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.execution.tracking.MOST_WITH_FILES", 1)  # the suite has two runs
    Store(home).write("k0", record(0.5))

    def again(artifacts: str) -> tuple[int, int, str]:
        tracker = Tracker(home.tracking_uri, home, MANIFEST, artifacts=artifacts)
        logged = tracker.log(MANIFEST.runs)
        (child,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
        assert child.data.metrics["accuracy"] == 0.5
        assert child.data.tags["afnetm.record"] == "runs/k0/k0"
        return logged, len(client.list_artifacts(child.info.run_id)), child.data.tags.get("mlflow.note.content", "")

    said = "Its files are not copied here; they are `runs/k0/k0` of the folder that `afnetm` writes to."
    assert again("auto") == (1, 0, said)
    assert again("off") == (0, 0, said)
    assert again("on") == (1, 4, "")
    assert again("auto") == (0, 4, "")  # what is there stays
    monkeypatch.undo()
    assert again("auto") == (0, 4, "")


def test_a_server_is_asked_for_the_copies_of_one_method_and_has_them_as_a_database_has(
    home: Home, client: MlflowClient
) -> None:
    odd = "it's `m`"
    manifest = dataclasses.replace(
        MANIFEST,
        methods={"m": MANIFEST.methods["m"], odd: MANIFEST.methods["m"]},
        runs=[*MANIFEST.runs, ListedRun("k2", odd, 0, 0)],
    )
    for key in ("k0", "k1", "k2"):
        Store(home).write(key, record(0.5))
    copy(home, manifest)
    (cut,) = [run for run in runs(client) if run.data.tags.get("afnetm.key") == "k1"]
    client.update_run(cut.info.run_id, status="RUNNING")
    experiment = cut.info.experiment_id
    for method, keys in (("m", {"k0", "k1"}), (odd, {"k2"})):
        asked = dict(copies_of(client, home.tracking_uri, experiment, method))
        assert asked == dict(copies_of(client, "http://localhost", experiment, method))  # by the client alone
        assert asked.keys() == keys
        assert {key for key, one in asked.items() if not one.finished} == keys & {"k1"}
    assert {run.info.run_name for run in above(client, experiment)} == {"m", odd}


@pytest.mark.parametrize("shareable", [True, False])
def test_kept_weights_are_a_model_that_the_library_loads_and_no_code(
    shareable: bool, home: Home, client: MlflowClient, tmp_path: Path, prepared: Path
) -> None:
    manifest = dataclasses.replace(MANIFEST, dataset=MANIFEST.dataset | {"name": "tiny", "shareable": shareable})
    home.datasets.symlink_to(prepared / "datasets")
    data = open_dataset(home.datasets / "tiny")
    network = create_model("concat", num_classes=6, width=0.125, size=32)
    one = record(0.5)
    result = {**one.result, "method": "concat", "version": find_method("concat").version, "classes": list(EXPRESSIONS)}
    result |= {"size": 32, "hyperparameters": {}, "encoder": {"name": "resnet18", "width": 0.125, "weights": None}}
    result |= {"training": {"epochs": 2}, "maps": data.made_by}
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    scans = pd.DataFrame({"scan": [data.table["id"].iloc[5]]})
    one = dataclasses.replace(one, result=result, weights=weights, predictions=scans)
    Store(home).write("k0", one)
    home.artifacts.mkdir(parents=True)
    (home.artifacts / "models").touch()  # in the way of a model's files: the copy is cut off
    with pytest.raises(OSError, match="models"):
        copy(home, manifest)
    (home.artifacts / "models").unlink()
    copy(home, manifest)
    (run,) = [run for run in runs(client) if "afnetm.key" in run.data.tags]
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert (str(model.status), model.source_run_id) == ("READY", run.info.run_id)
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert {metric.key: (metric.value, metric.dataset_name) for metric in model.metrics}["accuracy"] == (0.5, "tiny")
    assert model.params["training.epochs"] == "2"
    folder = Path(model.artifact_location.removeprefix("file://"))
    names = {"weights.safetensors", "result.json"} | ({"input_example.safetensors"} if shareable else set())
    assert {path.name for path in folder.iterdir()} == names  # a face is a name
    assert "weights.safetensors" not in artifacts(client, run)
    loaded = load_model(folder)
    assert all((weights[name] == value.numpy()).all() for name, value in loaded.module.state_dict().items())
    if shareable:
        example = safetensors.numpy.load_file(folder / "input_example.safetensors")
        assert (example["texture"] == data.texture[5:6]).all()
    Store(home).forget(["k0"])
    Store(home).write("k0", dataclasses.replace(one, result=result | {"finished": 2e9}))
    copy(home, manifest)  # made anew, and the model with it
    (again,) = client.search_logged_models([run.info.experiment_id])
    assert again.model_id != model.model_id
    assert again.source_run_id != run.info.run_id
