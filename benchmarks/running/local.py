"""This machine: persistent spawned workers, one thread each on a CPU (two processes of one thread beat one of two)."""

import multiprocessing
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from afnetm.workers import follow_parent
from benchmarks.plans.units import PlannedUnit
from benchmarks.records.home import Home
from benchmarks.records.store import Store


@dataclass(frozen=True)
class Outcome:
    """How a unit ended: in `seconds`, or failed for `reason` (one line; the traceback is in the store).

    It is `lost` where its process died, for which another unit may have been the cause.
    """

    planned: PlannedUnit
    seconds: float = 0.0
    reason: str | None = None
    lost: bool = False


def run_local(pull: Callable[[], PlannedUnit | None], home: Home, *, workers: int) -> Generator[Outcome]:
    """Runs units on `workers` processes and yields each as it ends; a unit that fails does not stop the others.

    Closing the iterator, or leaving it by an exception, ends the workers at once; their units in flight are lost.

    Args:
        pull: gives the next unit, or None where there is none now. It is asked again after each outcome, and the
            iterator ends when there is none and nothing is running.
        home: where records go.
        workers: processes.
    """
    pool = _pool(workers)
    refused: PlannedUnit | None = None
    running: dict[Future[float], PlannedUnit] = {}
    try:
        while True:
            broken = False
            while len(running) < workers and not broken and (unit := refused or pull()) is not None:
                try:
                    running[pool.submit(_work, unit, home)] = unit
                    refused = None
                except BrokenProcessPool:  # a worker died between two units
                    refused, broken = unit, True
            if not running and not broken:
                break
            ended = wait(running, return_when=FIRST_COMPLETED).done
            if broken or any(isinstance(future.exception(), BrokenProcessPool) for future in ended):
                # Which unit's worker died is not known: all in flight have failed, and none may outlast its pool.
                broken, ended = True, wait(running).done
            for future in ended:
                yield _outcome(running.pop(future), future, home)
            if broken:
                _end(pool)
                pool = _pool(workers)
        pool.shutdown()
    finally:
        _end(pool)


def _outcome(planned: PlannedUnit, future: Future[float], home: Home) -> Outcome:
    error = future.exception()
    if error is None:
        return Outcome(planned, future.result())
    lost = isinstance(error, BrokenProcessPool)
    if lost:
        error = RuntimeError("a worker process died (killed, or out of memory) while this unit was in flight")
    Store(home).write_failure(planned.unit.key, error)
    return Outcome(planned, reason=Store(home).failure(planned.unit.key)["reason"], lost=lost)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start)


def _end(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())  # no public way before Python 3.14's kill_workers
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


def _start() -> None:
    follow_parent()
    from afnetm.training.process import prepare_process

    prepare_process()


def _work(planned: PlannedUnit, home: Home) -> float:
    from benchmarks.running.execution import execute

    return execute(planned, home)
