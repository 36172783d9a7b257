"""A PostgreSQL server of one's own, a real one, for whoever tests with it; skipped where none is installed."""

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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

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

    def new_url(self) -> str:
        """Of an empty database."""
        name = f"d{uuid.uuid4().hex}"
        with self.connect("postgres") as connection:
            connection.execute(f"create database {name}")
        return self.url(name)


@contextmanager
def running() -> Iterator[Server]:
    """A server, for as long as the context lasts."""
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
