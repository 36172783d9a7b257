"""What workers need is imported ahead of them, while this process still plans what they are to do."""

from multiprocessing.context import BaseContext

from afnetm.workers import context


def begin_workers() -> BaseContext:
    """How workers are started (`afnetm.workers.context`); what they import is begun to be imported, if it is shared.

    It waits for nothing, and is to be called as soon as it is likely that something is to be run.
    """
    return context("afnetm.data.preparing", "afnetm.data.synthetic.making", "benchmarks.execution.executing")
