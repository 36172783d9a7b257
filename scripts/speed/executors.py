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


def beside(home: Path, *, device: str) -> dict[str, float]:
    """Milliseconds of a run of the quick suite, the median, beside what its process takes for it; and their share."""
    found = {}
    quiet = Terminal(quiet=True)
    for executor in ("local", "ray"):
        options = Options(home=Home(home), workers=1, device=device, executor=executor)
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
