"""Copying to MLflow by one of the drivers of a suite: the one that has claimed it, until it ends or dies."""

import time
from collections import deque
from collections.abc import Callable
from typing import Generic

from benchmarks.execution.copying import Copier, Copying
from benchmarks.records.claims import Claims, digest

#: Seconds from one look whether another driver still copies to the next.
_LOOK = 15.0


class OneCopier(Generic[Copier]):
    """Has work done by a copier if this driver is the one that copies; else keeps it in case it will be.

    The driver that copies learns of what the others have done, as each driver does, and copies all of it.

    Args:
        copying: hands the work over.
        claims: this driver's.
        suite: whose results are copied.
    """

    def __init__(self, copying: Copying[Copier], claims: Claims, suite: str) -> None:
        self._copying, self._claims = copying, claims
        self._claim = copier_claim(suite)
        self._kept: deque[Callable[[Copier], object]] = deque()
        self._copies = False
        self._next = 0.0

    def do(self, work: Callable[[Copier], object]) -> None:
        """Has `work` done, after what was kept before it; a second time must do no harm."""
        self._kept.append(work)
        if time.monotonic() >= self._next:
            self.ask()

    def ask(self) -> bool:
        """Whether this driver is the one that copies; then what was kept is done."""
        self._copies = self._copies or self._claims.take(self._claim)
        self._next = 0.0 if self._copies else time.monotonic() + _LOOK
        while self._copies and self._kept:
            self._copying.do(self._mine(self._kept.popleft()))
        return self._copies

    def _mine(self, work: Callable[[Copier], object]) -> Callable[[Copier], object]:
        # A driver that was stopped for long may find that another copies by now.
        return lambda copier: work(copier) if self._claims.holds(self._claim) else None


def copier_claim(suite: str) -> str:
    """Claim of who copies a suite's results."""
    return f"copier.{digest(suite)}"
