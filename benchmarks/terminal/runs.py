"""Progress over the runs of a comparison: a bar a method, or a line a run."""

import math
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.markup import escape
from rich.progress import Progress, TaskID

from benchmarks.terminal.bars import bars
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.words import counted, duration


class RunProgress:
    """How far a comparison is, and how long the rest takes.

    On a terminal there is a bar a method, with the mean accuracy so far, and one over all. What fails is a line of its
    own at once; elsewhere, or where the console is verbose, so is what ends well.

    Args:
        planned: runs by method, in the order of the bars.
        done: those of them that were done before.
        workers: how many are under way at once.
        console: where to.
    """

    def __init__(self, planned: Mapping[str, int], done: Mapping[str, int], *, workers: int, console: Terminal) -> None:
        self._console, self._workers = console, workers
        self._total, self._ended = sum(planned.values()), sum(done.values())
        self._left = {label: count - done.get(label, 0) for label, count in planned.items()}
        self._seconds: dict[str, list[float]] = {label: [] for label in planned}
        self._accuracies: dict[str, list[float]] = {label: [] for label in planned}
        self._bars = _bars(planned, done, console) if console.live else None

    def __enter__(self) -> Self:
        if self._bars:
            self._bars[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars[0].stop()

    def finished(self, label: str, where: tuple[int, int], *, accuracy: float, seconds: float) -> None:
        """Takes that a run of method `label` at `where`, repeat and fold, ended after `seconds` with `accuracy`."""
        self._seconds[label].append(seconds)
        self._accuracies[label].append(accuracy)
        seen = self._accuracies[label]
        self._take(label, note=f"accuracy {sum(seen) / len(seen):.3f}")
        if not self._bars or self._console.verbose:
            took = f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
            self._line(label, where, f"accuracy {accuracy:.3f} in {took}")

    def failed(self, label: str, where: tuple[int, int], *, reason: str) -> None:
        """Takes that it failed; `reason` is one line."""
        self._take(label, note="[red]failed")
        self._line(label, where, f"failed: {reason}", style="red")

    def refused(self, label: str, count: int, *, reason: str) -> None:
        """Takes that none of the `count` runs of method `label` is begun; `reason` is one line."""
        for _ in range(count):
            self._take(label, note="[red]failed")
        text = f"{self._ended} of {self._total}: {label}: {counted(count, 'run')} failed before training: {reason}"
        self._console.event(text, style="red")

    @property
    def left(self) -> float:
        """Seconds that the rest takes, by what took this run so far; NaN before anything did."""
        all_seconds = [seconds for own in self._seconds.values() for seconds in own]
        if not all_seconds:
            return math.nan
        rest = sum(count * _mean(self._seconds[label] or all_seconds) for label, count in self._left.items())
        return rest / max(1, min(self._workers, sum(self._left.values())))

    def _take(self, label: str, *, note: str) -> None:
        self._ended += 1
        self._left[label] -= 1
        if self._bars:
            progress, tasks, whole = self._bars
            progress.update(tasks[label], advance=1, note=note)
            progress.update(whole, advance=1, note=self._time())

    def _line(self, label: str, where: tuple[int, int], how: str, *, style: str | None = None) -> None:
        time = self._time()
        text = f"{self._ended} of {self._total}: {label}, repeat {where[0]}, fold {where[1]}: {how}"
        self._console.event(text + (f"; {time}" if time else ""), style=style)

    def _time(self) -> str:
        return "" if math.isnan(self.left) or not sum(self._left.values()) else f"about {duration(self.left)} left"


def _bars(
    planned: Mapping[str, int], done: Mapping[str, int], console: Terminal
) -> tuple[Progress, dict[str, TaskID], TaskID]:
    """Rich's progress, the tasks of methods by their labels, and the one over all."""
    progress = bars(console)
    tasks = {
        label: progress.add_task(escape(label), total=count, completed=done.get(label, 0), note="")
        for label, count in planned.items()
    }
    whole = progress.add_task("all", total=sum(planned.values()), completed=sum(done.values()), note="")
    return progress, tasks, whole


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
