"""Work spread over processes that end with the one that started them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from afnetm.workers import context, follow_parent

_Result = TypeVar("_Result")


def in_processes(work: Callable[..., _Result], tasks: Sequence[tuple[Any, ...]], *, workers: int) -> Iterator[_Result]:
    """``work(*task)`` of every task, in the order in which they are done.

    Args:
        work: picklable if there are several workers, as are the tasks and what comes of them.
        tasks: the arguments of each.
        workers: processes; 1 is this one. Given up half-way, no further task is begun.
    """
    if workers == 1:
        yield from (work(*task) for task in tasks)
        return
    processes = min(workers, len(tasks) or 1)
    pool = ProcessPoolExecutor(processes, mp_context=context(work.__module__), initializer=follow_parent)
    try:
        for future in as_completed([pool.submit(work, *task) for task in tasks]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)
