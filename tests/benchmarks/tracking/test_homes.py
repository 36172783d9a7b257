"""Homes that are copied, moved, or have names that are special in a URL: all is written into them, none elsewhere."""

import hashlib
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks.execution.database import bring_home
from benchmarks.execution.tracking import Tracker
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest
from benchmarks.records.store import Store
from tests.benchmarks.tracking.conftest import MANIFEST
from tests.benchmarks.tracking.test_runs import record

#: Each of these is a folder's name, and something else where it is pasted into a URL.
ODD = ["%41%2F {x}", "a?b=üß", "a#b;c&d+e 100%"]


def tree(folder: Path) -> dict[str, str]:
    """What is in a folder: names, and digests of contents."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def copy(home: Home, uri: str | None = None, manifest: Manifest = MANIFEST) -> int:
    tracker = Tracker(uri or home.tracking_uri, home, manifest)
    logged = tracker.log(manifest.runs)
    tracker.close()
    tracker.methods.publish({"m": {"accuracy": 0.5}}, {}, {"index.html": b"page", "figures/scores.svg": b"picture"})
    return logged


def formatted(uri: str, to: Path, suite: str = "s") -> dict[str, dict[str, bytes]]:
    """The artifacts of each run by its name, as MLflow's own client finds them."""
    client = MlflowClient(uri)
    found = {}
    for run in client.search_runs([client.get_experiment_by_name(suite).experiment_id]):
        (to / run.info.run_id).mkdir(parents=True)
        folder = Path(client.download_artifacts(run.info.run_id, "", str(to / run.info.run_id)))
        found[run.info.run_name] = {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
    return found


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "copied"])
@pytest.mark.parametrize("name", ODD)
def test_a_home_that_was_moved_or_copied_has_all_it_shows(
    name: str, moved: bool, tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before, after = Home(tmp_path / "before" / name), Home(tmp_path / "after" / name)
    before.path.mkdir(parents=True)
    shutil.copy(empty_mlflow, before.path)
    Store(before).write("k0", record(0.5))
    assert copy(before) == 1
    original = tree(before.path)
    (shutil.move if moved else shutil.copytree)(before.path, after.path)
    Store(after).write("k1", record(0.7))
    assert copy(after) == 1
    assert tree(before.path) == ({} if moved else original)
    runs = formatted(after.tracking_uri, tmp_path / "downloads")
    assert set(runs) == {"m", "m 0-0", "m 0-1", "report"}
    for name_, key in (("m 0-0", "k0"), ("m 0-1", "k1")):
        folder = Store(after).folder(key)
        assert runs[name_] == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert runs["report"] == {"index.html": b"page", "figures/scores.svg": b"picture"}
    here = after.artifacts.as_uri()
    client = MlflowClient(after.tracking_uri)
    (experiment,) = client.search_experiments(filter_string="name = 's'")
    assert experiment.artifact_location == here
    assert all(run.info.artifact_uri.startswith(f"{here}/") for run in client.search_runs([experiment.experiment_id]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "before", "downloads"]


def test_only_to_look_at_it_is_enough(tmp_path: Path, home: Home) -> None:
    Store(home).write("k0", record(0.5))
    copy(home)
    other = Home(tmp_path / "other")
    other.path.mkdir()
    for name in ("mlflow.db", "artifacts"):
        (home.path / name).rename(other.path / name)
    bring_home(other.tracking_uri, other)
    assert set(formatted(other.tracking_uri, tmp_path / "downloads")["m"]) == {"suite.toml", "suite.resolved.json"}
    whole = (other.path / "mlflow.db").read_bytes()
    bring_home(other.tracking_uri, other)
    assert (other.path / "mlflow.db").read_bytes() == whole


def test_experiments_of_others_stay_where_they_are(tmp_path: Path, home: Home) -> None:
    client = MlflowClient(home.tracking_uri)
    elsewhere = client.create_experiment("theirs", artifact_location="file:///srv/theirs/artifacts")
    below = client.create_experiment("begun on the page", artifact_location=f"{home.artifacts.as_uri()}/7")
    run = client.create_run(elsewhere).info.run_id
    Store(home).write("k0", record(0.5))
    copy(home)
    other = Home(tmp_path / "other")
    other.path.mkdir()
    shutil.copy(home.path / "mlflow.db", other.path)
    bring_home(other.tracking_uri, other)
    client = MlflowClient(other.tracking_uri)
    assert client.get_experiment(elsewhere).artifact_location == "file:///srv/theirs/artifacts"
    assert client.get_run(run).info.artifact_uri.startswith("file:///srv/theirs/artifacts/")
    assert client.get_experiment(below).artifact_location == f"{other.artifacts.as_uri()}/7"


def test_two_homes_that_share_a_database_keep_their_own_files(tmp_path: Path, empty_mlflow: Path) -> None:
    shutil.copy(empty_mlflow, tmp_path / "shared.db")
    uri = f"sqlite:///{tmp_path}/shared.db"
    first, second = Home(tmp_path / "first"), Home(tmp_path / "second")
    Store(first).write("k0", record(0.5))
    copy(first, uri)
    original = tree(first.path)
    Store(second).write("k1", record(0.7))
    assert copy(second, uri) == 1
    assert tree(first.path) == original
    runs = formatted(uri, tmp_path / "downloads")
    assert set(runs["m 0-0"]) == {path.name for path in Store(first).folder("k0").iterdir()}
    assert set(runs["m 0-1"]) == {path.name for path in Store(second).folder("k1").iterdir()}
    assert set(runs["m"]) == {"suite.toml", "suite.resolved.json"}
    assert list(second.artifacts.rglob("index.html"))
