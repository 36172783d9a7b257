"""Cost of a run beside its training, by a process of this machine and by an actor of Ray."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.commands.job import Job, prepare
from benchmarks.commands.machines import machines
from benchmarks.commands.request import Options, ask
from benchmarks.execution.driver import execute
from benchmarks.execution.workers import Failure
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal

#: Seconds of a training that the cost is set against.
_TRAINING = 30.0
#: Runs that are timed, and one before them, with which the process begins.
_RUNS = 6


def beside(made: Path, home: Path, *, device: str) -> dict[str, float]:
    """Milliseconds of a run, the median, beside what its process takes for it, and their share of a longer one.

    Args:
        made: a home with the dataset of the suite quick, whose runs these are, of one epoch each.
        home: a new one, for the records.
        device: ``"cpu"`` or ``"cuda"``.
    """
    home.mkdir()
    (home / "datasets").symlink_to((made / "datasets").resolve())
    found = {}
    quiet = Terminal(quiet=True)
    for executor in ("local", "ray"):
        changes = ["training.epochs=1"]
        options = Options(home=Home(home), workers=1, device=device, executor=executor, changes=changes)
        with machines(options, quiet) as there:
            job = prepare(ask("quick", options), quiet, there)
            found[executor] = 1000 * median(list(_beside(job))[1:])
    return {
        "by a process of this machine, ms a run": found["local"],
        "by Ray, ms a run": found["ray"],
        f"by Ray, % of a run of {_TRAINING:.0f} s": found["ray"] / _TRAINING / 10,
    }


def _beside(job: Job) -> Iterator[float]:
    """Seconds of each run that its process does not count, one run after the other, none of which is there already."""
    assert job.dataset is not None
    worker, *_ = job.machines.begin(job.home, job.dataset, print)
    try:
        for planned in job.planned[: _RUNS + 1]:
            Store(job.home).forget([planned.run.key])
            started = time.perf_counter()
            counted = worker.submit(planned, job.home, execute).result()
            assert not isinstance(counted, Failure), counted
            yield time.perf_counter() - started - counted
    finally:
        worker.end()
