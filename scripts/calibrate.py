"""Writes into docs/statistics.md how often each test calls two methods different whose true difference is known.

``python -m scripts.calibrate``: minutes on one core. Its exit code is 1 where a test errs more often than it
may.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from reports.formats import percent, points
from reports.markup import markdown
from reports.table import plain_table
from scripts.simulation import People, fold_rejections, rejections

#: Experiments a row, in batches of the seeds 0, 1, ...
BATCH, BATCHES = 1_000, 10
DOCUMENT = Path(__file__).parents[1] / "docs" / "statistics.md"

_TESTS = {
    "naive_t": "Naive t",
    "corrected_t": "Corrected t",
    "sign_flips": "Permutation",
    "signed_ranks": "Wilcoxon",
    "interval": "Interval without 0",
}
#: At a level of 5 % equal methods may be called different in 5 % of experiments, and some for their number.
_EQUAL = {"corrected_t": (0.0, 0.07), "sign_flips": (0.0, 0.07), "signed_ranks": (0.0, 0.07)}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Simulation by a function of experiments and seed, and the shares of it that tests may call different."""

    what: str
    run: Callable[..., Mapping[str, float]]
    allowed: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def _folds(k: int, repeats: int, correlation: float, **allowed: tuple[float, float]) -> Experiment:
    run = partial(fold_rejections, folds=k * repeats, k=k, correlation=correlation)
    what = f"{_layout(k, repeats)} whose differences correlate by {correlation:g}"
    return Experiment(what=what, run=run, allowed=allowed)


def _people(people: People, **allowed: tuple[float, float]) -> Experiment:
    what = f"{people.subjects} subjects, {_layout(people.folds, people.repeats)}"
    what += f"; methods on a subject {people.by_method:g}"
    if people.by_training > 0.0:
        what += f", training variance {people.by_training:g}"
    return Experiment(what=what, run=partial(rejections, people), allowed=allowed)


def _layout(folds: int, repeats: int) -> str:
    return f"{repeats} x {folds} folds"


EXPERIMENTS = (
    _folds(10, 10, 0.1, corrected_t=(0.03, 0.07)),
    _folds(5, 1, 0.2, corrected_t=(0.03, 0.07)),
    _folds(10, 10, 0.0),
    _folds(10, 10, 0.3),
    _people(People(by_method=0.25), **_EQUAL),
    _people(People(by_method=0.5), **_EQUAL),
    _people(People(by_method=1.0), **_EQUAL),
    _people(People(repeats=1), **_EQUAL),
    _people(People(subjects=12, folds=6, repeats=5), **_EQUAL),
    _people(People(by_training=0.3)),
    _people(People(by_training=0.3, repeats=1)),
    _people(People(lead=0.15)),
    _people(People(lead=0.3)),
    _people(People(lead=0.3, repeats=1)),
)


def calibrated(experiment: Experiment, *, batch: int = BATCH, batches: int = BATCHES) -> dict[str, float]:
    """By test, the share of experiments that it calls different, and their mean ``difference``."""
    found = pd.DataFrame([experiment.run(experiments=batch, seed=seed) for seed in range(batches)])
    return {str(name): float(share) for name, share in found.mean().items()}


def faults(experiment: Experiment, found: Mapping[str, float]) -> list[str]:
    """Shares outside of what is allowed, a line each."""
    return [
        f"{experiment.what}: {test} is {found[test]:.4f}, allowed is {low:g} to {high:g}"
        for test, (low, high) in experiment.allowed.items()
        if not low <= found[test] <= high
    ]


def main() -> int:
    """Runs every experiment, prints and writes the table; 1 where a share is out of its range."""
    rows, wrong = [], []
    for experiment in EXPERIMENTS:
        found = calibrated(experiment)
        shares = {name: percent(found.get(test, np.nan)) for test, name in _TESTS.items()}
        rows.append({"Experiment": experiment.what, "True difference": points(found.get("difference", 0.0)), **shares})
        wrong += faults(experiment, found)
        print(*rows[-1].values(), sep="  ", flush=True)
    text = DOCUMENT.read_text(encoding="utf-8")
    place = re.compile(r"(?<=<!-- calibration -->\n).*?(?=<!-- end of calibration -->)", re.DOTALL)
    table = markdown(plain_table("", "", list(rows[0]), [list(row.values()) for row in rows]))
    DOCUMENT.write_text(place.sub(lambda _: f"\n{table}\n", text), encoding="utf-8")
    print(f"written to {DOCUMENT}", *wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
