"""What a run would do, and how long that takes: from recorded times, or from a few steps where there are none yet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Group
from rich.markup import escape

from afnetm.blame import error_message
from afnetm.data.scan import EXPRESSIONS
from benchmarks.commands.beside import Step, steps
from benchmarks.commands.timing import estimate_seconds
from benchmarks.plans.datasets import how_to_make
from benchmarks.records.store import Store
from benchmarks.terminal.tables import Fitted
from benchmarks.terminal.words import counted, duration

if TYPE_CHECKING:
    from benchmarks.commands.comparing import Job
    from benchmarks.plans.suite import Suite


@dataclass(frozen=True)
class Share:
    """What of a job is one method's, or all of it.

    Attributes:
        label: the method's.
        runs: planned.
        left: to train.
        seconds: that those left take; NaN where that is not known.
        sure: whether that comes from records, or nothing is left.
        fault: why it cannot be trained, as a few steps showed, in one line.
    """

    label: str
    runs: int
    left: int
    seconds: float
    sure: bool
    fault: str | None = None


def shares(job: "Job") -> list[Share]:
    """What is left to do for each method asked for, in the suite's order; the dataset may be yet to be made."""
    store = Store(job.home)
    done = store.done()
    found = []
    for label in job.labels:
        keys = [p.run.key for p in job.planned if p.label == label]
        times = [store.result(key)["seconds"] for key in keys if key in done]
        runs = len(keys) or job.suite.protocol.folds * job.suite.protocol.repeats
        left = runs - len(times)
        each, fault = (sum(times) / len(times), None) if times else estimated(job, label, shape(job))
        found.append(Share(label, runs, left, left * each / job.workers, sure=bool(times), fault=fault))
    return found


def forecast(job: "Job") -> Group | str:
    """`shares` for the terminal; where the dataset is to be prepared by hand, how to do that."""
    suite = job.suite
    if job.dataset is None and suite.dataset.synthetic is None:
        runs = counted(suite.protocol.folds * suite.protocol.repeats * len(job.labels), "run")
        how = how_to_make(suite.dataset)
        return f"dataset '{suite.dataset.name}' is not there; to make it:\n  {how}\nthen {runs} would be trained"
    found = shares(job)
    beside = steps(job, left=sum(share.left for share in found))
    notes = [f"dataset '{suite.dataset.name}' would be made first"] if job.dataset is None else []
    if not all(share.sure for share in found):
        notes.append(f"about: by a few training steps on this machine, now; with {counted(job.workers, 'worker')}")
    return Group(table_of(found, "runs", beside), *(f"[dim]{escape(note)}[/]" for note in notes), *faults(found))


def faults(found: list[Share]) -> list[str]:
    """A line for each method that a few steps showed to fail."""
    return [f"[red]{escape(share.label)} would fail:[/] {escape(share.fault)}" for share in found if share.fault]


def table_of(found: list[Share], things: str, beside: Sequence[Step]) -> Fitted:
    """Shares, what is to be done beside them, and the sum for the terminal; `things` is what they are shares of."""
    runs, left, seconds = (sum(column) for column in zip(*((s.runs, s.left, s.seconds) for s in found), strict=True))
    whole = Share("all", int(runs), int(left), seconds + sum(step.seconds for step in beside), sure=False)
    rows = [_cells(share) for share in found]
    rows += [(step.label, "", "", "", f"about {duration(step.seconds)}") for step in beside]
    columns = ["method", things, "done", "to train", "time"]
    return Fitted(pd.DataFrame([*rows, _cells(whole)], columns=columns), ("time", "to train"))


def _cells(share: Share) -> tuple[str, ...]:
    time = f"{'' if share.sure or math.isnan(share.seconds) else 'about '}{duration(share.seconds)}"
    return share.label, str(share.runs), str(share.runs - share.left), str(share.left), time


@dataclass(frozen=True)
class Shape:
    """Of a training: the pixels of a face's side, and how many scans train and test."""

    size: int
    train: int
    test: int


def shape(job: "Job") -> Shape:
    """That of the suite's trainings, by the first; of a dataset yet to be made, by its configuration."""
    suite = job.suite
    if job.dataset is not None:
        first = job.planned[0].scans
        return Shape(job.dataset.size, len(first.train), len(first.test))
    made = suite.dataset.synthetic
    assert made is not None
    scans = (suite.protocol.subjects or made.subjects) * scans_each(suite)
    test = scans // suite.protocol.folds
    return Shape(made.size, scans - test, test)


def scans_each(suite: "Suite") -> int:
    """How many scans of a person a synthetic dataset yet to be made would have, and the suite take."""
    made = suite.dataset.synthetic
    assert made is not None
    levels = set(made.intensities) & set(suite.dataset.intensities or made.intensities)
    return len(levels) * len(EXPRESSIONS)


def estimated(job: "Job", label: str, of: Shape) -> tuple[float, str | None]:
    """Seconds of a training of a method, by a few steps on this machine; NaN where these fail, and why."""
    suite = job.suite
    try:
        seconds = estimate_seconds(
            suite.methods[label],
            suite.encoder,
            suite.training,
            size=of.size,
            train=of.train,
            test=of.test,
            device=job.device,
        )
    except (Exception, SystemExit) as error:  # any method of any package; the others go on
        return math.nan, error_message(error, type(suite.methods[label]).__module__)
    return seconds, None
