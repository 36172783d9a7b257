"""Writes into docs/statistics.md how often each test calls two methods different whose true difference is known.

``python -m scripts.calibrate``: minutes on one core. Its exit code is 1 where a test errs more often than it
may.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.plans.suite_files import read_suite_file, suite_names
from reports.formats import NOTHING, percent, points
from reports.markup import markdown
from reports.table import plain_table
from scripts.simulation import People, fold_rejections, kept_rejections, rejections

#: Experiments a row, in batches of the seeds 0, 1, ...
BATCH, BATCHES = 1_000, 10
DOCUMENT = Path(__file__).parents[1] / "docs" / "statistics.md"

_TESTS = {
    "two_way": "Two-way",
    "corrected_t": "Corrected t",
    "naive_t": "Naive t",
    "sign_flips": "Permutation",
    "signed_ranks": "Wilcoxon",
}
#: At a level of 5 % the primary test may call 6 % of equal methods different, and some for the number of experiments.
_EQUAL = {"two_way": (0.0, 0.06 + 2.0 * float(np.sqrt(0.05 * 0.95 / (BATCH * BATCHES))))}
#: Subjects of datasets whose suites do not say how many there are: of Bosphorus those with all six expressions.
_SUBJECTS = {"bu3dfe": 100, "bu4dfe": 101, "bosphorus": 65}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A simulation, by a function of experiments and seed, and what is expected of the tests in it.

    Attributes:
        what: in words.
        run: the function.
        allowed: of tests, the shares of experiments that they may call different.
        beats: whether the primary test has to find more than the corrected t-test.
        suites: whose design it is.
    """

    what: str
    run: Callable[..., Mapping[str, float]]
    allowed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    beats: bool = False
    suites: Sequence[str] = ()


def _folds(k: int, repeats: int, correlation: float, **allowed: tuple[float, float]) -> Experiment:
    run = partial(fold_rejections, folds=k * repeats, k=k, correlation=correlation)
    what = f"{repeats} x {k} folds whose differences correlate by {correlation:g}"
    return Experiment(what=what, run=run, allowed=allowed)


def _people(people: People, *, suites: Sequence[str] = ()) -> Experiment:
    who = f"{people.subjects} subjects" if people.drawn is None else f"{people.drawn} of {people.subjects} subjects"
    what = f"{who}, {people.repeats} x {people.folds} folds, {people.scans} scans"
    if people.by_method != People.by_method:
        what += f", methods on a subject {people.by_method:g}"
    what += f"; training SD {people.by_training:g}, lead {people.lead:g}"
    equal = people.lead == 0.0
    return Experiment(
        what=what, run=partial(rejections, people), allowed=_EQUAL if equal else {}, beats=not equal, suites=suites
    )


def _kept(people: People, kept: float) -> Experiment:
    what = (
        f"relative robustness, {people.subjects} subjects, {people.repeats} x {people.folds} folds, {people.scans} "
        f"scans; training SD {people.by_training:g}, clean lead {people.lead:g}, robustness lead {kept:g}"
    )
    run = partial(kept_rejections, people, kept=kept)
    return Experiment(what=what, run=run, allowed=_EQUAL if kept == 0.0 else {})


def design(suite: str) -> People:
    """Subjects, repeats, folds and scans of a suite that comes with the project."""
    tables = read_suite_file(suite).tables
    dataset, protocol = tables["dataset"], tables["protocol"]
    synthetic = dataset.get("synthetic", {})
    everyone = synthetic.get("subjects") or _SUBJECTS[dataset["source"]]
    intensities = dataset.get("intensities") or synthetic.get("intensities") or [0]
    subjects, redraw = protocol.get("subjects"), protocol.get("redraw", False)
    return People(
        subjects=everyone if redraw or subjects is None else subjects,
        drawn=subjects if redraw else None,
        scans=6 * len(intensities),
        folds=protocol["folds"],
        repeats=protocol.get("repeats", 1),
    )


def designs() -> dict[People, list[str]]:
    """The suites by their design."""
    found: dict[People, list[str]] = {}
    for suite in suite_names():
        found.setdefault(design(suite), []).append(suite)
    return found


def _of_suites() -> Iterator[Experiment]:
    for people, suites in designs().items():
        for by_training, lead in product((0.0, 0.3), (0.0, 0.3)):
            yield _people(replace(people, by_training=by_training, lead=lead), suites=suites)


EXPERIMENTS = (
    _folds(10, 10, 0.1, corrected_t=(0.03, 0.07)),
    _folds(5, 1, 0.2, corrected_t=(0.03, 0.07)),
    _folds(10, 10, 0.0),
    _folds(10, 10, 0.3),
    *_of_suites(),
    *(_people(People(by_method=by_method)) for by_method in (0.25, 1.0)),
    *(_people(People(repeats=1, by_training=by_training)) for by_training in (0.0, 0.3)),
    *(_people(People(subjects=12, folds=6, repeats=5, by_training=by_training)) for by_training in (0.0, 0.3)),
    *(_people(People(subjects=23, folds=5, repeats=2, by_training=by_training)) for by_training in (0.0, 0.3)),
    *(
        _kept(replace(design("robustness"), by_training=by_training, lead=0.3), kept)
        for by_training, kept in product((0.0, 0.3), (0.0, 0.3))
    ),
)


def calibrated(experiment: Experiment, *, batch: int = BATCH, batches: int = BATCHES) -> dict[str, float]:
    """By test, the share of experiments that it calls different, and their mean ``difference``."""
    found = pd.DataFrame([experiment.run(experiments=batch, seed=seed) for seed in range(batches)])
    return {str(name): float(share) for name, share in found.mean().items()}


def faults(experiment: Experiment, found: Mapping[str, float]) -> list[str]:
    """Shares outside of what is allowed, a line each."""
    wrong = [
        f"{experiment.what}: {test} is {found[test]:.4f}, allowed is {low:g} to {high:g}"
        for test, (low, high) in experiment.allowed.items()
        if not low <= found[test] <= high
    ]
    if experiment.beats and found["two_way"] <= found["corrected_t"]:
        wrong.append(f"{experiment.what}: two_way is {found['two_way']:.4f}, corrected_t {found['corrected_t']:.4f}")
    return wrong


def main() -> int:
    """Runs every experiment, prints and writes the table; 1 where a share is out of its range."""
    rows, wrong = [], []
    for experiment in EXPERIMENTS:
        found = calibrated(experiment)
        shares = {name: percent(found.get(test, np.nan)) for test, name in _TESTS.items()}
        of = {"Experiment": experiment.what, "Mean difference": points(found.get("difference", 0.0))}
        rows.append({**of, **shares, "Design of": ", ".join(experiment.suites) or NOTHING})
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
