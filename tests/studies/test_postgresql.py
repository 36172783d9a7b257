"""Studies on a PostgreSQL server, a real one; skipped where none is installed."""

import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage

from afnetm.errors import UserError
from studies.storage import NoStudiesError, open_storage, storage_errors, view_storage
from tests.postgresql import Server, running

pytestmark = pytest.mark.services

NOWHERE = Path("no.journal")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as one:
        yield one


@pytest.fixture
def url(server: Server) -> str:
    return server.new_url()


def add(storage: BaseStorage) -> None:
    study = optuna.create_study(storage=storage, study_name="s", direction="maximize", load_if_exists=True)
    study.tell(study.ask({"dropout": FloatDistribution(0, 0.5)}), 0.5)


def count(storage: BaseStorage) -> int:
    return len(optuna.load_study(storage=storage, study_name="s").trials)


def test_a_server_keeps_studies_and_may_be_started_anew_meanwhile(url: str, server: Server) -> None:
    with pytest.raises(NoStudiesError, match="has no studies yet"):
        view_storage(NOWHERE, url)
    storage = open_storage(NOWHERE, url)
    add(storage)
    server.stop()
    started = time.monotonic()
    with pytest.raises(UserError) as caught, storage_errors(url):
        add(storage)
    with pytest.raises(UserError, match="Connection refused"):
        open_storage(NOWHERE, url)
    assert time.monotonic() - started < 5
    assert "Connection refused" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    server.start()
    with storage_errors(url):
        add(storage)
    assert count(storage) == count(open_storage(NOWHERE, url)) == count(view_storage(NOWHERE, url)) == 2


def test_what_a_server_refuses_is_one_line(url: str, server: Server) -> None:
    for bad, expected in (
        (server.url("nothing"), 'database "nothing" does not exist'),
        (server.url("postgres", password="wr0ngpass"), "password authentication failed"),
    ):
        with pytest.raises(UserError, match=expected) as caught:
            open_storage(NOWHERE, bad)
        assert "\n" not in str(caught.value)
        assert "pass%" not in str(caught.value)
        assert "wr0ngpass" not in str(caught.value)


def test_a_database_of_another_program_is_refused(url: str, server: Server) -> None:
    database = url.rpartition("/")[2]
    with server.connect(database) as connection:
        connection.execute("create table experiments (name text)")
    with pytest.raises(UserError, match=r"tables of another program \(experiments\)"):
        open_storage(NOWHERE, url)
    with server.connect(database) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (1,)
