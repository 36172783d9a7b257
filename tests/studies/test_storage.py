"""Where studies are kept: nothing whole is lost, nothing foreign is touched, and what is wrong is one line."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import URL

from afnetm.errors import UserError
from studies.storage import NoStudiesError, open_storage, public_storage, view_storage

NOWHERE = Path("no.journal")


def add(storage: BaseStorage, *, trials: int = 1, name: str = "quick/concat/0-0") -> None:
    """Trials of which every value is known."""
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    for _ in range(trials):
        trial = study.ask({"dropout": FloatDistribution(0, 0.5)})
        trial.report(0.25, step=0)
        trial.set_user_attr("runs", ["k"])
        study.tell(trial, 0.5)


def content(storage: BaseStorage) -> object:
    studies = storage.get_all_studies()
    return [(study.study_name, study.directions, storage.get_all_trials(study._study_id)) for study in studies]


def refusal(journal: Path, url: str | None = None) -> str:
    """The one line, which both ways to open must agree on."""
    said = []
    for way in (open_storage, view_storage):
        with pytest.raises(UserError) as caught:
            way(journal, url)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "\n" not in said[0]
    return said[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal of two trials."""
    path = tmp_path_factory.mktemp("journal") / "optuna.journal"
    add(open_storage(path, None), trials=2)
    return path.read_bytes()


@pytest.fixture
def journal(tmp_path: Path, whole: bytes) -> Path:
    path = tmp_path / "optuna.journal"
    path.write_bytes(whole)
    return path


