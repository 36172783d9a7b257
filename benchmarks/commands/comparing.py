"""What ``afnetm run`` does, step by step: suite, device, dataset, plan; then the training."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.markup import escape

from afnetm.data.dataset import FaceDataset
from afnetm.errors import UserError
from afnetm.model.stream import check_encoder
from afnetm.registry import add_method_file
from afnetm.workers import core_count
from benchmarks.commands.changes import tell_changed_sources
from benchmarks.commands.manifests import make_manifest
from benchmarks.execution import comparison
from benchmarks.execution.copying import Report, copies
from benchmarks.plans.datasets import ensure_dataset
from benchmarks.plans.runs import PlannedRun, plan
from benchmarks.plans.suite import Suite, load_suite, validate
from benchmarks.records.home import Home, write_text
from benchmarks.records.manifest import UNTUNED, Manifest, NoManifestError, check_same, manifest_named
from benchmarks.records.store import Store
from benchmarks.search.links import note_outcome
from benchmarks.search.searching import StudySpec, finished, search, study_specs
from benchmarks.search.tuning import Tuned, by_file, by_search, position
from benchmarks.terminal.console import Terminal
from benchmarks.terminal.words import counted
from studies.best_parameters import written
from studies.search import Search
from studies.spec import SearchSpec
from studies.storage import open_storage, storage_errors

if TYPE_CHECKING:
    from benchmarks.search.tracking import StudyTracker


#: Of the faces of a dataset yet to be prepared, pixels, unless its maker says otherwise.
USUAL_SIZE = 224


@dataclass(frozen=True)
class Job:
    """A suite made ready: everything that can be wrong with it has been looked at.

    Attributes:
        suite: the whole suite.
        labels: the methods asked for, in the suite's order.
        dataset: opened; None in a dry run whose dataset is yet to be made.
        planned: all the suite's runs; none without a dataset. Tuned, they have their best parameters.
        device: ``"cpu"`` or ``"cuda"``.
        workers: processes.
        home: where records go.
        tuned: what they were tuned with; None where they were not.
        untracked: why MLflow lacks some of the studies, in one line; None where it has them.
    """

    suite: Suite
    labels: list[str]
    dataset: FaceDataset | None
    planned: list[PlannedRun]
    device: str
    workers: int
    home: Home
    tuned: Tuned | None = None
    untracked: str | None = None

    @property
    def chosen(self) -> list[PlannedRun]:
        """The runs asked for that can be trained, additional last; each once."""
        additional = [extra.planned for extra in self.tuned.additional] if self.tuned else []
        planned = [one for one in self.planned if not (self.tuned and self.tuned.lacks(one))]
        return list({one.run.key: one for one in [*planned, *additional] if one.label in self.labels}.values())


def prepare(
    reference: str,
    methods: list[str] | None,
    *,
    home: Home,
    workers: int | None,
    device: str,
    console: Terminal,
    dry: bool,
    changes: Sequence[str] = (),
    method_files: Sequence[Path] = (),
) -> Job:
    """Reads a suite, checks all that it asks for before anything is written, and plans it; makes its dataset."""
    beside = [add_method_file(path) for path in method_files]
    suite = load_suite(reference, changes, methods or ())
    with suppress(NoManifestError):
        check_same(manifest_named(home, suite.name), home, path=suite.path, text=suite.text)
    suite = _with_added(suite, [*(methods or []), *beside], home, console)
    labels = list(suite.only(methods).methods)
    kind = pick_device(device)
    workers = pick_workers(workers, kind)
    staged = [label for label in labels if suite.methods[label].staged]
    synthetic = suite.dataset.synthetic
    if synthetic is not None:  # before minutes are spent on making the dataset
        check_encoder(suite.encoder, size=synthetic.size, staged=staged)
    makeable = synthetic is not None or suite.dataset.source is not None
    if dry and makeable and not (home.datasets / suite.dataset.name).exists():
        if synthetic is None:
            check_encoder(suite.encoder, size=suite.encoder.size or USUAL_SIZE, staged=staged)
        return Job(suite, labels, None, [], kind, workers, home)
    if dry:
        dataset = ensure_dataset(home, suite.dataset, workers=workers, console=console)
    else:
        home.make()
        with home.lock():
            dataset = ensure_dataset(home, suite.dataset, workers=workers, console=console)
    if synthetic is None:
        check_encoder(suite.encoder, size=dataset.size, staged=staged)
    planned = plan(suite, dataset, device=kind)
    return Job(suite, labels, dataset, planned, kind, workers, home)


def _with_added(suite: Suite, names: list[str], home: Home, console: Terminal) -> Suite:
    """The suite with what earlier runs added to it, for as long as that has records, and with what `names` add."""
    try:
        before = manifest_named(home, suite.name)
    except NoManifestError:
        return suite.including(names)
    done = Store(home).done()
    for name in before.added:
        if any(listed.key in done for listed in before.only([name])):
            try:
                suite = suite.including([name])
            except UserError as error:
                console.say(escape(f"{name}, added in an earlier run, is left out: {error}"))
    return suite.including(names)


def search_spec(suite: Suite, *, trials: int | None, hours: float | None) -> SearchSpec:
    """How to search a suite: as it says, or as the defaults are, with another budget where one is given.

    Raises:
        UserError: the budget is not allowed.
    """
    spec = (suite.search or SearchSpec()).model_dump()
    if trials is not None or hours is not None:
        spec |= {"trials": trials, "hours": hours}
    found: SearchSpec = validate(SearchSpec, spec, suite.name, "search")
    return found


def tune(job: Job, spec: SearchSpec, *, storage_url: str | None, tracking_uri: str, console: Terminal) -> Job:
    """Searches by `spec` for the methods asked for; the job comes back with what won.

    Every study goes on until its budget is spent; one that has spent it costs nothing. The best trials are written to
    the home (`Home.best_parameters`), so that they can be read, edited and given back; studies are copied to MLflow as
    they end.

    Raises:
        UserError: the protocol leaves nobody to tune on, a space cannot be searched so, or the storage is not there.
    """
    assert job.dataset is not None
    asked = study_specs(job.suite, spec, job.planned, job.labels, job.dataset)
    manifest = make_manifest(job.suite, job.dataset, [])
    tracker = partial(_study_tracker, uri=tracking_uri, home=job.home, manifest=manifest, storage_url=storage_url)
    with job.home.lock():
        done = Store(job.home).done()
        with storage_errors(storage_url):
            storage = open_storage(job.home.journal, storage_url)
            with copies(tracker, tracking_uri, console) as copying:

                def copy(study_spec: StudySpec, search: Search) -> None:
                    note_outcome(study_spec, search)
                    copying.do(lambda tracker: tracker.log(study_spec, search))

                searched = search(asked, job.suite, job.home, storage, workers=job.workers, console=console, ended=copy)
                others = finished(_specs_of_other_studies(job, spec), storage)
                for pair in others.items():
                    copy(*pair)
            tuned = by_search(job.suite, spec, job.planned, searched | others, asked=job.labels)
            used = [
                (study_spec.label, job.suite.methods[study_spec.label], key)
                for study_spec, search in searched.items()
                for trial in search.trials
                for key in trial.user_attrs.get("runs", ())
                if key in done
            ]
        tell_changed_sources(used, Store(job.home), suite=job.suite.name)
        write_text(job.home.best_parameters(job.suite.name), written(tuned.best_parameters, suite=job.suite.name))
        for one in job.planned:
            if reason := tuned.lacking.get(position(one)):
                Store(job.home).write_failure(UNTUNED + one.run.key, reason)
            elif not tuned.lacks(one):
                Store(job.home).forget([UNTUNED + one.run.key])
    return replace(job, planned=tuned.planned, tuned=tuned, untracked=copying.lacks)


def _specs_of_other_studies(job: Job, spec: SearchSpec) -> list[StudySpec]:
    """The studies of the methods that were not asked for."""
    found = []
    for label in job.suite.methods:
        if label not in job.labels:
            with suppress(UserError):  # it cannot be searched so, and will be refused when it is asked for
                found += study_specs(job.suite, spec, job.planned, [label], job.dataset)
    return found


def _study_tracker(
    tell: Report, *, uri: str, home: Home, manifest: Manifest, storage_url: str | None
) -> "StudyTracker":
    from benchmarks.search.tracking import StudyTracker

    return StudyTracker(uri, home, manifest, storage_url=storage_url, tell=tell)


def give(job: Job, path: Path) -> Job:
    """The job with the settings that a file gives.

    Raises:
        UserError: the file is not right, or does not fit the suite.
    """
    tuned = by_file(job.suite, job.planned, path)
    return replace(job, planned=tuned.planned, tuned=tuned)


def train(job: Job, *, tracking_uri: str, with_faces: bool, console: Terminal) -> comparison.Tally:
    """Runs what of a job is not done yet; `with_faces` lets MLflow have subjects' names that are not shareable."""
    assert job.dataset is not None
    manifest = make_manifest(job.suite, job.dataset, job.planned, job.tuned)
    with job.home.lock():
        manifest.save(job.home)
        done = Store(job.home).done()
        left = sum(p.run.key not in done for p in job.chosen)
        runs, workers = counted(len(job.chosen), "run"), counted(job.workers, "worker")
        if left:
            console.say(f"{escape(job.suite.name)}: {left} of {runs} to train, {workers}")
        else:
            console.say(f"{escape(job.suite.name)}: {runs} done; nothing to train")
        _tell_weightless(job, done, console)
        used = [(p.label, job.suite.methods[p.label], p.run.key) for p in job.chosen if p.run.key in done]
        tell_changed_sources(used, Store(job.home), suite=job.suite.name)
        return comparison.train(
            job.chosen,
            manifest,
            job.home,
            workers=job.workers,
            tracking_uri=tracking_uri,
            with_faces=with_faces,
            console=console,
        )


