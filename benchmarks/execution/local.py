"""This machine: persistent workers, one thread each on a CPU (two processes of one thread beat one of two).

Every worker has a pool of its own, so that one that dies takes no other's run with it.
"""

import os
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from afnetm.errors import UserError
from afnetm.unwritten import is_full
from afnetm.workers import follow_parent
from benchmarks.execution.ahead import begin_workers
from benchmarks.execution.failure import reason, report
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.home import Home
from benchmarks.records.store import Store

#: Trains and tests a run, writes its record, and returns the seconds that it took.
Work = Callable[[PlannedRun, Home], float]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: in `seconds`, or failed for `reason` (one line; the traceback is in the store)."""

    planned: PlannedRun
    seconds: float = 0.0
    reason: str | None = None


@dataclass(frozen=True)
class _Failure:
    """Why a run failed, as text: not every exception survives the way from one process to another."""

    reason: str
    text: str
    disk_full: bool = False


def execute(planned: PlannedRun, home: Home) -> float:
    """What workers do (`benchmarks.execution.executing`, which takes torch to import)."""
    from benchmarks.execution import executing

    return (executing.rehearse if planned.rehearsal else executing.execute)(planned, home)


def run_local(
    pull: Callable[[], PlannedRun | None], home: Home, *, workers: int, work: Work = execute
) -> Generator[Outcome]:
    """Runs runs on `workers` processes and yields each as it ends; a run that fails does not stop the others.

    A run whose process dies, of which a neighbour's memory may have been the cause, is tried once more, with nothing
    beside it. Closing the iterator, or leaving it by an exception, ends the workers at once; their runs in flight are
    lost.

    Args:
        pull: gives the next run, or None where there is none now. It is asked again after each outcome, and the
            iterator ends when there is none and nothing is running.
        home: where records go.
        workers: processes.
        work: what is done with each run; picklable.

    Raises:
        UserError: the home's disk is full. The runs in flight have not failed.
    """
    idle = [_Worker() for _ in range(workers)]
    in_flight: dict[Future[float | _Failure], tuple[_Worker, PlannedRun]] = {}
    lost: deque[PlannedRun] = deque()
    tried_again: set[str] = set()

    def start(planned: PlannedRun) -> None:
        worker = idle.pop()
        in_flight[worker.submit(planned, home, work)] = (worker, planned)

    try:
        while True:
            if lost and not in_flight:
                start(lost.popleft())
            while idle and not lost and not tried_again & _keys(in_flight) and (planned := pull()) is not None:
                start(planned)
            if not in_flight:
                break
            for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                worker, planned = in_flight.pop(future)
                idle.append(worker)
                if worker.died(future) and planned.run.key not in tried_again:
                    tried_again.add(planned.run.key)
                    lost.append(planned)
                else:
                    yield _outcome(planned, future, home)
                    tried_again.discard(planned.run.key)
    finally:
        for worker in [*idle, *(worker for worker, _ in in_flight.values())]:
            worker.end()


def _keys(in_flight: dict[Future[float | _Failure], tuple["_Worker", PlannedRun]]) -> set[str]:
    return {planned.run.key for _, planned in in_flight.values()}


def _outcome(planned: PlannedRun, future: Future[float | _Failure], home: Home) -> Outcome:
    if future.exception() is not None:
        text = "the worker process died, also when tried again with nothing beside it (killed, or out of memory)"
        result: float | _Failure = _Failure(text, report(text, planned))
    else:
        result = future.result()
    if not isinstance(result, _Failure):
        return Outcome(planned, result)
    try:
        if not result.disk_full:
            Store(home).write_failure(planned.run.key, result.reason, result.text)
            return Outcome(planned, reason=result.reason)
    except OSError as error:
        if not is_full(error):
            raise
    raise UserError(
        f"home '{home.path}': the disk is full; all that is finished is kept: free some space and run again"
    ) from None


class _Worker:
    """A process that runs one run at a time, and is replaced when it has died."""

    def __init__(self) -> None:
        self._pool = _pool()

    def submit(self, planned: PlannedRun, home: Home, work: Work) -> Future[float | _Failure]:
        try:
            return self._pool.submit(_work, planned, home, work)
        except BrokenProcessPool:  # it died between two runs
            self._renew()
            return self._pool.submit(_work, planned, home, work)

    def died(self, future: Future[float | _Failure]) -> bool:
        """Whether it died over what it was given."""
        if future.exception() is None:
            return False
        self._renew()
        return True

    def end(self) -> None:
        """Ends it at once, whatever it does."""
        processes = list((self._pool._processes or {}).values())  # no public way before Python 3.14's kill_workers
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()

    def _renew(self) -> None:
        self.end()
        self._pool = _pool()


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=begin_workers(), initializer=_start, initargs=(dict(os.environ),))


def _start(environment: dict[str, str]) -> None:
    follow_parent(environment)
    from afnetm.training.process import prepare_process

    prepare_process()


def _work(planned: PlannedRun, home: Home, work: Work) -> float | _Failure:
    try:
        return work(planned, home)
    except BaseException as error:  # a method may raise anything, or exit
        return _Failure(reason(error, planned), report(error, planned), disk_full=is_full(error))
