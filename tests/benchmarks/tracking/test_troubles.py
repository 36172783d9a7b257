"""What is the matter with MLflow, and what mends it, is one line: of real files, real servers and real errors."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from afnetm.errors import UserError
from benchmarks.execution.copying import Copying
from benchmarks.execution.tracking import Tracker
from benchmarks.execution.troubles import check_tracking_uri, trouble
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.tracking.conftest import MANIFEST
from tests.benchmarks.tracking.test_runs import record


def lacks(home: Home, uri: str | None = None) -> str | None:
    """Why the records of a home are not copied."""
    uri = uri or home.tracking_uri
    make = partial(Tracker, uri, home, MANIFEST)
    with Copying(make, trouble=partial(trouble, uri=uri), pauses=(0.01, 0.01)) as copying:
        copying.do(lambda tracker: tracker.log(MANIFEST.runs))
    return copying.lacks


def _garbage(database: Path) -> None:
    database.write_bytes(b"no database" * 1000)


def _torn(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[4096 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4096)
    database.write_bytes(content)


def _folder(database: Path) -> None:
    database.unlink()
    database.mkdir()


def _of_another_release(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("update alembic_version set version_num = 'f00'")
    connection.close()


def _without_a_table(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("drop table latest_metrics")
    connection.close()


@pytest.mark.filterwarnings("ignore")  # what a driver says of a connection that it could not close
@pytest.mark.parametrize(
    ("spoil", "what", "mends"),
    [
        (
            _garbage,
            "is damaged (file is not a database)",
            "move it away, and a new one is made from the stored results",
        ),
        (_torn, "is damaged (database disk image is malformed)", "move it away"),
        (_folder, "cannot be opened (unable to open database file)", "see that its folder is there"),
        (_of_another_release, "was made by another release of MLflow", "`mlflow db upgrade`"),
        (_without_a_table, "is incomplete (no such table: latest_metrics)", "move it away"),
    ],
)
def test_a_database_that_is_spoilt_is_told_and_made_anew_once_it_is_moved_away(
    spoil: Callable[[Path], None], what: str, mends: str, home: Home, empty_mlflow: Path
) -> None:
    Store(home).write("k0", record(0.5))
    database = home.path / "mlflow.db"
    spoil(database)
    started = time.monotonic()
    message = lacks(home)
    assert time.monotonic() - started < 5
    assert message is not None
    assert str(database) in message
    assert what in message
    assert mends in message
    assert "\n" not in message
    database.rename(home.path / "away")
    shutil.copy(empty_mlflow, database)  # as MLflow makes one, but quicker
    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()  # as another process has none open
    assert lacks(home) is None
    (experiment,) = MlflowClient(home.tracking_uri).search_experiments(filter_string="name = 's'")
    assert len(MlflowClient(home.tracking_uri).search_runs([experiment.experiment_id])) == 2


class _Answers(BaseHTTPRequestHandler):
    """Answers with the code that its address begins with."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{one.server_address[1]}"
        one.shutdown()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, "requires authentication; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, "denies access; ask its administrator"),
        (404, "does not answer as one, or is under another path; correct the address"),
        (500, "cannot be reached (too many 500 error responses)"),
    ],
)
def test_a_server_that_refuses_is_told_with_what_helps_and_no_password(
    code: int, expected: str, home: Home, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    message = lacks(home, f"http://jane:hush@{server}/{code}")
    assert message is not None
    assert expected in message
    assert f"http://jane:***@{server}/{code}" in message
    assert "hush" not in message


def test_a_database_that_is_away_is_given_up_in_seconds(home: Home) -> None:
    started = time.monotonic()
    message = lacks(home, "postgresql+psycopg://me:hush@127.0.0.1:9/mlflow")
    assert time.monotonic() - started < 6  # MLflow asks for 100 seconds
    assert message is not None
    assert "Connection refused" in message
    assert "hush" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("./mlruns", "is a folder, which MLflow no longer supports; allowed: http://HOST:PORT"),
        ("file:///srv/mlruns", "`mlflow migrate-filestore` converts an old one to a database"),
        (
            "ftp://jane:hush@host/x",
            "'ftp://jane:***@host/x' has a scheme that MLflow does not support; allowed: http://",
        ),
        ("mysql://jane:hush@host/x", "'mysql://jane:***@host/x' cannot be used: the Python package 'MySQLdb'"),
        ("sqlite://", "in memory and lost at the end"),
    ],
)
def test_what_cannot_be_mlflow_is_refused_before_anything_is_done(
    uri: str, expected: str, tmp_path: Path, here: Afnetm, suite: Path
) -> None:
    for words in (("run", str(suite)), ("search", str(suite)), ("ui",)):
        done = here(tmp_path / "home", *words, code=2, AFNETM_TRACKING_URI=uri)
        assert expected in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("uri", ["http://h:1", "https://h", "sqlite:////f/m.db", "postgresql+psycopg://u:p@h/d"])
def test_what_may_be_mlflow_is_asked_for_nothing(uri: str) -> None:
    check_tracking_uri(uri)


def test_an_error_of_our_own_is_nobody_elses() -> None:
    assert trouble(ValueError("x"), "http://h") is None
    assert trouble(KeyError("x"), "http://h") is None
    with pytest.raises(UserError):
        check_tracking_uri("nonsense")


def test_a_folder_that_may_not_be_written_to_is_told(home: Home) -> None:
    Store(home).write("k0", record(0.5))
    home.artifacts.write_text("in the way")
    assert "artifacts cannot be written: Not a directory" in (lacks(home) or "")
    assert home.artifacts.read_text() == "in the way"