def _tell_weightless(job: Job, done: set[str], console: Terminal) -> None:
    """Says which finished runs have no weights though the suite keeps them now: a record stays as it was written."""
    store = Store(job.home)
    bare = [p for p in job.chosen if p.keep_weights and p.run.key in done and not store.has_weights(p.run.key)]
    if bare:
        console.say(
            f"keep_weights = true: {counted(len(bare), 'finished run')} without weights, which were not kept then; "
            f"after `afnetm forget {escape(job.suite.name)}` the next run trains them again"
        )


def pick_device(name: str) -> str:
    """``"cpu"`` or ``"cuda"``.

    Raises:
        UserError: no such device, or it is not there.
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise UserError(f"--device: '{name}' is not allowed; one of: auto, cpu, cuda")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UserError("--device: 'cuda' is not there; torch sees no GPU on this machine; allowed: auto, cpu")
    return "cuda" if there and name != "cpu" else "cpu"


def pick_workers(count: int | None, device: str) -> int:
    """How many processes: as asked, or one a core on a CPU, one on a GPU.

    Raises:
        UserError: fewer than one.
    """
    if count is None:
        return core_count() if device == "cpu" else 1
    if count < 1:
        raise UserError(f"--workers: {count} is not allowed; 1 or more")
    return count
