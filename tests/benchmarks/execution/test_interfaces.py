"""Optuna's dashboard as a user opens it: on this machine alone, to be looked at alone, and quiet."""

import json
import signal
import socket
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.distributions import FloatDistribution
from rich.console import Console

from afnetm.errors import UserError
from benchmarks.execution.optuna_page import optuna_ui
from benchmarks.records.home import Home
from studies.storage import open_storage
from tests.benchmarks.conftest import command


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one study of three trials."""
    one = Home(tmp_path)
    study = optuna.create_study(
        storage=open_storage(one.journal, None), study_name="quick/concat/0-2", direction="maximize"
    )
    for value in (0.5, 0.75, 0.25):
        study.tell(study.ask({"dropout": FloatDistribution(0, 0.5)}), value)
    return one


def fetch(port: int, path: str, *, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, str, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": f"{host}:{port}", "Accept-Encoding": "identity"})
    answer = connection.getresponse()
    said = answer.read().decode(), answer.headers.get("Content-Security-Policy", "")
    connection.close()
    return answer.status, *said


def test_the_dashboard_shows_studies_to_this_machine_and_changes_none(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    before = home.journal.read_bytes()
    ui = command(home.path, "ui", "--optuna", "--port", str(port))
    with subprocess.Popen(ui, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            message = process.stderr.readline()
            assert f"http://127.0.0.1:{port}/dashboard " in message

            sockets = psutil.Process(process.pid).net_connections("inet")
            assert {(one.laddr.ip, one.laddr.port) for one in sockets} == {("127.0.0.1", port)}

            status, page, policy = fetch(port, "/dashboard")
            assert status == 200
            assert "<title>Optuna Dashboard</title>" in page
            assert "connect-src 'self'" in policy
            assert fetch(port, "/static/bundle.js")[0] == 200
            (study,) = json.loads(fetch(port, "/api/studies")[1])["study_summaries"]
            assert study["study_name"] == "quick/concat/0-2"
            trials = json.loads(fetch(port, f"/api/studies/{study['study_id']}")[1])["trials"]
            assert [trial["values"] for trial in trials] == [[0.5], [0.75], [0.25]]
            assert not json.loads(fetch(port, "/api/meta")[1])["llm_is_available"]

            assert fetch(port, f"/api/studies/{study['study_id']}", method="DELETE")[0] == 403
            assert fetch(port, "/api/studies", host="elsewhere.example")[0] == 403
            with pytest.raises(
                UserError, match=f"--port: {port} cannot be used on 127.0.0.1: Address already in use; another is"
            ):
                optuna_ui(home, None, port=port, console=Console(quiet=True))
        finally:
            process.send_signal(signal.SIGINT)
        try:
            out, words = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0
    assert (out, words) == ("", "")
    assert home.journal.read_bytes() == before
    assert sorted(path.name for path in home.path.iterdir()) == ["optuna.journal"]
