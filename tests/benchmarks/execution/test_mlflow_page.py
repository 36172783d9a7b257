"""MLflow's page as a user opens it: of a home that was moved, of a server, on a port that is taken."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from benchmarks.execution.database import experiments_in
from benchmarks.execution.tracking import Tracker
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from tests.benchmarks.conftest import Afnetm, command
from tests.benchmarks.tracking.conftest import MANIFEST
from tests.benchmarks.tracking.test_runs import record
from tests.waiting import until


@dataclass(frozen=True)
class Page:
    """What `ui` serves of a home, and what it said and opened."""

    home: Home
    port: int
    message: str
    opened: Path
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fetch(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.status, answer.read()
        connection.close()
        return said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _records(home: Home, *keys: str) -> None:
    for key in keys:
        Store(home).write(key, record(0.5))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Iterator[Page]:
    """Of a home that was moved after it was recorded; Ctrl-C ends it and all that it started."""
    folder = tmp_path_factory.mktemp("ui")
    before, home = Home(folder / "before"), Home(folder / "100% a?b#c")
    before.path.mkdir()
    shutil.copy(empty_mlflow, before.path)
    _records(before, "k0")
    tracker = Tracker(before.tracking_uri, before, MANIFEST)
    tracker.log(MANIFEST.runs)
    MANIFEST.save(before)
    before.path.rename(home.path)
    browser, opened, port = folder / "browser", folder / "opened", free_port()
    browser.write_text(f"#!/bin/sh\necho \"$1\" > '{opened}.part'; mv '{opened}.part' '{opened}'\n")
    browser.chmod(0o700)
    environment = os.environ | {"BROWSER": f"{browser} %s", "http_proxy": "http://127.0.0.1:9"}
    ui = command(home.path, "ui", "--port", str(port))
    with subprocess.Popen(ui, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield Page(home, port, process.stderr.readline(), opened, process)
            started = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            out, words = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out, words) == (0, "", "")
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in started)
    made = ["artifacts", "mlflow.db", "runs", "suites", "unfinished"]
    assert sorted(path.name for path in home.path.iterdir()) == made


def test_the_address_is_told_once_it_answers_and_shows_the_suites_charts(page: Page) -> None:
    identifier = experiments_in(page.home.tracking_uri)["s"]
    address = f"{page.address}/#/experiments/{identifier}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    assert page.message == f"MLflow UI: {address}  (Ctrl-C ends it)\n"
    assert page.fetch("/health") == (200, b"OK")
    until(page.opened.exists, "the browser is started")  # after the message
    assert page.opened.read_text() == f"{address}\n"
    status, html = page.fetch("/")
    assert status == 200
    assert b"<title>MLflow</title>" in html


def test_it_is_one_worker_on_this_machine_and_tells_nobody_where_the_database_is(page: Page) -> None:
    started = psutil.Process(page.process.pid).children(recursive=True)
    assert len(started) == 2  # MLflow's command and its one worker
    assert not any("mlflow.db" in " ".join(one.cmdline()) for one in started)
    sockets = [one.laddr for process in started for one in process.net_connections("inet") if one.status == "LISTEN"]
    assert {(one.ip, one.port) for one in sockets} == {("127.0.0.1", page.port)}


def test_artifacts_are_those_of_the_home_as_it_is_now(page: Page) -> None:
    client = MlflowClient(page.address)
    (run,) = [run for run in client.search_runs([experiments_in(page.home.tracking_uri)["s"]]) if "k0" in str(run)]
    written = (Store(page.home).folder("k0") / "result.json").read_bytes()
    assert page.fetch(f"/get-artifact?run_uuid={run.info.run_id}&path=result.json") == (200, written)


def test_a_taken_port_is_a_line_with_another_that_is_free(page: Page, here: Afnetm) -> None:
    done = here(page.home.path, "ui", "--port", str(page.port), code=2)
    wanted = rf"error: --port: {page.port} cannot be used on 127\.0\.0\.1: Address already in use; "
    assert re.fullmatch(wanted + r"another is free: --port \d+\n", done.stderr)
    assert done.stdout == ""


def test_of_a_server_its_own_page_is_told_and_opened(page: Page, here: Afnetm, tmp_path: Path) -> None:
    uri, other = f"http://jane:hush@127.0.0.1:{page.port}/", tmp_path / "home"
    MANIFEST.save(Home(other))
    done = here(other, "ui", AFNETM_TRACKING_URI=uri, BROWSER="true")
    assert done.stderr == page.message.replace("  (Ctrl-C ends it)", "")
    assert "'other' is not in MLflow; it has: Default, s" in here(other, "ui", "other", code=2).stderr
    away = here(other, "ui", "--no-browser", code=2, AFNETM_TRACKING_URI="http://127.0.0.1:9").stderr
    assert away == "error: MLflow server http://127.0.0.1:9 cannot be reached (Connection refused)\n"


def test_a_server_takes_files_itself_or_they_stay_here(page: Page, tmp_path: Path) -> None:
    other = Home(tmp_path / "home")
    _records(other, "k1")
    message: list[str] = []
    tracker = Tracker(page.address, other, MANIFEST, tell=message.append)
    assert tracker.log(MANIFEST.runs) == 1  # but its experiment's files are in a folder, of the server's home
    assert len(message) == 1
    assert re.match(
        "no artifacts are copied: the server keeps them in file:///.*, outside of the home; start", message[0]
    )
    client = MlflowClient(page.address)
    client.rename_experiment(tracker.experiment, "before")
    tracker = Tracker(page.address, other, MANIFEST)
    assert tracker.log(MANIFEST.runs) == 1
    (run,) = [run for run in client.search_runs([tracker.experiment]) if run.info.run_name == "m 0-1"]
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    written = (Store(other).folder("k1") / "result.json").read_bytes()
    assert page.fetch(f"/get-artifact?run_uuid={run.info.run_id}&path=result.json") == (200, written)
    assert not other.artifacts.exists()
