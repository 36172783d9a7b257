"""Progress: bars on a terminal, lines elsewhere; over many equal steps, or over what every method has to train."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from benchmarks.terminal.console import Terminal
from benchmarks.terminal.words import duration

#: What a line needs beside its bar; where there is less there is no bar, nor the time that has passed.
_BESIDE, _NARROW = 54, 60
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
    """Progress in steps, with the remaining time by what was done since the first call."""

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
        self._bars = _bars(console, things=what)
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
        """Does nothing: lines end by themselves."""


class MethodProgress:
    """Progress of every method, with the remaining time.

    On a terminal there is a bar a method, and one over all. What fails is a line of its own at once; elsewhere, or
    where the console is verbose, so is what ends well.

    Args:
        totals: what is to be done by method, in the order of the bars; None where that is not known.
        done: of that, what was done before.
        left: gives the seconds that the rest takes; NaN where that is not known.
        console: where to.
        things: what is counted, where the bars are to say it.
    """

    def __init__(
        self,
        totals: Mapping[str, int | None],
        done: Mapping[str, int],
        *,
        left: Callable[[], float],
        console: Terminal,
        things: str = "",
    ) -> None:
        self._left, self._console = left, console
        known = [total for total in totals.values() if total is not None]
        self._total = sum(known) if len(known) == len(totals) else None
        self._ended = sum(done.values())
        self._bars: Progress | None = None
        if console.live:
            self._bars = _bars(console, things=things)
            self._tasks = {
                label: self._bars.add_task(escape(label), total=total, completed=done.get(label, 0), note="")
                for label, total in totals.items()
            }
            self._whole = self._bars.add_task("all", total=self._total, completed=self._ended, note="")

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def finished(self, label: str, text: str, *, note: str) -> None:
        """Takes that one of method `label` ended well; `text` says which and how, `note` how the method does so far."""
        self._take(label, 1, note)
        if not self._bars or self._console.verbose:
            self._line(text)

    def failed(self, label: str, text: str, *, note: str = "[red]failed", count: int = 1) -> None:
        """Takes that one, or several for one reason, failed; `text` says which and why."""
        self._take(label, count, note)
        self._line(text, style="red")

    def _take(self, label: str, count: int, note: str) -> None:
        self._ended += count
        if self._bars:
            self._bars.update(self._tasks[label], advance=count, note=note)
            self._bars.update(self._whole, advance=count, note=self._time())

    def _line(self, text: str, *, style: str | None = None) -> None:
        of, time = "" if self._total is None else f" of {self._total}", self._time()
        self._console.event(f"{self._ended}{of}: {text}" + (f"; {time}" if time else ""), style=style)

    def _time(self) -> str:
        left = self._left()
        return "" if math.isnan(left) or not left else f"about {duration(left)} left"


def _bars(console: Terminal, *, things: str) -> Progress:
    """A display of tasks that have a ``note``: each its description, bar, count of `things`, time and note."""
    wide = console.width >= _NARROW
    columns = [
        TextColumn("{task.description}", table_column=Column(overflow="fold")),  # if need be, on two lines
        *([BarColumn(bar_width=max(4, min(28, console.width - _BESIDE)))] if wide else []),
        MofNCompleteColumn(),
        *([TextColumn(things)] if things and wide else []),
        *([TimeElapsedColumn()] if wide else []),
        TextColumn("{task.fields[note]}"),
    ]
    return Progress(*columns, console=console)
