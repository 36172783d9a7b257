"""Being in a home: beside other drivers, or alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from afnetm.errors import UserError
from benchmarks.records.claims import Claims
from benchmarks.records.holders import ALONE, DRIVER, Holder
from benchmarks.records.home import Home

#: The claim on the whole home.
_HOME = "home"
#: Seconds that a driver waits for who has claimed the home, and may only be about to see that others are there.
_GRACE = 2.0


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Has the home for this process alone: no driver is at work, nor anybody else who needs that.

    Raises:
        InUseError: somebody is; names them.
    """
    with Claims(home, kind=ALONE) as claims:
        if not claims.take(_HOME):
            raise InUseError(home, claims.other(_HOME))
        # Whoever begins to drive looks at the home's claim after it has its lease: one of both sees the other.
        if drivers := claims.others():
            raise InUseError(home, drivers[0])
        yield


@contextmanager
def driving(home: Home, *, device: str = "") -> Iterator[Claims]:
    """Has a lease on the home, beside those of other drivers.

    Raises:
        InUseError: a process has the home for itself; names it.
    """
    with Claims(home, device=device) as claims:
        deadline = time.monotonic() + _GRACE
        while (holder := claims.other(_HOME)) is not None:
            if time.monotonic() > deadline:
                raise InUseError(home, holder)
            time.sleep(0.1)
        yield claims


class InUseError(UserError):
    """Somebody else is at work in a home: `driving`, or with something for which they have to be alone."""

    def __init__(self, home: Home, holder: Holder | None) -> None:
        who = holder or "another process"  # which has ended by now
        super().__init__(f"home '{home.path}' is in use by {who}; wait for it or use another --home")
        self.holder = holder

    @property
    def driving(self) -> bool:
        """Whether they train or search."""
        return self.holder is not None and self.holder.kind == DRIVER
