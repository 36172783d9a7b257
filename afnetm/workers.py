"""Worker processes: how one begins, lives, and dies with the process that started it."""

import atexit
import math
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, parent_process, resource_tracker
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

_Result = TypeVar("_Result")

#: Where any of these is, a GPU's driver may be in use, which does not outlive a fork.
_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


#: Where Linux says which control group this process is in, and what each group may use.
_CONTROL_GROUP, _CONTROL_GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def core_count() -> int:
    """Cores that this process may use: of the machine's those that it is bound to, up to its container's share.

    A share may be set for a container, whose processes see its control group as the root of all, or for any group that
    contains this process, as systemd and batch systems do.
    """
    from joblib import cpu_count  # a tenth of a second

    return max(1, min(int(cpu_count()), *(math.ceil(share) for share in _shares())))


def _shares() -> list[float]:
    """The shares, in cores, of the control groups (version 2) that this process is in; one at least."""
    found = [float(os.cpu_count() or 1)]
    try:
        lines = _CONTROL_GROUP.read_text().splitlines()
    except OSError:
        return found
    for own in [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]:
        parts = () if own.startswith("..") else Path(own).parts  # it is in a group that is not seen from here
        for depth in range(1, len(parts) + 1):
            with suppress(OSError, ValueError):  # such as "max 100000": there is none
                quota, period = (_CONTROL_GROUPS.joinpath(*parts[:depth]) / "cpu.max").read_text().split()
                found.append(int(quota) / int(period))
    return found


def context(*modules: str) -> BaseContext:
    """Multiprocessing context of workers; the first call starts the server that they are forked from, if there is one.

    On Linux without a GPU it is forked from a process that has done nothing but import `modules`: torch alone takes
    seconds, which all workers share, and which pass while this process does something else. Elsewhere each worker is a
    process of its own from the start.

    Args:
        modules: what workers import; one that is not there is passed over.
    """
    with _unheard(signal.SIGUSR1):
        resource_tracker.ensure_running()
    if sys.platform != "linux" or any(Path(device).exists() for device in _GPUS):
        return multiprocessing.get_context("spawn")
    try:
        forkserver.set_forkserver_preload(list(modules))  # of no effect on a server that is there
        # A new interpreter's path leaves out the current folder, which may hold packages with the names of our modules.
        with environment({"PYTHONSAFEPATH": "1"}):
            forkserver.ensure_running()
    except OSError:  # no place for its socket: the path of the temporary folder is too long, say
        return multiprocessing.get_context("spawn")
    atexit.unregister(_end_server)
    atexit.register(_end_server)
    return multiprocessing.get_context("forkserver")


def in_processes(work: Callable[..., _Result], tasks: Sequence[tuple[Any, ...]], *, workers: int) -> Iterator[_Result]:
    """``work(*task)`` of every task, in the order in which they are done, by processes that end with this one.

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


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of this process' environment for a while: what a process that is started meanwhile begins with."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _unheard(stop: signal.Signals) -> Iterator[None]:
    """Has a process that is started meanwhile never hear of a signal that may be sent to all processes of a job.

    Python's own, which clean up behind the others, are started to ignore Ctrl-C and SIGTERM alone.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {stop})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_server() -> None:
    """Ends the server with this process, not some time after: it holds the same outputs, and takes long to clean up."""
    pid = getattr(forkserver._forkserver, "_forkserver_pid", None)  # no public way
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def follow_parent(variables: Mapping[str, str] | None = None) -> None:
    """Makes this worker end with its parent and only then; the initializer of every pool here.

    A worker whose parent was killed would otherwise wait, or write, forever. Ctrl-C reaches workers as well as their
    parent, and so does what a cluster's scheduler sends at the end of a job's time; what it means is for the parent to
    decide.

    Args:
        variables: all of its environment, the parent's of now; what the worker was forked from may have an older one.
    """
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(stop, signal.SIG_IGN)
    if variables is not None:
        os.environ.clear()
        os.environ.update(variables)
    parent = parent_process()
    assert parent is not None, "runs in a worker"

    def follow() -> None:
        parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()
