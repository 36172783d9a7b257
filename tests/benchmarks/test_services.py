"""A whole run on servers: MLflow's on PostgreSQL, and studies in another database of it, which go away meanwhile."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.trial import TrialState

from benchmarks.execution.mlflow_page import answers
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from studies.storage import view_storage
from tests.benchmarks.conftest import SEARCHED, Afnetm, command
from tests.benchmarks.execution.test_mlflow_page import free_port
from tests.benchmarks.found import runs_done
from tests.benchmarks.moody import moody
from tests.postgresql import PASSWORD, Server, running
from tests.waiting import until

pytestmark = pytest.mark.services

#: Three studies of three trials, of two inner folds each, and three runs with what won; it can be told to wait.
FOLDS, TRIALS, INNER = 3, 3, 2
SUITE = (
    SEARCHED.replace("folds = 2\n", f"folds = {FOLDS}\n", 1)
    .replace("trials = 8", f'trials = {TRIALS}\npruner = "none"')
    .replace("texture", "moody")
)
WAITS = "import time\n            while os.path.exists(os.environ['MOOD']): time.sleep(0.05)"
#: The password, as it is and as URLs have it.
SECRETS = (PASSWORD.encode(), b"s3cret")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as one:
        yield one


@contextmanager
def mlflow_server(database: str, folder: Path) -> Iterator[str]:
    """MLflow's own server, as docs/servers.md starts it; it ends with all that it started."""
    port = free_port()
    line = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts")}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", *line], env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        until(lambda: answers(port), "MLflow answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()


def assert_no_secret_shown(*folders: Path) -> None:
    """In no command line of what this process has started, and in no file below these folders."""
    for process in psutil.Process().children(recursive=True):
        with suppress(OSError):  # it has ended meanwhile
            line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert not any(secret in line for secret in SECRETS), line
    for folder in folders:
        for file in folder.rglob("*"):
            with suppress(FileNotFoundError):
                assert not file.is_file() or not any(secret in file.read_bytes() for secret in SECRETS), file


def content(uri: str) -> dict[str, tuple[dict[str, float], dict[str, str], str]]:
    """Metrics, parameters and status of every run in the suite's experiment; each once, with each value once."""
    client = MlflowClient(uri)
    found: list[Run] = client.search_runs([client.get_experiment_by_name("tuned").experiment_id])
    by_name = {run.info.run_name: (run.data.metrics, run.data.params, run.info.status) for run in found}
    assert len(by_name) == len(found), sorted(run.info.run_name for run in found)
    for run in found:
        for name in run.data.metrics:
            points = [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, name)]
            assert len(points) == len(set(points)), f"{run.info.run_name}: {name}"
        assert client.list_artifacts(run.info.run_id) or "search" not in run.info.run_name
    return by_name


def test_postgresql_goes_away_twice_and_nothing_is_lost_or_doubled_nor_a_password_shown(
    server: Server, home: Path, tmp_path: Path, afnetm: Afnetm
) -> None:
    """For 30 s while trials are trained, and for longer than MLflow is tried at once while their best are."""
    storage, folder, hold = server.new_url(), tmp_path / "server", tmp_path / "hold"
    folder.mkdir()
    suite = tmp_path / "tuned.toml"
    suite.write_text(SUITE)
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{server.port}:*:me:{PASSWORD}\n")
    passwords.chmod(0o600)
    environment = os.environ | {"PGPASSFILE": str(passwords), "MOOD": str(hold)}
    environment |= {"PYTHONPATH": moody(tmp_path, WAITS), "COLUMNS": "200"}
    output, words = tmp_path / "output", tmp_path / "words"
    trained = FOLDS * TRIALS * INNER
    with mlflow_server(server.new_url(), folder) as uri:
        nameless = storage.replace(storage[storage.index("me:") + 2 : storage.index("@")], "")
        line = ["--tracking-uri", uri, "--storage", nameless, "run", str(suite), "--workers", "1"]
        with output.open("w") as out, words.open("w") as err:
            run = subprocess.Popen(command(home, *line), env=environment, stdout=out, stderr=err)
        try:
            for after, seconds in ((4, 30), (trained + 1, 8)):
                until(lambda: runs_done(home) >= after or run.poll() is not None, f"{after} runs")  # noqa: B023
                assert run.poll() is None, words.read_text()
                if after > trained:
                    hold.touch()
                server.stop()
                time.sleep(seconds)
                assert_no_secret_shown(home)
                assert run.poll() is None, words.read_text()
                server.start()
                if after > trained:
                    until(lambda: "MLflow: it answers again" in words.read_text(), "copying goes on")
                hold.unlink(missing_ok=True)
            assert run.wait(240) == 0, words.read_text()
        finally:
            run.kill()
            run.wait()
        assert_no_secret_shown(home, output, words, folder)
        said = words.read_text()
        assert said.count("The search waits for it, up to 10 minutes") == 1, said
        assert said.count("answers again, and the search goes on") == 1
        assert "incomplete" not in said

        studies, keys = view_storage(Home(home).journal, storage), []
        for study in studies.get_all_studies():
            trials = studies.get_all_trials(study._study_id)
            assert [(trial.number, trial.state) for trial in trials] == [
                (n, TrialState.COMPLETE) for n in range(TRIALS)
            ]
            for trial in trials:
                own = trial.user_attrs["runs"]
                scores = [Store(Home(home)).result(key)["accuracy"] for key in own]
                assert trial.value == pytest.approx(sum(scores) / INNER)
                keys += own
        assert len(keys) == trained
        assert runs_done(home) == len(set(keys)) + FOLDS

        copied = content(uri)
        folds = [f"moody 0-{fold}" for fold in range(FOLDS)]
        assert sorted(copied) == sorted(["moody", "report", *folds, *(f"{fold} search" for fold in folds)])
        environment = {"AFNETM_TRACKING_URI": f"sqlite:///{tmp_path}/beside.db", "AFNETM_STORAGE": storage}
        environment |= {"PYTHONPATH": str(Path.cwd())}
        afnetm(home, "track", "tuned", **environment)
        assert content(environment["AFNETM_TRACKING_URI"]) == copied
        assert_no_secret_shown(home, tmp_path / "beside.db")
