"""Usage of its machine by a run while it is trained and tested, for who looks for the reason that it takes so long."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psutil
import torch

#: Seconds to the first sample, which are doubled once there are so many samples: a record has a page of them at most.
_FIRST, _MOST = 1.0, 60
#: A column a name, a number a sample.
Usage = dict[str, list[float]]


@contextmanager
def sampled(device: torch.device) -> Iterator[Usage]:
    """Samples, from a thread of its own, of what this process uses until the context is left.

    What cannot be found out is left out; nothing is raised.

    Args:
        device: where it computes.

    Yields:
        what is filled meanwhile, and evenly spaced once the context is left, 60 samples at most: ``seconds`` since the
        beginning, ``cpu`` (percent of one core, of this process), ``memory`` (bytes of it that are in memory), and on
        a GPU ``gpu`` (percent of the time that it computes, for whomever; where nvidia-ml-py is installed) and
        ``gpu_memory`` (bytes of it that this process holds).
    """
    usage: Usage = {}
    over = Event()
    thread = Thread(target=_sample, args=(usage, _sources(device), over), name="usage", daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        over.set()
        thread.join()


def _sources(device: torch.device) -> dict[str, Callable[[], float]]:
    process = psutil.Process()
    process.cpu_percent()  # since the call before
    sources: dict[str, Callable[[], float]] = {
        "cpu": process.cpu_percent,
        "memory": lambda: float(process.memory_info().rss),
    }
    if device.type == "cuda":
        # Neither asks CUDA, of which a thread beside one that captures a graph may ask little.
        sources["gpu"] = lambda: float(torch.cuda.utilization(device))
        sources["gpu_memory"] = lambda: float(torch.cuda.memory_reserved(device))
    return sources


def _sample(usage: Usage, sources: dict[str, Callable[[], float]], over: Event) -> None:
    began, pause = time.perf_counter(), _FIRST
    while not over.wait(pause):
        values = {"seconds": round(time.perf_counter() - began, 3)}
        for name, source in list(sources.items()):
            try:
                values[name] = round(source(), 1)
            except Exception:  # of a driver, or of a library that is not there
                del sources[name]
                usage.pop(name, None)
        for name, value in values.items():
            usage.setdefault(name, []).append(value)
        if len(usage["seconds"]) == _MOST:
            pause *= 2
            for column in usage.values():
                del column[::2]
