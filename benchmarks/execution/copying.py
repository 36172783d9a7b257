"""Copying in the background: MLflow is written from a thread of its own, so that nobody waits for it.

Where it is away, all copies wait together, and one is tried again after pauses that grow; once it answers, all of them
are made. What is left over at the end is copied by `afnetm track`, or by a later run.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
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
from benchmarks.terminal.words import counted

if TYPE_CHECKING:
    from benchmarks.execution.tracking import Tracker  # mlflow, which takes seconds to import

#: What is given a line to tell.
Report = Callable[[str], object]
#: Seconds before another attempt: after the first failure in a row, twice as long after each further one, and at most.
PAUSES = (1.0, 60.0)
#: Failures in a row after which MLflow is taken to be away, and attempts of one copy before it is left out.
ENOUGH = 3
#: Seconds that are waited when everything else is done: for all copies, for one, for an MLflow that is away, and when
#: the user wants to leave.
LIMIT, PATIENCE, AWAY, HURRY = 600.0, 60.0, 10.0, 3.0


class Closes(Protocol):
    """A copier: something that can be closed."""

    def close(self) -> None:
        """Finishes the copies."""


Copier = TypeVar("Copier", bound=Closes)


@dataclass(eq=False)
class _Job(Generic[Copier]):
    """A piece of work, and how often it was tried in vain although there was a copier."""

    work: Callable[[Copier], object]
    counts: bool = True
    tries: int = 0


class Copying(Generic[Copier]):
    """Hands work to a copier in another thread, one after the other; leaving the context waits, but not for long.

    What goes wrong there stops nothing here: a server may be away. After a failure there is a pause, which grows from
    failure to failure, and another copier is made; a piece of work that failed with the last one goes to the end of
    the queue, and is left out after `ENOUGH` attempts. It may so be done twice, which must do no harm. An error that
    is none of the place's is the work's own, and it is left out at once. Left by an exception, the context leaves
    undone what is not begun.

    Args:
        make: makes the copier once there is something to do, in that thread too: mlflow takes seconds to import. It
            asks the place, and so raises where that is away.
        trouble: says of an error what is the matter with the place; None where it is none of the place's.
        tell: is given a line when the place is taken to be away (`ENOUGH` failures in a row), and when it is back.
        waiting: is held while the rest is waited for.
        pauses: seconds between attempts, the first and the longest.
        limit: seconds that all of the rest is waited for.
        what: is copied by a piece of work.

    Attributes:
        lacks: why something was not copied, in one line, once the context is left; None where all of it was.
        left: how many pieces of work were not done.
    """

    def __init__(
        self,
        make: Callable[[], Copier],
        *,
        trouble: Callable[[BaseException], str | None] = lambda error: None,
        tell: Callable[[str], object] = lambda line: None,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
        pauses: tuple[float, float] = PAUSES,
        limit: float = LIMIT,
        what: str = "run",
    ) -> None:
        self.lacks: str | None = None
        self.left = 0
        self._make, self._trouble, self._tell, self._waiting = make, trouble, tell, waiting
        self._pauses, self._limit, self._what = pauses, limit, what
        self._copier: Copier | None = None
        self._jobs: deque[_Job[Copier]] = deque()
        self._close: _Job[Copier] | None = None  # what is done last
        self._changed = Condition()
        self._leaving = self._hurrying = self._last = False
        self._failures, self._why = 0, ""
        self._moved = self._failing = time.monotonic()
        self._thread: Thread | None = None

    def do(self, work: Callable[[Copier], object], *, counts: bool = True) -> None:
        """Has `work` done with the copier, when its turn comes; whether it `counts` among what is left."""
        with self._changed:
            self._jobs.append(_Job(work, counts))
            self._changed.notify()
        if self._thread is None:
            # Nobody may have to wait for a call that hangs: the process ends without it.
            self._thread = Thread(target=self._work, name="copying", daemon=True)
            self._thread.start()

    def begin(self) -> None:
        """Makes the copier before there is anything to copy, which takes seconds, and tells whether it can be made."""
        self.do(lambda copier: None, counts=False)

    @property
    def incomplete(self) -> str | None:
        """`lacks`, and how much that is."""
        if self.lacks is None or not self.left:
            return self.lacks
        return f"{self.lacks}; not copied: up to {counted(self.left, self._what)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        left = time.monotonic()
        with self._changed:
            if kind is None:
                self._close = _Job(lambda copier: copier.close(), counts=False)
            self._leaving, self._hurrying, self._moved = True, kind is not None, left
            self._changed.notify()
        with nullcontext() if self._hurrying else self._waiting():
            while self._thread.is_alive() and time.monotonic() < self._until(left):
                self._thread.join(0.1)
        with self._changed:
            undone = [*self._jobs, *filter(None, [self._close])]
            self.left += sum(job.counts for job in undone)
            if undone or self._thread.is_alive():
                self.lacks = self._why or self.lacks or ("it was stopped" if self._hurrying else "it takes too long")
            self._hurrying = True  # whatever still hangs is the last

    def _until(self, left: float) -> float:
        """End of the wait of one who began to wait at `left`."""
        if self._hurrying:
            return left + HURRY
        if self._failures:
            return max(left, self._failing) + AWAY
        one = PATIENCE if self._limit <= LIMIT else LIMIT  # whose server reads what it has of a very large suite
        return min(self._moved + one, left + self._limit)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._copier = self._copier or self._make()
            except Exception as error:
                self._fail(self._trouble(error) or _line(error))
                continue
            try:
                job.work(self._copier)
            except Exception as error:
                message = self._trouble(error)
                self._copier = None if message is not None else self._copier
                job.tries += 1
                with self._changed:
                    if message is None or job.tries >= ENOUGH:
                        self.lacks = self.lacks or message or _line(error)
                        self.left += job.counts
                        self._drop(job)
                    elif job is not self._close:
                        self._jobs.rotate(-1)
                if message is not None:
                    self._fail(message)
                continue
            self._succeed(job)

    def _next(self) -> _Job[Copier] | None:
        """The first of what is to be done, which stays there until it is; None where there will be nothing more."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._leaving)
            away = self._failures >= ENOUGH
            if self._failures and not (away and self._last):  # one more attempt, at once, is made of who leaves
                first, longest = self._pauses
                pause = min(first * 2 ** (self._failures - 1), longest)
                self._changed.wait_for(lambda: self._hurrying or (away and self._leaving), pause)
            if self._hurrying or (away and self._last):
                return None
            self._last = self._leaving
            return self._jobs[0] if self._jobs else self._close

    def _drop(self, job: _Job[Copier]) -> None:
        if job is self._close:
            self._close = None
        else:
            self._jobs.popleft()

    def _succeed(self, job: _Job[Copier]) -> None:
        with self._changed:
            self._drop(job)
            back, self._failures, self._why = self._failures >= ENOUGH, 0, ""
            self._moved = time.monotonic()
        if back and not self._leaving:
            self._tell("it answers again, and copying goes on")

    def _fail(self, message: str) -> None:
        with self._changed:
            self._failing = self._failing if self._failures else time.monotonic()
            self._failures, self._why = self._failures + 1, message
        if self._failures == ENOUGH and not self._leaving:
            self._tell(f"{message}. Nothing is lost: work goes on, and copying is tried again")


