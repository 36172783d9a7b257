"""What a search would train at most, and how long that takes: as `benchmarks.commands.forecast` says it of a run."""

import math
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import optuna
from optuna.trial import FrozenTrial
from rich.console import Group
from rich.markup import escape

from benchmarks.commands.beside import steps
from benchmarks.commands.forecast import Shape, Share, estimated, faults, forecast, scans_each, shape, table_of
from benchmarks.plans.datasets import how_to_make
from benchmarks.plans.folds import inner_folds
from benchmarks.records.store import Store
from benchmarks.search.searching import check_search, study_name
from benchmarks.terminal.words import counted, duration
from studies.best_parameters import Where
from studies.spec import SearchSpec
from studies.storage import NoStudiesError, storage_errors, view_storage

if TYPE_CHECKING:
    from benchmarks.commands.comparing import Job


def dry_forecast(job: "Job", spec: SearchSpec | None, *, storage_url: str | None) -> Group | str:
    """What ``afnetm run --dry-run`` says: what is searched, if anything, and what is trained then."""
    if spec is None:
        return forecast(job)
    check_search(job.suite, spec, job.planned, job.labels, job.dataset)
    if job.dataset is None and job.suite.dataset.synthetic is None:
        return forecast(job)
    protocol = job.suite.protocol
    runs = len(job.labels) * protocol.folds * protocol.repeats
    then = f"then the best parameters are trained: {counted(runs, 'run')}"
    return Group(search_forecast(job, spec, storage_url=storage_url, measure=True, report=True), f"[dim]{then}[/]")


def search_forecast(
    job: "Job", spec: SearchSpec, *, storage_url: str | None, measure: bool, report: bool = False
) -> Group | str:
    """A row a method: trainings at most (pruning spares some), those done, and how long the others take.

    That is by recorded times; where there are none and `measure` is set, by a few steps in this process, which a method
    may end or fill.

    Raises:
        UserError: it cannot be searched so; looked at where `measure` is set, as a search does it when it begins.
    """
    if measure:
        check_search(job.suite, spec, job.planned, job.labels, job.dataset)
    if job.dataset is None and job.suite.dataset.synthetic is None:
        return f"dataset '{job.suite.dataset.name}' is not there; to make it:\n  {how_to_make(job.suite.dataset)}"
    message = _message(job, storage_url)
    found = [_share(job, spec, label, message, measure=measure) for label in job.labels]
    studies = len(_places(job, spec)) * spec.selection_repeats
    about = (
        f"{spec.selection}: {counted(studies, 'study')} a method, {spec.budget} each, "
        f"{counted(spec.folds, 'inner fold')}; {spec.sampler}, pruner {spec.pruner}, by {spec.metric}"
    )
    if spec.hours is not None:
        seconds = sum(share.seconds for share in found)
        return f"{about}; {duration(seconds)} at most with {counted(job.workers, 'worker')}"
    notes = [about, "trainings at most: what is pruned is spared"]
    if not all(share.sure or math.isnan(share.seconds) for share in found):
        measured = " or a few training steps, now" if measure else ""
        notes.append(f"about: by recorded times{measured}; with {counted(job.workers, 'worker')}")
    if not measure and any(math.isnan(share.seconds) for share in found):
        notes.append("?: nothing of it was trained yet; --dry-run measures")
    beside = steps(job, left=sum(share.left for share in found), report=report)
    return Group(table_of(found, "trainings", beside), *(f"[dim]{escape(note)}[/]" for note in notes), *faults(found))


def _share(
    job: "Job", spec: SearchSpec, label: str, message: Mapping[str, list[FrozenTrial]], *, measure: bool
) -> Share:
    names = [
        study_name(job.suite.name, label, where, search)
        for where, search in product(_places(job, spec), range(spec.selection_repeats))
    ]
    trials = [message.get(name, []) for name in names]
    spent = [sum(trial.user_attrs.get("seconds", 0.0) for trial in own) for own in trials]
    if spec.most is None:
        assert spec.hours is not None
        left_over = sum(max(0.0, 3600 * spec.hours - seconds) for seconds in spent)
        return Share(label, 0, 0, left_over / job.workers, sure=True)
    runs = spec.most * len(names) * spec.folds
    left = sum(max(0, spec.most - len(own)) for own in trials) * spec.folds
    trained = sum(len(trial.user_attrs["runs"]) for own in trials for trial in own)
    if not left:
        return Share(label, runs, 0, 0.0, sure=True)
    each, fault = (sum(spent) / trained, None) if trained else _one(job, spec, label, measure=measure)
    return Share(label, runs, left, left * each / job.workers, sure=bool(trained), fault=fault)


def _one(job: "Job", spec: SearchSpec, label: str, *, measure: bool) -> tuple[float, str | None]:
    """Seconds of one training: by records of the comparison's, which train on more, or by a few steps; else NaN.

    And why those few steps failed, if they did.
    """
    store, inner, outer = Store(job.home), _inner_shape(job, spec), shape(job)
    done = store.done()
    times: list[float] = [
        store.result(p.run.key)["seconds"] for p in job.planned if p.label == label and p.run.key in done
    ]
    if times:
        return sum(times) / len(times) * inner.train / outer.train, None
    return estimated(job, label, inner) if measure else (math.nan, None)


def _inner_shape(job: "Job", spec: SearchSpec) -> Shape:
    outer, suite = shape(job), job.suite
    scans = outer.train
    if spec.selection == "development":
        if job.dataset is not None:
            first = job.planned[0]
            inner = inner_folds(job.dataset, first.scans, None, first.run.protocol, folds=spec.folds)
            scans = len(inner[0].rows)
        else:
            assert suite.dataset.synthetic is not None
            scans = (suite.dataset.synthetic.subjects - (suite.protocol.subjects or 0)) * scans_each(suite)
    return Shape(outer.size, scans - scans // spec.folds, scans // spec.folds)


def _places(job: "Job", spec: SearchSpec) -> list[Where]:
    protocol = job.suite.protocol
    if spec.selection == "development":
        return [None]
    return list(product(range(protocol.repeats), range(protocol.folds)))


def _message(job: "Job", storage_url: str | None) -> dict[str, list[FrozenTrial]]:
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
