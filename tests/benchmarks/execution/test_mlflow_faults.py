"""A tracking server that is killed while a run goes on: nothing is lost, nobody waits, and the next run catches up."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from tests.benchmarks.conftest import Afnetm, command
from tests.benchmarks.execution.test_mlflow_page import free_port
from tests.benchmarks.found import runs_done

pytestmark = pytest.mark.faults


@contextmanager
def serving(home: Path, port: int) -> Iterator[None]:
    """A real server, which takes files itself; killed at the end, with all that it started."""
    ui = command(home, "ui", "--port", str(port), "--no-browser")
    with subprocess.Popen(ui, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "MLflow UI: http" in process.stderr.readline()
        try:
            yield
        finally:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()


def started(home: Path, suite: Path, uri: str) -> "subprocess.Popen[str]":
    """A run that has finished two trainings."""
    environment = os.environ | {"AFNETM_TRACKING_URI": uri}
    run = subprocess.Popen(
        command(home, "run", str(suite), "--workers", "1"), env=environment, stderr=subprocess.PIPE, text=True
    )
    while runs_done(home) < 2:
        assert run.poll() is None
        time.sleep(0.02)
    return run


def test_a_server_that_is_killed_meanwhile_is_caught_up(
    home: Path, suite: Path, tmp_path: Path, empty_mlflow: Path, afnetm: Afnetm
) -> None:
    place, port = tmp_path / "server", free_port()
    place.mkdir()
    shutil.copy(empty_mlflow, place)
    uri = f"http://127.0.0.1:{port}"
    with serving(place, port):
        run = started(home, suite, uri)
    _, words = run.communicate(timeout=200)
    assert run.returncode == 0
    assert runs_done(home) == 6
    assert words.count("cannot be reached") >= 1  # at the end, and before, where three attempts have failed
    assert f"this command copies the rest: afnetm --home {home} track small\n" in words
    with serving(place, port):
        caught = afnetm(home, "track", "small", AFNETM_TRACKING_URI=uri)
        assert "MLflow has 6 finished runs" in caught.stdout
        client = MlflowClient(uri)
        found = client.search_runs([client.get_experiment_by_name("small").experiment_id])
        names = [f"{method}{fold}" for method in ("concat", "texture") for fold in ("", " 0-0", " 0-1", " 0-2")]
        assert sorted(one.info.run_name for one in found) == sorted([*names, "report"])
        assert {one.info.status for one in found} == {"FINISHED"}
        assert all(client.list_artifacts(one.info.run_id) for one in found)
    assert not (home / "artifacts").exists()


def test_ctrl_c_does_not_wait_for_a_server_that_does_not_answer(home: Path, suite: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run = started(home, suite, f"http://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, words = run.communicate(timeout=60)
    assert time.monotonic() - begun < 8
    assert run.returncode == 130
    assert "Traceback" not in words
