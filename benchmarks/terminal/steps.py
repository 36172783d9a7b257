"""Progress over many equal steps: scans of a dataset, files of an archive."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape

from benchmarks.terminal.bars import bars
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.words import duration

#: Where there are no bars, a line comes with every tenth of the whole, yet not within the first of these numbers of
#: seconds after the start or the last one, and at the latest after the second.
_PACE = (2.0, 60.0)


@contextmanager
def progress_bar(
    title: str, console: Terminal, *, first: str = "", what: str = "scans"
) -> Iterator[Callable[[int, int], None]]:
    """A bar over scans or `what`, or lines, to be called with those done and all, `first` before them.

    It appears with the first call: not before everything that can be wrong was looked at.
    """
    formatted = _Bar(title, what, console) if console.live else _Lines(title, what, console)

    def progress(done: int, total: int) -> None:
        nonlocal first
        if first:
            console.say(escape(first))
            first = ""
        formatted.update(done, total)

    try:
        yield progress
    finally:
        formatted.stop()


class _Steps:
    """How far it is, and how long the rest takes by what was done since the first call."""

    def __init__(self, title: str, what: str, console: Terminal) -> None:
        self._title, self._what, self._console = title, what, console
        self._begun: tuple[float, int] | None = None

    def left(self, done: int, total: int) -> str:
        now = time.monotonic()
        self._begun = begun, before = self._begun or (now, done)
        known = before < done < total
        return f"about {duration((now - begun) / (done - before) * (total - done))} left" if known else ""


class _Bar(_Steps):
    def __init__(self, title: str, what: str, console: Terminal) -> None:
        super().__init__(title, what, console)
        self._bars = bars(console, things=what)
        self._task = self._bars.add_task(escape(title), total=None, note="")

    def update(self, done: int, total: int) -> None:
        self._bars.start()
        self._bars.update(self._task, completed=done, total=total, note=self.left(done, total))

    def stop(self) -> None:
        if self._bars.live.is_started:
            self._bars.stop()


class _Lines(_Steps):
    def __init__(self, title: str, what: str, console: Terminal) -> None:
        super().__init__(title, what, console)
        self._message, self._done = time.monotonic(), 0

    def update(self, done: int, total: int) -> None:
        left, since = self.left(done, total), time.monotonic() - self._message
        least, most = _PACE
        tenth = 10 * done // max(total, 1) > 10 * self._done // max(total, 1)
        if since > most or (tenth and since > least) or (done == total and self._done):
            self._message, self._done = time.monotonic(), done
            self._console.event(f"{self._title}: {done} of {total} {self._what}" + (f"; {left}" if left else ""))

    def stop(self) -> None:
        """Lines end by themselves."""
