"""What ``afnetm run`` does, step by step: suite, device, cohort, plan; then the training."""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console

from afnetm.data.cohort import Cohort, card
from afnetm.errors import UserError
from afnetm.model.stream import check_encoder
from benchmarks.cohorts import ensure_cohort
from benchmarks.home import Home
from benchmarks.ledger import Entry, Ledger, read_ledger
from benchmarks.runner import Tally, run
from benchmarks.store import Store
from benchmarks.suite import Suite, load_suite
from benchmarks.units import PlannedUnit, hyperparameters, plan


@dataclass(frozen=True)
class Job:
    """A suite made ready: everything that can be wrong with it has been looked at.

    Attributes:
        suite: the whole suite.
        labels: the methods asked for, in the suite's order.
        cohort: opened; None in a dry run whose cohort is yet to be made.
        planned: all the suite's units; none without a cohort.
        device: ``"cpu"`` or ``"cuda"``.
        workers: processes.
        home: where records go.
    """

    suite: Suite
    labels: list[str]
    cohort: Cohort | None
    planned: list[PlannedUnit]
    device: str
    workers: int
    home: Home

    @property
    def chosen(self) -> list[PlannedUnit]:
        """The units asked for."""
        return [planned for planned in self.planned if planned.label in self.labels]


def prepare(
    reference: str,
    methods: list[str] | None,
    *,
    home: Home,
    workers: int | None,
    device: str,
    console: Console,
    dry: bool,
) -> Job:
    """Reads a suite, checks all that it asks for before anything is written, and plans it; makes its cohort."""
    suite = _with_added(load_suite(reference), methods or [], home, console)
    labels = list(suite.only(methods).methods)
    kind = pick_device(device)
    workers = pick_workers(workers, kind)
    staged = [label for label in labels if suite.methods[label].staged]
    synthetic = suite.cohort.synthetic
    if synthetic is not None:  # before minutes are spent on making the cohort
        check_encoder(suite.encoder, size=synthetic.size, staged=staged)
    makeable = synthetic is not None or suite.cohort.dataset is not None
    if dry and makeable and not (home.cohorts / suite.cohort.name).exists():
        return Job(suite, labels, None, [], kind, workers, home)
    if dry:
        cohort = ensure_cohort(home, suite.cohort, workers=workers, console=console)
    else:
        home.make()
        with home.lock():
            cohort = ensure_cohort(home, suite.cohort, workers=workers, console=console)
    if synthetic is None:
        check_encoder(suite.encoder, size=cohort.size, staged=staged)
    planned = plan(suite, cohort, device=kind)
    return Job(suite, labels, cohort, planned, kind, workers, home)


def _with_added(suite: Suite, names: list[str], home: Home, console: Console) -> Suite:
    """The suite with what earlier runs added to it, for as long as that has records, and with what `names` add."""
    try:
        before = read_ledger(home, suite.name)
    except UserError:  # it was never run
        return suite.including(names)
    done = Store(home).done()
    for name in before.added:
        if any(entry.key in done for entry in before.only([name])):
            try:
                suite = suite.including([name])
            except UserError as error:
                console.print(f"{name}, added in an earlier run, is left out: {error}", highlight=False, markup=False)
    return suite.including(names)


def train(job: Job, *, tracking_uri: str, with_faces: bool, console: Console) -> Tally:
    """Runs what of a job is not done yet; `with_faces` lets MLflow have subjects' names that are not shareable."""
    assert job.cohort is not None
    ledger = make_ledger(job.suite, job.cohort, job.planned)
    with job.home.lock():
        ledger.save(job.home)
        done = Store(job.home).done()
        left = sum(p.unit.key not in done for p in job.chosen)
        if left:
            console.print(f"{job.suite.name}: {left} of {len(job.chosen)} units to train, {job.workers} workers")
        else:
            console.print(f"{job.suite.name}: all {len(job.chosen)} units are done; nothing to train")
        return run(
            job.chosen,
            ledger,
            job.home,
            workers=job.workers,
            tracking_uri=tracking_uri,
            with_faces=with_faces,
            console=console,
        )


def make_ledger(suite: Suite, cohort: Cohort, planned: list[PlannedUnit]) -> Ledger:
    """The ledger of a suite as planned."""
    return Ledger(
        suite=suite.name,
        text=suite.text,
        resolved=suite.model_dump(mode="json", exclude={"text", "methods", "added", "fixed"})
        | {"methods": {label: hyperparameters(method) for label, method in suite.methods.items()}},
        description=suite.description,
        control=suite.control,
        cohort=card(cohort) | {"source": cohort.source if cohort.shareable else _pathless(cohort.source)},
        methods={
            label: {
                "name": method.name,
                "version": method.version,
                "summary": method.summary,
                "source": method.source,
                "hyperparameters": hyperparameters(method),
            }
            for label, method in suite.methods.items()
        },
        units=[Entry(p.unit.key, p.label, p.unit.repeat, p.unit.fold) for p in planned],
        axes={name: axis.model_dump() for name, axis in suite.axes.items()},
        added=list(suite.added),
        secret="" if cohort.shareable else _secret(cohort),
    )


def _pathless(source: dict[str, Any]) -> dict[str, Any]:
    """What a cohort came from without what may be a path: sources name none, but a cohort may be another program's."""
    return {key: value for key, value in source.items() if not {"/", "\\"} & set(str(value))}


def _secret(cohort: Cohort) -> str:
    """The same for one cohort wherever it is, and unknown to who has not got its scans: a digest of their digests."""
    return hashlib.sha256("".join(cohort.table["sha256"]).encode()).hexdigest()


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
        return len(os.sched_getaffinity(0)) if device == "cpu" else 1
    if count < 1:
        raise UserError(f"--workers: {count} is not allowed; 1 or more")
    return count
