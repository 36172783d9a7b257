"""Training of planned runs that are no suite's own: kept in a home, so that what was cut off goes on."""

from collections import deque
from typing import Any

import pandas as pd

from benchmarks.execution.driver import drive
from benchmarks.execution.slots import slots
from benchmarks.execution.workers import Worker
from benchmarks.execution.workload import Outcome
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.home import Home
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal

#: Runs that are scored together, by what they have in common.
Runs = dict[tuple[Any, ...], list[PlannedRun]]


def accuracies(runs: Runs, names: list[str], *, home: Home, workers: int, console: Terminal) -> pd.DataFrame:
    """Accuracy over all tested scans of each group of runs, a share of 1: a row a group, its key in columns `names`.

    Raises:
        UserError: a training failed.
    """
    store = Store(home)
    with driving(home) as claims:
        done = store.done()
        todo = [(key, run) for key, group in runs.items() for run in group if run.run.key not in done]
        drive(_Queue(todo, console), home, claims, workers=list(map(Worker, slots("cpu", workers=workers))))
    rows = []
    for key, group in runs.items():
        results = [store.result(run.run.key) for run in group]
        right = sum(one["accuracy"] * one["n_test"] for one in results)
        rows.append((*key, right / sum(one["n_test"] for one in results)))
    return pd.DataFrame(rows, columns=[*names, "accuracy"])


class _Queue:
    """Runs to be driven, and a line about each that has ended."""

    def __init__(self, todo: list[tuple[tuple[Any, ...], PlannedRun]], console: Terminal) -> None:
        self._todo, self._console = deque(todo), console
        self._named = {run.run.key: key for key, run in todo}

    @property
    def waits(self) -> bool:
        """Never."""
        return False

    def pull(self) -> PlannedRun | None:
        """The next one."""
        return self._todo.popleft()[1] if self._todo else None

    def take(self, outcome: Outcome) -> None:
        """Tells how it ended."""
        run = outcome.planned.run
        how = outcome.reason or f"{outcome.seconds:.1f} s"
        self._console.print(f"{', '.join(map(str, self._named[run.key]))}, fold {run.fold}: {how}")
