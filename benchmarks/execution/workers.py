"""A worker: a process in a slot that does one run at a time, by one thread (two of them beat one of two threads).

Each has a pool of its own, so that one that dies takes no other's run with it. Nothing here takes torch to import.
"""

import multiprocessing
import os
import re
import time
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
from afnetm.errors import UserError, causes
from afnetm.unwritten import is_full
from afnetm.workers import context, environment, follow_parent
from benchmarks.execution.slots import Slot, enter, this_slot
from benchmarks.records.home import Home
from benchmarks.records.provenance import provenance
from benchmarks.records.store import Record, Store

if TYPE_CHECKING:
    from benchmarks.plans.runs import PlannedRun  # torch, by way of the methods

#: Trains and tests a run by a dataset in the home, and gives its record, which is for others to write, if it has one.
Work = Callable[["PlannedRun", Home], Record | None]


@dataclass(frozen=True)
class Failure:
    """Failure of a run as text: not every exception survives the way from one process to another.

    Attributes:
        reason: one line, which names the place in the method's own file.
        text: which run, when, with which versions; then the traceback.
        disk_full: whether there was no room for what it writes.
        worth_retrying: whether another process with nothing beside it may do better: there was no memory, which a
            neighbour may have taken, or the GPU can no longer be used by this process.
    """

    reason: str
    text: str
    disk_full: bool = False
    worth_retrying: bool = False


def begin_workers() -> BaseContext:
    """Context of workers (`afnetm.workers.context`); where they share it, what they import is begun to be imported.

    It waits for nothing, and is to be called as soon as it is likely that something is to be run: this process has
    seconds to plan.
    """
    return context("afnetm.data.preparing", "afnetm.data.synthetic.making", "benchmarks.execution.executing")


#: For a pool's thread to see that its process is gone.
_SECONDS = 15.0


class Worker:
    """A process that runs one run at a time, and is replaced when it has died.

    Args:
        slot: where it works, and what its process begins with.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._pool: ProcessPoolExecutor | None = None  # until its first run
        # Of a pool that is being ended, which has neither any longer.
        self._processes: list[BaseProcess] = []
        self._manager: Thread | None = None

    def submit(self, planned: "PlannedRun", home: Home, work: Work) -> Future[float | Failure]:
        """Begins a run; what comes of it is its seconds, or why it failed."""
        try:
            return self._submit(planned, home, work)
        except BrokenProcessPool:  # it died between two runs
            self.end()
            return self._submit(planned, home, work)

    def lost(self, future: Future[float | Failure]) -> bool:
        """Whether it died over a run, or what it met may be its own fault; then it is another process from now on.

        Its own fault may be a lack of memory, or a GPU that refuses whatever this process still asks of it.
        """
        if future.exception() is None:
            result = future.result()
            if not (isinstance(result, Failure) and result.worth_retrying):
                return False
        self.end()
        return True

    def end(self) -> None:
        """Ends it at once, whatever it does; where this is interrupted, it may be called again."""
        if self._pool is None:
            return
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
        self._pool, self._processes, self._manager = None, [], None

    def _submit(self, planned: "PlannedRun", home: Home, work: Work) -> Future[float | Failure]:
        if self._pool is None:
            self._pool = _pool(self._slot)
        # The process begins with its first run. Its path leaves out the current folder (`afnetm.workers.context`).
        with environment({"PYTHONSAFEPATH": "1", **self._slot.environment}):
            return self._pool.submit(_work, planned, home, work)


def failure(what: BaseException | str, planned: "PlannedRun") -> Failure:
    """Failure of a run: by an error, or in words in place of one."""
    run, made_with = planned.run, provenance()
    versions = ", ".join(f"{name} {version}" for name, version in made_with["versions"].items())
    about = {
        "method": f"{planned.label} ({run.method}, version {run.version})",
        "run": run.place + (f", inner {run.inner}" if run.inner else ""),
        "settings": f"{run.hyperparameters}",
        "key": run.key,
        "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "device": ", ".join(filter(None, (run.device, this_slot().name, made_with["hardware"]))),
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
        worth_retrying=any(_may_be_the_process(error) for error in causes(what)),
    )


#: How torch begins what CUDA and its libraries say; all that a process asks of its GPU may fail after one of these.
_OF_THE_GPU = re.compile(r"CUDA error|CUDNN_STATUS|CUBLAS_STATUS|CUFFT_|CUSOLVER_STATUS|HIP error")


def _may_be_the_process(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ in {"OutOfMemoryError", "AcceleratorError"}:  # torch's
        return True
    return isinstance(error, RuntimeError) and _OF_THE_GPU.search(str(error)) is not None


def _module(method: str) -> str:
    from afnetm.registry import find_method

    try:
        return str(find_method(method).__module__)
    except UserError:  # it cannot be loaded here, which is what the error says
        return ""


def _pool(slot: Slot) -> ProcessPoolExecutor:
    # What is forked has the environment of the server that it is forked from, which is too late for a GPU's.
    kind = begin_workers() if slot.device == "cpu" else multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=kind, initializer=_start, initargs=(slot, dict(os.environ)))


def _start(slot: Slot, variables: dict[str, str]) -> None:
    follow_parent(variables)
    enter(slot)


def _work(planned: "PlannedRun", home: Home, work: Work) -> float | Failure:
    started = time.perf_counter()
    try:
        record = work(planned, home)
        if record is not None:
            Store(home).write(planned.run.key, record)
        return time.perf_counter() - started
    except BaseException as error:  # a method may raise anything, or exit
        return failure(error, planned)
