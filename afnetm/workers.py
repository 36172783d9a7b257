"""Worker processes: how one lives and dies with the process that started it."""

import os
import signal
from multiprocessing import parent_process
from threading import Thread


def core_count() -> int:
    """Cores that this process may use; all of the machine's where the system has no such limit."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def follow_parent() -> None:
    """Makes this worker end with its parent and only then; the initializer of every pool here.

    A worker whose parent was killed would otherwise wait, or write, forever. Ctrl-C reaches workers as well as their
    parent, and so does what a cluster's scheduler sends at the end of a job's time; what it means is for the parent to
    decide.
    """
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None, "runs in a worker"

    def follow() -> None:
        parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()
