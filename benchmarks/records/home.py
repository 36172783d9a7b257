"""The home: the one folder under which all that is written goes, and the lock that keeps two runs apart."""

import hashlib
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from afnetm.errors import UserError

#: A run refuses to start with less than this free, bytes: records, MLflow's copy and a report fit well within.
MIN_FREE = 200_000_000
#: A folder is called after several suites if that takes no more letters.
_LETTERS = 60


@dataclass(frozen=True)
class Home:
    """Layout of the folder `path`."""

    path: Path

    @property
    def datasets(self) -> Path:
        """Prepared datasets, a folder each."""
        return self.path / "datasets"

    @property
    def runs(self) -> Path:
        """Records of finished runs, a folder each."""
        return self.path / "runs"

    @property
    def packed(self) -> Path:
        """Records of finished runs that were packed, an archive of many each."""
        return self.path / "packed"

    @property
    def failures(self) -> Path:
        """Reasons of failed runs, a JSON file each."""
        return self.path / "failures"

    @property
    def suites(self) -> Path:
        """Manifests of the suites that were run, a JSON file each."""
        return self.path / "suites"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts."""
        return self.path / "artifacts"

    @property
    def journal(self) -> Path:
        """Optuna's studies, unless they are in a database."""
        return self.path / "optuna.journal"

    def best_parameters(self, suite: str) -> Path:
        """File of the best parameters that a search of a suite chose, in TOML."""
        return self.path / "searches" / f"{suite}.toml"

    @property
    def tracking_uri(self) -> str:
        """MLflow's database in this home, as SQLAlchemy reads it: whatever is special in a URL is escaped.

        The driver is named because MLflow makes the folders of what begins with ``sqlite:///``, as it is spelt there.
        """
        return f"sqlite+pysqlite:///{quote(os.fsencode(self.path.resolve() / 'mlflow.db'))}"

    @property
    def reports(self) -> Path:
        """Reports, a folder each."""
        return self.path / "reports"

    def report(self, suite: str) -> Path:
        """The folder of a suite's report."""
        return self.reports / suite

    def joint_report(self, suites: Sequence[str]) -> Path:
        """The folder of a report over several suites: called after them where that is short and like no other's."""
        name = "+".join(suites)
        taken = any("+" in suite for suite in suites)
        if taken or len(name) > _LETTERS or (self.suites / f"{name}.json").exists():
            name = f"{len(suites)}-suites-{hashlib.sha256(chr(0).join(suites).encode()).hexdigest()[:8]}"
        return self.reports / name

    def make(self, *, free: int = MIN_FREE) -> None:
        """Makes the folder, and makes sure that it can be written to and has `free` bytes left.

        Raises:
            UserError: it cannot, or it has not.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"home '{self.path}' cannot be written to: {error.strerror}; choose another by --home"
            ) from None
        left = shutil.disk_usage(self.path).free
        if left < free:
            raise UserError(f"home '{self.path}' has {left / 1e6:.0f} MB free; at least {free / 1e6:.0f} MB are needed")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the home for this process.

        Raises:
            UserError: another process holds it; names it.
        """
        holder = self.path / "holder.json"
        try:
            with FileLock(self.path / ".lock", timeout=0):
                mine = {
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "since": datetime.now(UTC).isoformat("T", "seconds"),
                }
                write_text(holder, json.dumps(mine | {"command": without_secrets(" ".join(sys.argv[1:]))}))
                try:
                    yield
                finally:
                    holder.unlink(missing_ok=True)
        except Timeout:
            raise UserError(
                f"home '{self.path}' is in use by {_describe(holder)}; wait for it or use another --home"
            ) from None


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all: beside, then renamed into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")  # whatever the locale says
    beside.replace(path)


def without_secrets(words: str) -> str:
    """`--storage` and `--tracking-uri` may hold a password, which is not for whoever else uses the home."""
    return re.sub(r"(?<=://)\S+(?=@)|(?<=password=)[^&\s]+", "***", words)


def _describe(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text())
        return f"process {who['pid']} on {who['host']} since {who['since']} (afnetm {who['command']})"
    except (OSError, ValueError, KeyError):
        return "another process"
