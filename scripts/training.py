"""Learning rate and weight decay of the synthetic suites: ``python -m scripts.training``; about twenty minutes.

Every method of the suite in training.toml, one of each family, is trained at each value of a grid: first the learning
rate at AdamW's usual weight decay, then the weight decay at the learning rate chosen. Chosen is the value with the best
mean over the methods, which favours none, unless the customary one is within a percentage point, about the standard
error of such a mean. The table shows what each method would have had at its own best. Trainings are kept in the home,
so that what was cut off goes on.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.commands.job import prepare
from benchmarks.commands.request import Options, ask
from benchmarks.plans.runs import PlannedRun, rebuild, with_settings
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal
from scripts.driving import Runs, accuracies

SUITE = Path(__file__).with_suffix(".toml")
LEARNING_RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
WEIGHT_DECAYS = (0.01, 0.05, 0.2)
#: AdamW's, as they are usually taken for a network from random weights.
CUSTOMARY = {"learning_rate": 1e-3, "weight_decay": 0.05}
#: A value is preferred to the customary one for more than this, a share of 1.
WORTH = 0.01


def configured(planned: PlannedRun, **training: Any) -> PlannedRun:
    """The same run with other values of its training configuration."""
    method, _, config = rebuild(planned)
    return with_settings(planned, method, replace(config, **training))


def chosen(found: pd.DataFrame, key: str) -> Any:
    """The value of `key` with the best mean over the methods, or the customary one, if that is hardly worse."""
    means = found.groupby(key)["accuracy"].mean()
    return means.idxmax() if means.max() - means[CUSTOMARY[key]] > WORTH else CUSTOMARY[key]


def main() -> None:
    """Prints a table of accuracy over the learning rate and one over weight decay, methods in rows, and the choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("AFNETM_HOME", "runs")))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    home, console = Home(arguments.home), Terminal()
    planned = prepare(ask(str(SUITE), Options(home=home, workers=arguments.workers, device="cpu")), console).chosen

    def grid(key: str, values: tuple[float, ...], **others: float) -> float:
        runs: Runs = {}
        for one in planned:
            for value in values:
                runs.setdefault((one.label, value), []).append(configured(one, **{key: value}, **others))
        found = accuracies(runs, ["method", key], home=home, workers=arguments.workers, console=console)
        table = found.pivot(index="method", columns=key, values="accuracy").mul(100)
        table.loc["mean"] = table.mean()
        best: float = chosen(found, key)
        console.print(f"{table.round(1).to_string()}\n{key}: {best:g}")
        return best

    rate = grid("learning_rate", LEARNING_RATES, weight_decay=CUSTOMARY["weight_decay"])
    grid("weight_decay", WEIGHT_DECAYS, learning_rate=rate)


if __name__ == "__main__":
    main()
