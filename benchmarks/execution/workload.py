"""A workload: runs to be done, each by one driver, and how each ended, whoever did it."""

import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from benchmarks.plans.runs import PlannedRun
from benchmarks.records.claims import Claims
from benchmarks.records.store import Store
from benchmarks.terminal.console import console
from benchmarks.terminal.words import counted

#: Seconds from one look at what other drivers have done to the next, while there is something to do and while there is
#: not: these at first, then twice as many each time, up to those.
LOOK, IDLE = 30.0, (0.25, 15.0)
_CLAIM = "run."


@dataclass(frozen=True)
class Outcome:
    """Outcome of a run: finished in `seconds`, or failed for `reason` (one line; the traceback is in the store).

    `elsewhere` says that another driver did it meanwhile, and `seconds` nothing.
    """

    planned: PlannedRun
    seconds: float = 0.0
    reason: str | None = None
    elsewhere: bool = False


class Workload(Protocol):
    """Runs to be trained: those of a comparison, or the trials of a search."""

    @property
    def waits(self) -> bool:
        """Whether there may be a next run though there is none now and none of its own is under way."""

    def pull(self) -> PlannedRun | None:
        """The next run, or None where there is none now; asked again after each outcome, and now and then."""

    def take(self, outcome: Outcome) -> None:
        """Takes how a run ended that was pulled; each ends once."""


class Shared:
    """A workload of which other drivers of the home may do a part: what this one does it has claimed.

    What another one has claimed is waited for, and done here where that one dies. A run that failed there while this
    driver was at work has failed here, too.

    Args:
        workload: all of it.
        claims: this driver's.
        store: where records are.
    """

    def __init__(self, workload: Workload, claims: Claims, store: Store) -> None:
        self._workload, self._claims, self._store = workload, claims, store
        self._done: set[str] = set()
        self._failed = {key: store.failure_time(key) for key in store.failed()}
        self._elsewhere: dict[str, PlannedRun] = {}
        self._free: deque[PlannedRun] = deque()  # was another's, who is done with it or dead
        self._looked = time.monotonic()
        self._pause = IDLE[0]
        self._said = False

    @property
    def again(self) -> float | None:
        """Seconds after which to ask for more though nothing has ended; None where nobody else is waited for."""
        if not self._elsewhere and not self._workload.waits:
            return None
        return self._pause

    def pull(self) -> PlannedRun | None:
        """The next run that is this driver's to do; None where there is none now."""
        if time.monotonic() > self._looked + LOOK:
            self._look()
        while (planned := self._next()) is not None:
            if planned.rehearsal or self._claimed(planned):
                self._pause = IDLE[0]
                return planned
        if not self._said and self.again is not None:
            what = counted(len(self._elsewhere), "run") if self._elsewhere else "studies"
            console.event(f"waiting for {what} of other drivers")
            self._said = True
        self._pause = min(2 * self._pause, IDLE[1])
        return None

    def take(self, outcome: Outcome) -> None:
        """Takes how a run ended that was pulled."""
        self._workload.take(outcome)
        if not outcome.planned.rehearsal:
            self._claims.release(_CLAIM + outcome.planned.run.key)

    def taken(self) -> Collection[str]:
        """Keys of the runs that other drivers are at work on."""
        return {name.removeprefix(_CLAIM) for name in self._claims.taken(_CLAIM)}

    def _next(self) -> PlannedRun | None:
        planned = self._workload.pull() if not self._free else self._free.popleft()
        if planned is None and self._elsewhere and time.monotonic() >= self._looked + self._pause:
            self._look()  # which may have given the workload something to ask for next
            planned = self._workload.pull() if not self._free else self._free.popleft()
        return planned

    def _claimed(self, planned: PlannedRun) -> bool:
        """Whether a run is to be done here; else another does it, or has."""
        key = planned.run.key
        if key in self._done:
            self._ended(planned)
            return False
        if not self._claims.take(_CLAIM + key):
            self._elsewhere[key] = planned
            return False
        # Only now: it may have been done since we looked, and no sooner nobody else does it.
        failed = self._store.failure_time(key)
        if self._store.has(key):
            self._ended(planned)
        elif failed is not None and failed != self._failed.get(key):
            self._ended(planned, self._store.reason(key))
        else:
            return True
        self._claims.release(_CLAIM + key)
        return False

    def _look(self) -> None:
        """Looks at what others have done, and at what they do."""
        self._done, taken = self._store.done(), self.taken()
        for key, planned in list(self._elsewhere.items()):
            if key in self._done:
                del self._elsewhere[key]
                self._ended(planned)
            elif key not in taken:
                self._free.append(self._elsewhere.pop(key))
        self._looked = time.monotonic()

    def _ended(self, planned: PlannedRun, reason: str | None = None) -> None:
        self._workload.take(Outcome(planned, reason=reason, elsewhere=True))
