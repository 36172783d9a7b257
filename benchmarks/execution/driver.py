"""The driver: whatever is to be trained is trained by workers, with one way to fail, to try again and to stop."""

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import Protocol

from afnetm.errors import UserError
from afnetm.unwritten import is_full
from benchmarks.execution.workers import Failure, Work, failure
from benchmarks.execution.workload import Outcome, Shared, Workload
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.claims import Claims
from benchmarks.records.home import Home
from benchmarks.records.store import Record, Store


class Executor(Protocol):
    """One that does a run at a time: a process of this machine (`benchmarks.execution.workers.Worker`) or another."""

    def submit(self, planned: PlannedRun, home: Home, work: Work) -> Future[float | Failure]:
        """Begins a run, and does not wait; what comes of it is its seconds, or why it failed.

        The future has an exception where whatever did it is gone.
        """

    def lost(self, future: Future[float | Failure]) -> bool:
        """Whether what came of a run may be the executor's own fault, or its neighbours'; it is a fresh one then."""

    def end(self) -> None:
        """Ends it at once, whatever it does; may be called again."""


def execute(planned: PlannedRun, home: Home) -> Record | None:
    """Trains and tests a run, or evaluates a model, in a worker (which takes torch to import)."""
    from benchmarks.execution import evaluating, executing

    if planned.run.evaluation is not None:
        return evaluating.evaluate(planned, home)
    return (executing.rehearse if planned.rehearsal else executing.train)(planned, home)


def drive(workload: Workload, home: Home, claims: Claims, *, workers: Sequence[Executor], work: Work = execute) -> None:
    """Has all of a workload done, until it gives nothing more and nothing is under way, here or with other drivers.

    A run that fails stops no other; why is recorded. A run whose process dies, runs out of memory or can no longer use
    its GPU, of which a neighbour may have been the cause, is tried once more, by another process with nothing beside
    it. Left by an exception, Ctrl-C's among them, the workers end at once; their runs in flight are lost, and leave
    nothing half-written.

    Args:
        workload: what is to be done.
        home: where records go.
        claims: this driver's in that home.
        workers: what does them, as many at once; they are ended.
        work: what is done with each run; picklable.

    Raises:
        UserError: the home's disk is full. The runs in flight have not failed.
    """
    store = Store(home)
    shared = Shared(workload, claims, store)
    idle = list(workers)
    in_flight: dict[Future[float | Failure], tuple[Executor, PlannedRun]] = {}
    lost: deque[PlannedRun] = deque()  # what is to be tried again, with nothing beside it

    def start(planned: PlannedRun) -> None:
        worker = idle.pop()
        in_flight[worker.submit(planned, home, work)] = (worker, planned)

    with store.swept(shared.taken):
        try:
            while True:
                if lost and not in_flight:
                    start(lost.popleft())
                alone = any(planned.alone for _, planned in in_flight.values())
                while idle and not lost and not alone and (planned := shared.pull()) is not None:
                    start(planned)
                again = shared.again
                if not in_flight:
                    if again is None:
                        break
                    time.sleep(again)
                for future in wait(in_flight, again, return_when=FIRST_COMPLETED).done:
                    worker, planned = in_flight.pop(future)
                    idle.append(worker)
                    if worker.lost(future) and not planned.alone:
                        lost.append(replace(planned, alone=_reason(future)))
                    else:
                        shared.take(_outcome(planned, future, store, home))
        finally:
            for worker in workers:  # an interruption may have come while one was neither idle nor in flight
                worker.end()


def _reason(future: Future[float | Failure]) -> str:
    """Reason why a run is lost, in one line."""
    result = None if future.exception() else future.result()
    return result.reason if isinstance(result, Failure) else "the worker process died"


def _outcome(planned: PlannedRun, future: Future[float | Failure], store: Store, home: Home) -> Outcome:
    """Outcome of a run, a failure recorded."""
    if future.exception() is None:
        result = future.result()
    else:
        result = failure(f"{_reason(future)}, also when it was retried alone (killed, or out of memory)", planned)
    if not isinstance(result, Failure):
        return Outcome(planned, result)
    try:
        if not result.disk_full:
            store.write_failure(planned.run.key, result.reason, result.text)
            return Outcome(planned, reason=result.reason)
    except OSError as error:
        if not is_full(error):
            raise
    raise UserError(
        f"home '{home.path}': the disk is full; finished runs are kept: free some space and run again"
    ) from None
