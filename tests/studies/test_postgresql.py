"""Studies on a PostgreSQL server, a real one; skipped where none is installed."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import optuna
import psycopg
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage

from afnetm.errors import UserError
from studies.storage import NoStudiesError, open_storage, storage_errors, view_storage

NOWHERE = Path("no.journal")
PASSWORD = "s3cret pass%{}@"  # with all that a URL escapes, and Optuna would take for a template


@dataclass
class Server:
    """A server of one's own on 127.0.0.1; it refuses to run as root."""

    binaries: Path
    folder: Path
    port: int
    user: str
    process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        for path in (self.folder, password):
            shutil.chown(path, self.user)
        command = [self.binaries / "initdb", "-D", self.folder / "data", "-U", "me", "-A", "scram-sha-256", "-N"]
        command += [f"--pwfile={password}", "--locale=C", "--encoding=UTF8"]
        subprocess.run(command, user=self.user, cwd=self.folder, check=True, capture_output=True)

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        command = [self.binaries / "postgres", "-D", self.folder / "data"]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, user=self.user, cwd=self.folder, stderr=log)
        for _ in range(100):
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise TimeoutError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # ends connections, too
            self.process.wait(30)
            self.process = None

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="me", password=PASSWORD, dbname=database, autocommit=True
        )

    def url(self, database: str, password: str = "s3cret%20pass%25%7B%7D%40") -> str:
        return f"postgresql+psycopg://me:{password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), os.environ["PATH"]]  # Debian hides it
    initdb = next(filter(None, (shutil.which("initdb", path=place) for place in places)), None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    one = Server(Path(initdb).parent, folder, port, user)
    try:
        one.make()
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder)


@pytest.fixture
def url(server: Server) -> str:
    """Of an empty database."""
    name = f"d{uuid.uuid4().hex}"
    with server.connect("postgres") as connection:
        connection.execute(f"create database {name}")
    return server.url(name)


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
