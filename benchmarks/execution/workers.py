"""A worker: a process that does one run at a time, one thread each on a CPU (two of them beat one of two threads).

Each has a pool of its own, so that one that dies takes no other's run with it. Nothing here takes torch to import.
"""

import os
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TYPE_CHECKING

from afnetm.blame import error_message
from afnetm.errors import UserError
from afnetm.unwritten import is_full
from afnetm.workers import context, follow_parent
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance

if TYPE_CHECKING:
    from benchmarks.plans.runs import PlannedRun  # torch, by way of the methods

#: Trains and tests a run, writes its record, and returns the seconds that it took.
Work = Callable[["PlannedRun", Home], float]


@dataclass(frozen=True)
class Failure:
    """Failure of a run as text: not every exception survives the way from one process to another.

    Attributes:
        reason: one line, which names the place in the method's own file.
        text: which run, when, with which versions; then the traceback.
        disk_full: whether there was no room for what it writes.
        out_of_memory: whether there was none for what it computes, which a neighbour may have taken.
    """

    reason: str
    text: str
    disk_full: bool = False
    out_of_memory: bool = False


def begin_workers() -> BaseContext:
    """Context of workers (`afnetm.workers.context`); where they share it, what they import is begun to be imported.

    It waits for nothing, and is to be called as soon as it is likely that something is to be run: this process has
    seconds to plan.
    """
    return context("afnetm.data.preparing", "afnetm.data.synthetic.making", "benchmarks.execution.executing")


#: For a pool's thread to see that its process is gone.
_SECONDS = 15.0


class Worker:
    """A process that runs one run at a time, and is replaced when it has died."""

    def __init__(self) -> None:
        self._pool = _pool()
        # Of a pool that is being ended, which has neither any longer.
        self._processes: list[BaseProcess] = []
        self._manager: Thread | None = None

    def submit(self, planned: "PlannedRun", home: Home, work: Work) -> Future[float | Failure]:
        """Begins a run; what comes of it is its seconds, or why it failed."""
        try:
            return self._pool.submit(_work, planned, home, work)
        except BrokenProcessPool:  # it died between two runs
            self._renew()
            return self._pool.submit(_work, planned, home, work)

    def lost(self, future: Future[float | Failure]) -> bool:
        """Whether it died over what it was given, or ran out of memory; then it is another process from now on."""
        if future.exception() is None:
            result = future.result()
            if not (isinstance(result, Failure) and result.out_of_memory):
                return False
        self._renew()
        return True

    def end(self) -> None:
        """Ends it at once, whatever it does; where this is interrupted, it may be called again."""
        # There is no public way before Python 3.14's kill_workers.
        self._processes = list((self._pool._processes or {}).values()) or self._processes
        self._manager = getattr(self._pool, "_executor_manager_thread", None) or self._manager
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
        if self._manager is not None:  # at the program's end Python would wake it while it closes what it is woken by
            self._manager.join(_SECONDS)

    def _renew(self) -> None:
        self.end()
        self._processes, self._manager = [], None
        self._pool = _pool()


def failure(what: BaseException | str, planned: "PlannedRun") -> Failure:
    """Failure of a run: by an error, or in words in place of one."""
    run, made_with = planned.run, provenance()
    versions = ", ".join(f"{name} {version}" for name, version in made_with["versions"].items())
    about = {
        "method": f"{planned.label} ({run.method}, version {run.version})",
        "run": f"repeat {run.repeat}, fold {run.fold}" + (f", inner {run.inner}" if run.inner else ""),
        "settings": f"{run.hyperparameters}",
        "key": run.key,
        "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "device": f"{run.device}, {made_with['hardware']}",
        "versions": versions,
        "commit": made_with["commit"],
    }
    head = "\n".join(f"{name + ':':<10} {value}" for name, value in about.items())
    if isinstance(what, str):
        return Failure(what, f"{head}\n\n{what}\n")
    trace = "".join(traceback.format_exception(what))
    return Failure(
        error_message(what, _module(run.method)),
        f"{head}\n\n{trace.rstrip()}\n",
        disk_full=is_full(what),
        out_of_memory=isinstance(what, MemoryError) or type(what).__name__ == "OutOfMemoryError",  # torch's
    )


def _module(method: str) -> str:
    from afnetm.registry import find_method

    try:
        return str(find_method(method).__module__)
    except UserError:  # it cannot be loaded here, which is what the error says
        return ""


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=begin_workers(), initializer=_start, initargs=(dict(os.environ),))


def _start(environment: dict[str, str]) -> None:
    follow_parent(environment)
    from afnetm.training.process import prepare_process

    prepare_process()


def _work(planned: "PlannedRun", home: Home, work: Work) -> float | Failure:
    try:
        return work(planned, home)
    except BaseException as error:  # a method may raise anything, or exit
        return failure(error, planned)
