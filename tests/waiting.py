"""Tests of several processes wait for what one of them does, not for a time."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], what: str, *, seconds: float = 240) -> None:
    """Returns once `true()` is.

    Raises:
        TimeoutError: it is not within so many seconds; names `what` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)
