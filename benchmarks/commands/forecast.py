"""Forecast of a job: what is left to train, and its duration by recorded times, or a few steps where there are none."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import optuna
import pandas as pd
from optuna.trial import FrozenTrial
from rich.console import Group
from rich.markup import escape

from afnetm.blame import error_message
from benchmarks.commands.job import Job
from benchmarks.commands.timing import Step, estimate_seconds, steps
from benchmarks.plans.datasets import how_to_make
from benchmarks.plans.folds import classes_of
from benchmarks.plans.runs import PlannedRun
from benchmarks.plans.suite import Suite
from benchmarks.records.store import Store
from benchmarks.search.searching import space_of, study_name
from benchmarks.terminal.tables import Fitted
from benchmarks.terminal.words import counted, duration
from studies.best_parameters import Where
from studies.spec import SearchSpec
from studies.storage import NoStudiesError, storage_errors, view_storage


@dataclass(frozen=True)
class Share:
    """One method's share of a job, or the whole job.

    Attributes:
        label: the method's.
        runs: planned.
        left: to train.
        seconds: that those left take; NaN where that is not known.
        sure: whether that comes from records, or nothing is left.
        fault: why it cannot be trained, as a few steps showed, in one line.
        trials: where it is searched, at most those of each of its studies.
    """

    label: str
    runs: int
    left: int
    seconds: float
    sure: bool
    fault: str | None = None
    trials: int | None = None


def shares(job: Job) -> list[Share]:
    """Work left for each method asked for, in the suite's order; the dataset may be yet to be made."""
    asked_for = [one for one in job.planned if job.asks_for(one)]
    runs_of, taken = Counter(one.label for one in asked_for), _seconds(job, asked_for)
    found = []
    for label in job.labels:
        times = taken.get(label, [])
        runs = runs_of[label] or len(job.places)
        left = runs - len(times)
        each, fault = (sum(times) / len(times), None) if times else estimated(job, label, shape(job))
        found.append(Share(label, runs, left, left * each / job.workers, sure=bool(times), fault=fault))
    return found


def _seconds(job: Job, planned: Sequence[PlannedRun]) -> dict[str, list[float]]:
    """Seconds of training of the finished ones of these runs, by method."""
    store = Store(job.home)
    done = store.summaries()
    found: dict[str, list[float]] = {}
    for one in planned:
        if summary := done.get(one.run.key):
            seconds = summary.seconds
            found.setdefault(one.label, []).append(store.result(one.run.key)["seconds"] if seconds is None else seconds)
    return found


def forecast(job: Job) -> Group | str:
    """`shares` for the terminal; where the dataset is to be prepared by hand, how to do that."""
    suite = job.suite
    if job.dataset is None and suite.dataset.synthetic is None:
        runs = counted(suite.protocol.runs * len(job.labels), "run")
        if not suite.protocol.runs:
            runs = f"{counted(len(job.labels), 'run')} for each subject"
        how = how_to_make(suite.dataset)
        return f"dataset '{suite.dataset.name}' does not exist; to make it:\n  {how}\nthen {runs} would be trained"
    found = shares(job)
    beside = steps(job, left=sum(share.left for share in found))
    notes = [f"dataset '{suite.dataset.name}' would be made first"] if job.dataset is None else []
    if not all(share.sure for share in found):
        notes.append(f"about: by a few training steps on this machine, with {counted(job.workers, 'worker')}")
    if evaluations := job.evaluations:
        notes.append(
            f"then {counted(len(evaluations), 'evaluation')} of the trained models, which no time here includes"
        )
    return Group(table_of(found, "runs", beside), *(f"[dim]{escape(note)}[/]" for note in notes), *faults(found))


def faults(found: list[Share]) -> list[str]:
    """A line for each method that a few steps showed to fail."""
    return [f"[red]{escape(share.label)} would fail:[/] {escape(share.fault)}" for share in found if share.fault]


