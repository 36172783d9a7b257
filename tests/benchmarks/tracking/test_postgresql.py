"""MLflow on a PostgreSQL server, a real one: files in the home, no password where all may read, given up when away."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from benchmarks.records.home import Home
from benchmarks.records.store import Store
from tests.benchmarks.conftest import command
from tests.benchmarks.execution.test_mlflow_page import free_port
from tests.benchmarks.tracking.conftest import MANIFEST
from tests.benchmarks.tracking.test_homes import copy, formatted, tree
from tests.benchmarks.tracking.test_runs import record
from tests.benchmarks.tracking.test_troubles import lacks
from tests.postgresql import Server, running

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as one:
        yield one


def test_two_homes_share_a_server_which_is_looked_at_and_goes_away(server: Server, tmp_path: Path) -> None:
    uri = server.new_url()
    first, second = Home(tmp_path / "first"), Home(tmp_path / "second")
    for home, key in ((first, "k0"), (second, "k1")):
        Store(home).write(key, record(0.5))
        MANIFEST.save(home)
    copy(first, uri)
    original = tree(first.path)
    copy(second, uri)
    assert tree(first.path) == original
    runs = formatted(uri, tmp_path / "downloads")
    assert {"result.json", "curves.csv"} <= runs["m 0-0"].keys() & runs["m 0-1"].keys()

    port = free_port()
    ui = command(second.path, "ui", "--port", str(port), "--no-browser")
    environment = os.environ | {"AFNETM_TRACKING_URI": uri}
    with subprocess.Popen(ui, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        message = process.stderr.readline()  # or nothing, where it ended
        assert f"http://127.0.0.1:{port}/#/experiments/" in message
        started = [process.pid, *(one.pid for one in psutil.Process(process.pid).children(recursive=True))]
        shown_to_all = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in started]
        assert len(shown_to_all) == 3
        assert not any(b"s3cret" in line or b"postgresql" in line for line in shown_to_all)
        (experiment,) = MlflowClient(f"http://127.0.0.1:{port}").search_experiments(filter_string="name = 's'")
        assert f"/experiments/{experiment.experiment_id}/runs?" in message
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0

    server.stop()
    begun = time.monotonic()
    away = lacks(second, uri)
    assert time.monotonic() - begun < 10
    assert away is not None
    assert "Connection refused" in away
    assert "s3cret" not in away
    server.start()
    assert lacks(second, uri) is None
