"""The journal: studies in one file, a line an operation. What a killed process left of its last line is cut off."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from afnetm.errors import UserError

#: Seconds after which Optuna takes a lock for a killed process's.
_GRACE = 5
#: The same where its only writer opens a journal: a line is written in milliseconds.
_HELD = 1.0
#: How a line starts, as Optuna writes it.
_START = b'{"op_code":'


def open_journal(path: Path) -> BaseStorage:
    """The studies in the file `path`, which is made if there is none; for the one process that writes to it.

    Optuna passes over a last line that has no end, but would write on in it. It is cut off here, under Optuna's lock.

    Raises:
        UserError: it is no journal, or damaged (names the line), or cannot be read or written; it is left as it is.
    """
    journal = _Journal(path)
    torn = journal.check()
    storage = journal.replay()
    try:
        _unlock(Path(f"{path}.lock"))
        journal.lock.acquire()
        try:
            if torn:
                with path.open("r+b") as file:
                    file.truncate(file.read().rfind(b"\n") + 1)
        finally:
            journal.lock.release()
    except OSError as error:
        raise UserError(f"journal '{path}' cannot be written to: {error.strerror}") from None
    return storage


def view_journal(path: Path) -> BaseStorage | None:
    """The studies in the file `path`, to be looked at while another process may be writing to it; None without a file.

    Raises:
        UserError: it is no journal, or damaged; names the line.
    """
    if not path.exists():
        return None
    journal = _Journal(path, writes=False)
    journal.check()
    return journal.replay()


class _Journal:
    """Optuna's file of operations; knows the line (from 1) that is being read or applied.

    Raises:
        UserError: `path` is no file, or cannot be made.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path, self._writes = path, writes
        if path.exists() and not path.is_file():
            raise UserError(f"journal '{path}' is not a file")
        whole = str(path.absolute())
        self.lock = JournalFileOpenLock(whole, grace_period=_GRACE)
        try:
            self._file = JournalFileBackend(whole, lock_obj=self.lock)
        except OSError as error:
            raise UserError(f"journal '{path}' cannot be made: {error.strerror}") from None
        self.line = 0

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Optuna's: the operations from that one on, counted from 0."""
        self.line = log_number_from + 1
        for log in self._file.read_logs(log_number_from):
            yield log  # Optuna applies it before it asks for the next
            self.line += 1

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Optuna's: writes operations, a line each."""
        if not self._writes:
            raise UserError(f"journal '{self.path}' was opened to be looked at, not to be written to")
        try:
            self._file.append_logs(logs)
        except OSError as error:
            raise UserError(f"journal '{self.path}' cannot be written to: {error.strerror}") from None

    def check(self) -> bool:
        """Whether the last line was cut off.

        Optuna would pass over a damaged last line, and trip over it only once another follows.

        Raises:
            UserError: a line is no operation; names it.
        """
        try:
            with self.path.open("rb") as file:
                for self.line, line in enumerate(file, 1):
                    if not line.endswith(b"\n"):
                        if not _START.startswith(line[: len(_START)]):
                            raise self._damaged("no operation of Optuna's")
                        return True
                    if not _is_operation(line):
                        raise self._damaged("no operation of Optuna's")
        except OSError as error:
            raise UserError(f"journal '{self.path}' cannot be read: {error.strerror}") from None
        return False

    def replay(self) -> BaseStorage:
        """The studies as all operations leave them."""
        try:
            return JournalStorage(self)
        except Exception:  # whatever Optuna trips over
            raise self._damaged(f"no operation that Optuna {optuna.__version__} can apply") from None

    def _damaged(self, what: str) -> UserError:
        return UserError(
            f"journal '{self.path}', line {self.line}: {what}; restore the file, or move it away to begin anew"
        )


def _is_operation(line: bytes) -> bool:
    try:
        return "op_code" in dict(json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return False


def _unlock(lock: Path) -> None:
    """Removes a killed process's lock, for which the first write would wait as long as Optuna's patience goes."""
    try:
        found = lock.lstat().st_mtime_ns
        time.sleep(_HELD)
        if lock.lstat().st_mtime_ns == found:
            lock.unlink()
    except FileNotFoundError:
        return
