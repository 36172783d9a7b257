"""Copying in the background: MLflow is written from a thread of its own, so that nobody waits for it.

Where it is away, all copies wait together: one is tried again now and then, and at the end, and what is then left over
is a later run's to catch up.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Condition, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from rich.console import Console
from rich.markup import escape

from benchmarks.execution.troubles import trouble
from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest
from benchmarks.terminal.console import errors

if TYPE_CHECKING:
    from benchmarks.execution.tracking import Tracker  # mlflow, which takes seconds to import

#: What is given a line to tell.
Report = Callable[[str], object]
#: Seconds from one attempt to the next where MLflow is away.
AGAIN = 60.0
#: Seconds that one copy may take when everything else is done, and when the user wants to leave.
PATIENCE, HURRY = 60.0, 3.0
#: Seconds within which what was away is still taken to be away.
FRESH = 10.0


class Closes(Protocol):
    """A copier: something that can be closed."""

    def close(self) -> None:
        """Finishes the copies."""


Copier = TypeVar("Copier", bound=Closes)


class Copying(Generic[Copier]):
    """Hands work to a copier in another thread, one after the other; leaving the context waits, but not for long.

    What goes wrong there stops nothing here: a server may be away. Work that failed is tried once more with another
    copier, so a second time must do no harm: where none can be made the place is away, else that piece of work is at
    fault and is left out. Left by an exception, the context leaves undone what is not begun.

    Args:
        make: makes the copier once there is something to do, in that thread too: mlflow takes seconds to import. It
            asks the place, and so raises where that is away.
        trouble: says of an error what is the matter with the place; None where it is none of the place's.
        tell: is given a line at once when the place goes away.
        waiting: is held while the rest is waited for.
        again: seconds between two attempts where it is away.

    Attributes:
        lacks: why something was not copied, in one line, once the context is left; None where all of it was.
    """

    def __init__(
        self,
        make: Callable[[], Copier],
        *,
        trouble: Callable[[BaseException], str | None] = lambda error: None,
        tell: Callable[[str], object] = lambda line: None,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
        again: float = AGAIN,
    ) -> None:
        self.lacks: str | None = None
        self._make, self._trouble, self._tell, self._waiting, self._again = make, trouble, tell, waiting, again
        self._copier: Copier | None = None
        self._jobs: deque[Callable[[Copier], object]] = deque()
        self._changed = Condition()
        self._leaving = self._hurrying = False
        self._away: str | None = None
        self._moved = self._tried = time.monotonic()
        self._thread: Thread | None = None

    def do(self, work: Callable[[Copier], object]) -> None:
        """Has `work` done with the copier, when its turn comes."""
        with self._changed:
            self._jobs.append(work)
            self._changed.notify()
        if self._thread is None:
            # Nobody may have to wait for a call that hangs: the process ends without it.
            self._thread = Thread(target=self._work, name="copying", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        if kind is None:
            self.do(lambda copier: copier.close())
        with self._changed:
            self._leaving, self._hurrying = True, kind is not None
            self._moved = time.monotonic()
            self._changed.notify()
        with nullcontext() if self._hurrying else self._waiting():
            while self._thread.is_alive() and time.monotonic() < self._moved + (HURRY if self._hurrying else PATIENCE):
                self._thread.join(0.1)
        with self._changed:
            if self._thread.is_alive():
                self._away = self._away or "the last copy was not finished in time"
            if self._away is not None:
                self.lacks = self._away
            elif self._jobs:
                self.lacks = self.lacks or "it was stopped"

    def _work(self) -> None:
        again = None  # what has failed once
        while (job := self._next()) is not None:
            try:
                self._copier = self._copier or self._make()
            except Exception as error:
                self._gone(self._trouble(error) or _line(error))
                continue
            try:
                job(self._copier)
            except Exception as error:
                message = self._trouble(error)
                if message is not None and job is not again:
                    self._copier, again = None, job
                    continue
                with self._changed:
                    self.lacks = self.lacks or message or _line(error)
            with self._changed:
                self._jobs.popleft()
                self._away, self._moved = None, time.monotonic()

    def _next(self) -> Callable[[Copier], object] | None:
        """The first of what is to be done, which stays there until it is; None where there will be nothing more."""
        with self._changed:
            while not self._jobs and not self._leaving:
                self._changed.wait()
            if self._away is not None:
                self._changed.wait_for(lambda: self._leaving, self._again)
                if self._leaving and time.monotonic() < self._tried + FRESH:
                    return None
            return None if self._hurrying or not self._jobs else self._jobs[0]

    def _gone(self, message: str) -> None:
        with self._changed:
            self._moved = self._tried = time.monotonic()
            first, self._away = self._away is None, message
        if first and not self._leaving:
            self._tell(message)


def copies(make: Callable[[Report], Copier], uri: str, console: Console) -> Copying[Copier]:
    """Copying to MLflow at `uri` with the copier that `make` makes; it is given what tells a line.

    That MLflow is away is heard at once, and the work goes on.
    """

    def tell(line: str) -> None:
        errors.say(f"[yellow]MLflow:[/] {escape(line)}")

    return Copying(
        partial(make, tell),
        trouble=partial(trouble, uri=uri),
        tell=lambda line: tell(f"{line}. Nothing is lost: training continues, and copying is retried later."),
        waiting=lambda: console.status("copying to MLflow"),
    )


def run_copies(
    uri: str, home: Home, manifest: Manifest, console: Console, *, with_faces: bool = False, artifacts: str = "auto"
) -> Copying["Tracker"]:
    """Copying of a suite's runs and its report to MLflow at `uri` (`benchmarks.execution.tracking.Tracker`)."""

    def make(tell: Report) -> "Tracker":
        from benchmarks.execution.tracking import Tracker

        return Tracker(uri, home, manifest, with_faces=with_faces, artifacts=artifacts, tell=tell)

    return copies(make, uri, console)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0]