def table_of(found: list[Share], things: str, beside: Sequence[Step]) -> Fitted:
    """Shares, what is to be done beside them, and the sum for the terminal; `things` is what they are shares of."""
    runs, left, seconds = (sum(column) for column in zip(*((s.runs, s.left, s.seconds) for s in found), strict=True))
    whole = Share("all", int(runs), int(left), seconds + sum(step.seconds for step in beside), sure=False)
    rows = [_cells(share, things) for share in found]
    rows += [{"method": step.label, "time": f"about {duration(step.seconds)}"} for step in beside]
    table = pd.DataFrame([*rows, _cells(whole, things)]).fillna("")
    return Fitted(table, ("time", "to train", "trials"))


def _cells(share: Share, things: str) -> dict[str, str]:
    time = f"{'' if share.sure or math.isnan(share.seconds) else 'about '}{duration(share.seconds)}"
    counts = {things: share.runs, "done": share.runs - share.left, "to train": share.left}
    trials = {} if share.trials is None else {"trials a study": str(share.trials)}
    return {"method": share.label} | trials | {name: str(count) for name, count in counts.items()} | {"time": time}


@dataclass(frozen=True)
class Shape:
    """Of a training: the pixels of a face's side, and how many scans train and test, of how many classes."""

    size: int
    train: int
    test: int
    classes: int


def shape(job: Job) -> Shape:
    """Shape of the suite's trainings, by the first; of a dataset yet to be made, by its configuration."""
    suite = job.suite
    if job.dataset is not None:
        first = job.planned[0].scans
        classes = classes_of(job.dataset, suite.dataset.intensities)
        return Shape(job.dataset.size, len(first.train), len(first.test), len(classes))
    made = suite.dataset.synthetic
    assert made is not None
    scans = (suite.protocol.subjects or made.subjects) * scans_each(suite)
    test = scans // (suite.protocol.folds or 1)
    return Shape(made.size, scans - test, test, _classes(suite))


def scans_each(suite: Suite) -> int:
    """Scans per subject that the suite takes from a synthetic dataset yet to be made."""
    return len(_expressions(suite))


def _classes(suite: Suite) -> int:
    return len(set(_expressions(suite)))


def _expressions(suite: Suite) -> list[str]:
    """The expression of each of these scans."""
    made, wanted = suite.dataset.synthetic, suite.dataset.intensities
    assert made is not None
    return [expression for expression, intensity in made.source.kinds if wanted is None or intensity in wanted]


def estimated(job: Job, label: str, of: Shape) -> tuple[float, str | None]:
    """Seconds of a training of a method, by a few steps on this machine; NaN where these fail, and why."""
    suite = job.suite
    try:
        seconds = estimate_seconds(
            suite.methods[label],
            suite.encoder,
            suite.training,
            classes=of.classes,
            size=of.size,
            train=of.train,
            test=of.test,
            device=job.device,
        )
    except (Exception, SystemExit) as error:  # any method of any package; the others go on
        return math.nan, error_message(error, type(suite.methods[label]).__module__)
    return seconds, None


def dry_forecast(job: Job, *, storage_url: str | None) -> Group | str:
    """Output of ``afnetm run --dry-run``: what is searched, if anything, and what is trained then."""
    if job.search is None or (job.dataset is None and job.suite.dataset.synthetic is None):
        return forecast(job)
    runs = len(job.labels) * len(job.places)
    then = f"then the best parameters are trained: {counted(runs, 'run')}"
    return Group(search_forecast(job, storage_url=storage_url, measure=True, report=True), f"[dim]{then}[/]")