def copies(
    make: Callable[[Report], Copier], uri: str, console: Console, *, what: str = "run", bar: bool = False
) -> Copying[Copier]:
    """Copying to MLflow at `uri` with the copier that `make` makes; it is given what tells a line.

    That MLflow is away is heard, and the work goes on. Under a `bar` all of it is waited for.
    """

    def tell(line: str) -> None:
        errors.say(f"[yellow]MLflow:[/] {escape(line)}")

    return Copying(
        partial(make, tell),
        trouble=partial(trouble, uri=uri),
        tell=tell,
        waiting=nullcontext if bar else lambda: console.status("copying to MLflow"),
        limit=math.inf if bar else LIMIT,
        what=what,
    )


def run_copies(
    uri: str,
    home: Home,
    manifest: Manifest,
    console: Console,
    *,
    with_faces: bool = False,
    artifacts: str = "auto",
    bar: bool = False,
) -> Copying["Tracker"]:
    """Copying of a suite's runs and its report to MLflow at `uri` (`benchmarks.execution.tracking.Tracker`)."""

    def make(tell: Report) -> "Tracker":
        from benchmarks.execution.tracking import Tracker

        return Tracker(uri, home, manifest, with_faces=with_faces, artifacts=artifacts, tell=tell)

    return copies(make, uri, console, bar=bar)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0]
