"""The runner: what of a plan is still to do is done, recorded and copied to MLflow, with progress on the terminal."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.plans.units import PlannedUnit
from benchmarks.records.home import Home
from benchmarks.records.ledger import Entry, Ledger
from benchmarks.records.store import Store
from benchmarks.running.copying import Copying
from benchmarks.running.local import Outcome, run_local

if TYPE_CHECKING:
    from benchmarks.running.tracking import Tracker


@dataclass
class Tally:
    """How a run ended.

    Attributes:
        trained: units finished in this run.
        failed: units that failed in it, with the reason.
        untracked: why MLflow has not all of it, in one line; None where it has.
    """

    trained: int = 0
    failed: list[Outcome] = field(default_factory=list)
    untracked: str | None = None


def run(
    planned: Sequence[PlannedUnit],
    ledger: Ledger,
    home: Home,
    *,
    workers: int,
    tracking_uri: str,
    with_faces: bool,
    console: Console,
) -> Tally:
    """Runs those of `planned` that have no record yet. The home's lock must be held.

    MLflow is written from a thread of its own, so that workers never wait for it; what it lacks from earlier runs is
    caught up on the way.
    """
    store = Store(home)
    store.sweep()
    done = store.done()
    entries = {entry.key: entry for entry in reversed(ledger.only(None))}  # the comparison's before extras like it
    todo = [p for p in planned if p.unit.key not in done]
    waiting = partial(next, iter(todo), None)
    tally = Tally()
    with Copying(partial(_tracker, tracking_uri, home, ledger, with_faces=with_faces)) as copying:

        def log(found: list[Entry]) -> None:
            copying.do(lambda tracker: tracker.log(found))

        log([entries[p.unit.key] for p in planned if p.unit.key in done])
        try:
            if todo:
                outcomes = run_local(waiting, home, workers=workers)
                with _Bars(planned, done, console) as bars, closing(outcomes):
                    for outcome in outcomes:
                        key = outcome.planned.unit.key
                        if outcome.reason is None:
                            tally.trained += 1
                            bars.advance(outcome.planned, store.result(key)["accuracy"])
                            log([entries[key]])
                        else:
                            tally.failed.append(outcome)
                            bars.advance(outcome.planned, None)
        finally:
            store.sweep()
    tally.untracked = copying.lacks
    return tally


def _tracker(uri: str, home: Home, ledger: Ledger, *, with_faces: bool) -> "Tracker":
    from benchmarks.running.tracking import Tracker

    return Tracker(uri, home, ledger, with_faces=with_faces)


class _Bars:
    """A bar a method, with the mean accuracy so far, and one over all with the time left."""

    def __init__(self, planned: Sequence[PlannedUnit], done: set[str], console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]:<16}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._accuracies: dict[str, list[float]] = {}
        self._tasks: dict[str, TaskID] = {}
        self._left: dict[str, int] = {}
        for label in dict.fromkeys(p.label for p in planned):
            of_label = [p for p in planned if p.label == label]
            finished = sum(p.unit.key in done for p in of_label)
            self._tasks[label] = self._progress.add_task(label, total=len(of_label), completed=finished, note="")
        finished = sum(p.unit.key in done for p in planned)
        self._all = self._progress.add_task("all", total=len(planned), completed=finished, note="")

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, planned: PlannedUnit, accuracy: float | None) -> None:
        task = self._tasks[planned.label]
        if accuracy is not None:
            seen = self._accuracies.setdefault(planned.label, [])
            seen.append(accuracy)
            self._progress.update(task, note=f"accuracy {sum(seen) / len(seen):.3f}")
        else:
            self._progress.update(task, note="[red]failed")
        self._progress.advance(task)
        self._progress.advance(self._all)