def search_forecast(job: Job, *, storage_url: str | None, measure: bool, report: bool = False) -> Group | str:
    """A row a method: trainings at most (pruning spares some), those done, and how long the others take.

    That is by recorded times; where there are none and `measure` is set, by a few steps in this process, which a method
    may end or fill.
    """
    spec = job.search
    assert spec is not None
    if job.dataset is None and job.suite.dataset.synthetic is None:
        return f"dataset '{job.suite.dataset.name}' does not exist; to make it:\n  {how_to_make(job.suite.dataset)}"
    trials = trials_of(job, storage_url)
    found = [search_share(job, spec, label, trials, measure=measure) for label in job.labels]
    studies = len(_places(job, spec)) * spec.selection_repeats
    about = (
        f"{spec.selection}: {counted(studies, 'study')} a method, each of {spec.budget}, "
        f"{counted(spec.folds, 'inner fold')}; {spec.sampler}, pruner {spec.pruner}, by {spec.metric}"
    )
    if spec.hours is not None:
        seconds = sum(share.seconds for share in found)
        return f"{about}; {duration(seconds)} at most with {counted(job.workers, 'worker')}"
    notes = [about, "trainings at most: pruning reduces their number"]
    if not all(share.sure or math.isnan(share.seconds) for share in found):
        measured = " or a few training steps" if measure else ""
        notes.append(f"about: by recorded times{measured}; with {counted(job.workers, 'worker')}")
    if not measure and any(math.isnan(share.seconds) for share in found):
        notes.append("?: no recorded times yet; --dry-run measures a few steps")
    beside = steps(job, left=sum(share.left for share in found), report=report)
    return Group(table_of(found, "trainings", beside), *(f"[dim]{escape(note)}[/]" for note in notes), *faults(found))


def search_share(
    job: Job, spec: SearchSpec, label: str, known: Mapping[str, list[FrozenTrial]], *, measure: bool
) -> Share:
    """A method's share of a search, whose trials are `known` by their study's name (`trials_of`)."""
    names = [
        study_name(job.suite.name, label, where, search)
        for where, search in product(_places(job, spec), range(spec.selection_repeats))
    ]
    trials = [known.get(name, []) for name in names]
    spent = [sum(trial.user_attrs.get("seconds", 0.0) for trial in own) for own in trials]
    if spec.hours is not None:
        left_over = sum(max(0.0, 3600 * spec.hours - seconds) for seconds in spent)
        return Share(label, 0, 0, left_over / job.workers, sure=True)
    most = spec.most(space_of(job.suite, spec, label)) or 0
    runs = most * len(names) * spec.folds
    left = sum(max(0, most - len(own)) for own in trials) * spec.folds
    trained = sum(len(trial.user_attrs["runs"]) for own in trials for trial in own)
    if not left:
        return Share(label, runs, 0, 0.0, sure=True, trials=most)
    each, fault = (sum(spent) / trained, None) if trained else _one(job, spec, label, measure=measure)
    return Share(label, runs, left, left * each / job.workers, sure=bool(trained), fault=fault, trials=most)


def _one(job: Job, spec: SearchSpec, label: str, *, measure: bool) -> tuple[float, str | None]:
    """Seconds of one training: by records of the comparison's, which train on more, or by a few steps; else NaN.

    And why those few steps failed, if they did.
    """
    inner, outer = _inner_shape(job, spec), shape(job)
    if times := _seconds(job, job.planned).get(label):
        return sum(times) / len(times) * inner.train / outer.train, None
    return estimated(job, label, inner) if measure else (math.nan, None)


def _inner_shape(job: Job, spec: SearchSpec) -> Shape:
    if job.studies:
        folds = job.studies[0].folds
        return replace(shape(job), train=len(folds[0].train), test=len(folds[0].test))
    made, suite = job.suite.dataset.synthetic, job.suite
    assert made is not None
    scans = shape(job).train
    if spec.selection == "development":
        scans = (made.subjects - (suite.protocol.subjects or 0)) * scans_each(suite)
    return Shape(made.size, scans - scans // spec.folds, scans // spec.folds, _classes(job.suite))


def _places(job: Job, spec: SearchSpec) -> list[Where]:
    return [None] if spec.selection == "development" else [*sorted(job.places)]


def trials_of(job: Job, storage_url: str | None) -> dict[str, list[FrozenTrial]]:
    """The trials of every study there is that have been trained, by its name, whatever it searched."""
    try:
        with storage_errors(storage_url):
            storage = view_storage(job.home.journal, storage_url)
            names = optuna.get_all_study_names(storage)
            studies = {name: optuna.load_study(study_name=name, storage=storage) for name in names}
            return {
                name: [trial for trial in study.get_trials(deepcopy=False) if "runs" in trial.user_attrs]
                for name, study in studies.items()
            }
    except NoStudiesError:
        return {}
