"""A job done: its methods searched, then trained and tested, and their models evaluated."""

from contextlib import suppress
from dataclasses import replace

from rich.markup import escape

from afnetm.errors import UserError
from benchmarks.commands.earlier import tell_changed_sources, tell_earlier
from benchmarks.commands.job import Job
from benchmarks.commands.manifests import make_manifest
from benchmarks.commands.tracking import study_copies
from benchmarks.execution.comparison import Comparison, Tally
from benchmarks.execution.copying import run_copies
from benchmarks.execution.driver import drive
from benchmarks.execution.one_copier import OneCopier
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.claims import Claims
from benchmarks.records.home import write_text
from benchmarks.records.manifest import UNTUNED, Manifest
from benchmarks.records.store import Store
from benchmarks.search.links import note_outcome
from benchmarks.search.searching import StudySpec, finished, search, study_specs
from benchmarks.search.tuning import by_search, found_by, position
from benchmarks.terminal.console import Terminal, errors
from benchmarks.terminal.words import counted
from studies.best_parameters import written
from studies.search import Search
from studies.storage import open_storage, storage_errors


def tune(job: Job, claims: Claims, *, storage_url: str | None, tracking_uri: str, console: Terminal) -> Job:
    """Searches for the methods asked for; the job comes back with what won.

    Every study goes on until its budget is spent; one that has spent it costs nothing. The best trials are written to
    the home (`Home.best_parameters`), so that they can be read, edited and given back; studies are copied to MLflow as
    they end.

    Raises:
        UserError: the storage is not there, or has something else under a study's name.
    """
    assert job.dataset is not None
    assert job.search is not None
    manifest = make_manifest(job.suite, job.dataset, [])
    done = Store(job.home).done()
    with storage_errors(storage_url):
        storage = open_storage(job.home.journal, storage_url, tell=_say)
        with study_copies(tracking_uri, job.home, manifest, console, storage_url=storage_url) as copying:
            one_copier = OneCopier(copying, claims, job.suite.name)

            def copy(study_spec: StudySpec, search: Search) -> None:
                note_outcome(study_spec, search)
                one_copier.do(lambda tracker: tracker.log(study_spec, search))

            workers = job.machines.begin(job.home, job.dataset, console.say)
            searched = search(
                job.studies, job.suite, job.home, storage, claims, workers=workers, console=console, ended=copy
            )
            others = finished(_other_studies(job), storage)
            for pair in others.items():
                copy(*pair)
            one_copier.ask()
        tuned = by_search(job.suite, job.search, job.planned, searched | others, asked=job.labels)
        used = [
            (study_spec.label, job.suite.methods[study_spec.label], key)
            for study_spec, search in searched.items()
            for trial in search.trials
            for key in trial.user_attrs.get("runs", ())
            if key in done
        ]
    tell_changed_sources(used, Store(job.home), suite=job.suite.name)
    origin = found_by(job.suite.name, job.suite.dataset.name, job.search)
    text = written(tuned.best_parameters, suite=job.suite.name, found_by=origin)
    write_text(job.home.best_parameters(job.suite.name), text)
    for one in job.planned:
        if reason := tuned.lacking.get(position(one)):
            Store(job.home).write_failure(UNTUNED + one.run.key, reason)
        elif not tuned.lacks(one):
            Store(job.home).forget([UNTUNED + one.run.key])
    return replace(job, planned=tuned.planned, tuned=tuned, untracked=copying.incomplete)


def _say(line: str) -> None:
    errors.say(f"[yellow]{escape(line)}[/]")


def _other_studies(job: Job) -> list[StudySpec]:
    """The studies of the methods and folds that were not asked for."""
    assert job.search is not None
    found, folds = [], {one.where: one.folds for one in job.studies}
    for label in job.suite.methods:
        planned = [one for one in job.planned if one.label == label and not job.asks_for(one)]
        # Where it cannot be searched so, it will be refused when it is asked for.
        with suppress(UserError):
            found += study_specs(job.suite, job.search, planned, [label], job.dataset, folds)
    names = {one.name for one in job.studies}
    return [one for one in found if one.name not in names]


def train(
    job: Job,
    manifest: Manifest,
    claims: Claims,
    *,
    tracking_uri: str,
    with_faces: bool,
    artifacts: str = "auto",
    console: Terminal,
) -> Tally:
    """Trains and tests what of a job is not done yet; its manifest is written to the home first.

    MLflow is written from a thread of its own, so that workers never wait for it; what it lacks from earlier runs is
    caught up on the way. `with_faces` lets it have subjects' names that are not shareable; `artifacts` says whether it
    has runs' files (`benchmarks.execution.tracking.Tracker`).
    """
    assert job.dataset is not None
    chosen = job.chosen
    manifest.save(job.home)
    # The comparison's before additional runs like it.
    listed = {one.key: one for one in reversed(manifest.only(None))}
    store = Store(job.home)
    done = store.done()
    tell_earlier(job, [one for one in chosen if one.run.key in done], store, console)
    with run_copies(tracking_uri, job.home, manifest, console, with_faces=with_faces, artifacts=artifacts) as copying:
        one_copier = OneCopier(copying, claims, job.suite.name)

        def log(key: str) -> None:
            one_copier.do(lambda tracker: tracker.log([listed[key]]))

        for one in chosen:
            if one.run.key in done:
                log(one.run.key)
        if others := claims.others():
            console.say(f"{counted(len(others), 'other driver')} at work in this home")
        begin = claims.rank
        comparison = Comparison(chosen, done, store, workers=job.workers, console=console, begin=begin, finished=log)
        tally = comparison.tally

        def work(workload: Comparison) -> None:
            assert job.dataset is not None
            if workload.ended:
                return
            if one_copier.ask():
                copying.begin()
            with workload.progress:
                workers = job.machines.begin(job.home, job.dataset, console.say)
                drive(workload, job.home, claims, workers=workers)
            store.summaries()  # which leaves an index of them

        work(comparison)
        if evaluations := _evaluations(job, store, console):
            done = store.done()
            for one in evaluations:
                if one.run.key in done:
                    log(one.run.key)
            evaluated = Comparison(
                evaluations,
                done,
                store,
                workers=job.workers,
                console=console,
                begin=begin,
                rehearsed=False,
                finished=log,
            )
            work(evaluated)
            tally.failed += evaluated.tally.failed
        one_copier.ask()
    tally.untracked = copying.incomplete
    return tally


def _evaluations(job: Job, store: Store, console: Terminal) -> list[PlannedRun]:
    """The evaluations of the models that are there; says how many others lack theirs."""
    planned = job.evaluations
    if planned and not job.machines.evaluates:
        name = escape(job.suite.name)
        console.say(f"{name}: models are evaluated where their weights are: run it once more without --executor")
        return []
    known = store.summaries()
    trained = {one.run.training_run.key for one in planned}
    bare = {key for key in trained & known.keys() if not known[key].weights}
    found = [one for one in planned if (key := one.run.training_run.key) in known and key not in bare]
    if bare:
        errors.say(
            f"[yellow]not evaluated:[/] {counted(len(bare), 'finished run')} kept no weights when trained; "
            f"after `afnetm forget {escape(job.suite.name)}` the next run trains them again"
        )
    if planned:
        left = sum(one.run.key not in known for one in found)
        console.say(f"{escape(job.suite.name)}: {left} of {counted(len(found), 'evaluation')} to do")
    return found
