"""The home: the one folder under which all that is written goes."""

import hashlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from afnetm.errors import UserError
from afnetm.zipped import run_path

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
        """Records of finished runs, a folder each (`run`)."""
        return self.path / "runs"

    def run(self, key: str) -> Path:
        """Folder of the record of run `key` where it is not packed, in one of 256 folders by its first two digits."""
        return run_path(self.runs, key)

    @property
    def packed(self) -> Path:
        """Records of finished runs that were packed, an archive of many each."""
        return self.path / "packed"

    @property
    def unfinished(self) -> Path:
        """Records that are about to be written, a folder each."""
        return self.path / "unfinished"

    @property
    def claims(self) -> Path:
        """Claims of those who are at work in this home (`benchmarks.records.claims`), a file each."""
        return self.path / "claims"

    @property
    def failures(self) -> Path:
        """Reasons of failed runs, a JSON file each."""
        return self.path / "failures"

    @property
    def suites(self) -> Path:
        """Manifests of the suites that were run, a JSON file each."""
        return self.path / "suites"

    def pages(self, suite: str) -> Path:
        """File with the addresses of MLflow's pages on a suite's methods, as they were last copied: JSON, by method."""
        return self.path / "pages" / f"{suite}.json"

    @property
    def corrupted(self) -> Path:
        """Scans that were rendered again to be corrupted, a file each; made again where they are missing."""
        return self.path / "corrupted"

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
    def views(self) -> Path:
        """Pages with scans in 3D, with the faces, a file each."""
        return self.path / "views"

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
            probe = self.path / f".probe-{unique()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"home '{self.path}' cannot be written to: {error.strerror}; choose another by --home"
            ) from None
        left = shutil.disk_usage(self.path).free
        if left < free:
            raise UserError(f"home '{self.path}' has {left / 1e6:.0f} MB free; at least {free / 1e6:.0f} MB are needed")


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all: beside, then renamed into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{unique()}")
    beside.write_text(text, encoding="utf-8")  # whatever the locale says
    replace(beside, path)


def unique() -> str:
    """A part of the name of what is half-written: process numbers repeat, in containers and on other machines."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def replace(beside: Path, path: Path) -> None:
    """Renames a file or a folder into place.

    A network file system may ask twice and report the second answer: what was renamed and is gone is there.
    """
    try:
        beside.replace(path)
    except FileNotFoundError:
        if beside.exists() or not path.exists():
            raise


def without_secrets(words: str) -> str:
    """`--storage` and `--tracking-uri` may hold a password, which is not for whoever else uses the home."""
    words = re.sub(r"://(?:\S+|(?:(?! --)[^@])+)@", "://***@", words)  # it may have a space in it
    return re.sub(r"([?&][^=&\s]*(?:pass|pwd|secret|token|key)[^=&\s]*=)[^&\s]+", r"\1***", words)