@settings(max_examples=60)
@given(data=st.data())
def test_a_journal_cut_off_anywhere_keeps_its_whole_lines_and_goes_on(
    data: st.DataObject, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cut = data.draw(st.integers(0, len(whole)))
    folder = tmp_path_factory.mktemp("cut")
    mine, oracle = folder / "optuna.journal", folder / "oracle.journal"
    mine.write_bytes(whole[:cut])
    oracle.write_bytes(whole[: whole.rfind(b"\n", 0, cut) + 1])
    storage = open_storage(mine, None)
    assert mine.read_bytes() == oracle.read_bytes()
    assert content(storage) == content(JournalStorage(JournalFileBackend(str(oracle))))
    add(storage)
    assert content(JournalStorage(JournalFileBackend(str(mine)))) == content(storage)
    assert {path.name for path in folder.iterdir()} == {mine.name, oracle.name}


@pytest.mark.parametrize(
    ("damage", "after"),
    [
        (b"garbage\n", 2),
        (b'{"op_code":4,"worker_\n', 2),  # what a torn line becomes that was written on in
        (b"\xff\xfe\x00\n", 2),
        (b'{"op_code":99,"worker_id":"w"}\n', 0),
        (b'{"op_code":5,"worker_id":"w"}\n', 2),
    ],
)
def test_a_damaged_journal_is_refused_and_left_as_it_is(
    damage: bytes, after: int, whole: bytes, tmp_path: Path
) -> None:
    lines = whole.splitlines(keepends=True)
    bad = tmp_path / "optuna.journal"
    bad.write_bytes(b"".join(lines[:3]) + damage + b"".join(lines[3 : 3 + after]))
    found = bad.read_bytes()
    said = refusal(bad)
    assert said.startswith(f"journal '{bad}' is damaged, or another Optuna's (")
    assert "move it away" in said
    assert bad.read_bytes() == found
    assert list(tmp_path.iterdir()) == [bad]


def test_a_killed_process_lock_costs_seconds(journal: Path) -> None:
    Path(f"{journal}.lock").touch()
    started = time.monotonic()
    add(open_storage(journal, None))
    assert time.monotonic() - started < 6


def test_looking_makes_mends_and_changes_nothing(journal: Path, whole: bytes) -> None:
    seen = content(open_storage(journal, None))
    journal.write_bytes(whole + b'{"op_co')  # as a search may be writing it
    Path(f"{journal}.lock").touch()
    assert content(view_storage(journal, None)) == seen
    assert journal.read_bytes() == whole + b'{"op_co'


def test_a_home_without_studies_is_told_and_stays_without(tmp_path: Path) -> None:
    journal = tmp_path / "optuna.journal"
    with pytest.raises(NoStudiesError, match="has no studies yet"):
        view_storage(journal, None)
    assert not journal.exists()
    open_storage(journal, None)  # a search that has just begun
    with pytest.raises(NoStudiesError, match="has no studies yet"):
        view_storage(journal, None)


def test_what_is_written_meanwhile_is_seen(journal: Path) -> None:
    writer, viewer = open_storage(journal, None), view_storage(journal, None)
    add(writer)
    assert content(viewer) == content(writer)


def test_sqlite_keeps_studies(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    with pytest.raises(NoStudiesError, match="has no studies yet"):
        view_storage(NOWHERE, url)
    assert not list(tmp_path.iterdir())
    storage = open_storage(NOWHERE, url)
    with pytest.raises(NoStudiesError, match="has no studies yet"):
        view_storage(NOWHERE, url)
    add(storage, trials=2)
    assert content(open_storage(NOWHERE, url)) == content(storage) == content(view_storage(NOWHERE, url))
    assert not NOWHERE.exists()


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("create table experiments (name text)")
    connection.close()
    found = path.read_bytes()
    said = refusal(NOWHERE, f"sqlite:///{path}")
    assert "tables of another program (alembic_version)" in said
    assert path.read_bytes() == found


@pytest.mark.parametrize(("version", "expected"), [("v0.9.0.a", "optuna storage upgrade"), ("v99", "updating optuna")])
def test_tables_of_another_optuna_are_refused(version: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "studies.db"
    add(open_storage(NOWHERE, f"sqlite:///{path}"))
    with sqlite3.connect(path) as connection:
        connection.execute("update alembic_version set version_num = ?", (version,))
    connection.close()
    said = refusal(NOWHERE, f"sqlite:///{path}")
    assert expected in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("studies.db", "is not a database's URL"),
        ("postgresql://me:s3cretpass@127.0.0.1:port/d", "is not a database's URL"),
        ("redis://me:s3cretpass@127.0.0.1", "no dialect 'redis'"),
        ("postgres://me:s3cretpass@127.0.0.1/d", "no dialect 'postgres'"),
        ("mysql+mysqldb://me:s3cretpass@127.0.0.1/d", "Python package 'MySQLdb' is not installed"),
        ("sqlite://", "in memory and lost at the end"),
        ("sqlite:///:memory:", "in memory and lost at the end"),
        ("sqlite:////dev/null/studies.db", "unable to open"),
        ("postgresql://me:s3cretpass@127.0.0.1:1/d", "onnection refused"),
        ("postgresql://127.0.0.1:1/d?user=me&password=s3cretpass", "onnection refused"),
        ("postgresql://me:s3cretpass@127.0.0.1:1/d?connect_timeout=soon", "bad value for connect_timeout"),
    ],
)
def test_a_database_that_cannot_be_had_is_one_line_without_a_password(url: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        open_storage(NOWHERE, url)
    said = str(caught.value)
    assert said.startswith("storage '")
    assert expected in said
    assert "\n" not in said
    assert "s3cretpass" not in said
    assert "s3cretpass" not in public_storage(NOWHERE, url)


@settings(max_examples=40)
@given(password=st.text(min_size=6).filter(lambda text: text.strip() == text))
def test_no_password_is_ever_said(password: str) -> None:
    url = URL.create("postgresql", "me", password, "127.0.0.1", 1, "d").render_as_string(hide_password=False)
    with pytest.raises(UserError) as caught:
        open_storage(NOWHERE, url)
    clean = str(caught.value).replace("127.0.0.1", "").replace("connection", "")
    assert password not in clean
    assert url not in clean


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_does_not_answer_is_left_in_seconds(silent: int) -> None:
    started = time.monotonic()
    with pytest.raises(UserError, match="cannot be used: .*timeout"):
        open_storage(NOWHERE, f"postgresql://me@127.0.0.1:{silent}/d?connect_timeout=2")
    assert time.monotonic() - started < 8


def test_optuna_takes_a_database_as_its_own_kind(tmp_path: Path) -> None:
    assert isinstance(open_storage(NOWHERE, f"sqlite:///{tmp_path / '{odd}.db'}"), RDBStorage)
    assert (tmp_path / "{odd}.db").is_file()
