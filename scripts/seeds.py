"""Effect of the training seed alone: ``python -m scripts.seeds [--suite quick] [--seeds 10]``.

The same folds are trained again with other initial weights, order and augmentation, as another processor's rounding
does in effect. Records are kept in the home, so that a run that was cut off goes on.
"""

import argparse
import os
from collections import deque
from pathlib import Path

import pandas as pd

from benchmarks.commands.job import prepare
from benchmarks.commands.request import Options, ask
from benchmarks.execution.driver import Outcome, drive
from benchmarks.plans.runs import PlannedRun, rebuild, with_settings
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal


def reseeded(planned: PlannedRun, seed: int) -> PlannedRun:
    """The same run with its training's seed number `seed`; 0 is the suite's own."""
    method, _, config = rebuild(planned)
    return with_settings(planned, method, config, reseed=seed)


def accuracies(
    suite: str, methods: list[str], *, seeds: int, home: Home, workers: int, console: Terminal
) -> pd.DataFrame:
    """A row a method and seed: accuracy over all tested scans of the suite, a share of 1.

    Raises:
        UserError: the suite is not right, or a training failed.
    """
    job = prepare(ask(suite, Options(home=home, methods=methods, workers=workers, device="cpu")), console)
    runs = [(one.label, seed, reseeded(one, seed)) for one in job.chosen for seed in range(seeds)]
    store = Store(home)
    with home.lock():
        done = store.done()
        drive(_Reseeded([run for _, _, run in runs if run.run.key not in done], console), home, workers=workers)
    results = [(label, seed, store.result(run.run.key)) for label, seed, run in runs]
    rows = [(label, seed, found["accuracy"] * found["n_test"], found["n_test"]) for label, seed, found in results]
    sums = pd.DataFrame(rows, columns=["method", "seed", "right", "tested"]).groupby(["method", "seed"]).sum()
    return (sums["right"] / sums["tested"]).rename("accuracy").reset_index()


class _Reseeded:
    """Runs to be driven, and a line about each that has ended."""

    def __init__(self, todo: list[PlannedRun], console: Terminal) -> None:
        self._todo, self._console = deque(todo), console

    def pull(self) -> PlannedRun | None:
        """The next one."""
        return self._todo.popleft() if self._todo else None

    def take(self, outcome: Outcome) -> None:
        """Tells how it ended."""
        run = outcome.planned.run
        how = outcome.reason or f"{outcome.seconds:.1f} s"
        self._console.print(f"{outcome.planned.label}, seed {run.reseed}, fold {run.fold}: {how}")


def main() -> None:
    """Prints each seed's accuracy, and their mean, standard deviation and range."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="quick")
    parser.add_argument("--methods", nargs="+", default=["texture"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("AFNETM_HOME", "runs")))
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    console = Terminal()
    found = accuracies(
        arguments.suite,
        arguments.methods,
        seeds=arguments.seeds,
        home=Home(arguments.home),
        workers=arguments.workers,
        console=console,
    )
    for method, own in found.groupby("method")["accuracy"]:
        share = 100.0 * own
        console.print(f"{method}: {', '.join(f'{value:.1f}' for value in share)} %")
        ends = f"{share.min():.1f} to {share.max():.1f}"
        console.print(f"  mean {share.mean():.1f}, standard deviation {share.std(ddof=1):.1f}, {ends}")


if __name__ == "__main__":
    main()
