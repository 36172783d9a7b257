"""Effect of the training seed alone: ``python -m scripts.seeds [--suite quick] [--seeds 10]``.

The same folds are trained again with other initial weights, order and augmentation, as another processor's rounding
does in effect. Records are kept in the home, so that a run that was cut off goes on.
"""

import argparse
import os
from pathlib import Path

from benchmarks.commands.job import prepare
from benchmarks.commands.request import Options, ask
from benchmarks.plans.runs import PlannedRun, rebuild, with_settings
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal
from scripts.driving import Runs, accuracies


def reseeded(planned: PlannedRun, seed: int) -> PlannedRun:
    """The same run with its training's seed number `seed`; 0 is the suite's own."""
    method, _, config = rebuild(planned)
    return with_settings(planned, method, config, reseed=seed)


def planned_runs(suite: str, methods: list[str], *, seeds: int, home: Home, console: Terminal) -> Runs:
    """A suite's runs on the processor by method and seed.

    Raises:
        UserError: the suite is not right.
    """
    runs: Runs = {}
    for one in prepare(ask(suite, Options(home=home, methods=methods, device="cpu")), console).chosen:
        for seed in range(seeds):
            runs.setdefault((one.label, seed), []).append(reseeded(one, seed))
    return runs


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
    home = Home(arguments.home)
    runs = planned_runs(arguments.suite, arguments.methods, seeds=arguments.seeds, home=home, console=console)
    found = accuracies(runs, ["method", "seed"], home=home, workers=arguments.workers, console=console)
    for method, own in found.groupby("method")["accuracy"]:
        share = 100.0 * own
        console.print(f"{method}: {', '.join(f'{value:.1f}' for value in share)} %")
        ends = f"{share.min():.1f} to {share.max():.1f}"
        console.print(f"  mean {share.mean():.1f}, standard deviation {share.std(ddof=1):.1f}, {ends}")


if __name__ == "__main__":
    main()
