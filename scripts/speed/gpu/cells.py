"""Cells: what is measured, each caught, within its time, in a process that is left behind when it breaks.

An error on a GPU may stay: after an illegal access every later call of that process fails, whatever it is. And what
hangs in the driver cannot be interrupted. So cells run in a process of their own, one after the other in the same one
for as long as all is well, and in a fresh one after that.
"""

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

from afnetm.workers import follow_parent
from scripts.speed.gpu.scale import Scale

Measure = Callable[[Scale], dict[str, Any]]

#: What a process may take to begin, importing torch, and to be gone once it closed its end: seconds.
_BEGINS, _ENDS = 120.0, 10.0


class WrongError(Exception):
    """Something is not as it should be; `found` is what was found all the same."""

    def __init__(self, message: str, found: dict[str, Any]) -> None:
        super().__init__(message, found)
        self.message, self.found = message, found

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Cell:
    """One thing to measure.

    Attributes:
        name: in the file and the table.
        measure: a function of a module, or a `partial` of one, that returns what it found: numbers and words by name.
        seconds: it is given up after so many.
    """

    name: str
    measure: Measure
    seconds: float = 60.0


class Bench:
    """Runs cells in another process, and in a new one after each that broke or outlasted it.

    Args:
        scale: given to every cell.
        prepare: called once in each process, before any cell.
    """

    def __init__(self, scale: Scale, prepare: Callable[[], None]) -> None:
        self._scale, self._prepare = scale, prepare
        self._process: multiprocessing.process.BaseProcess | None = None
        self._ends: Connection[Any, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def run(self, cell: Cell, *, seconds: float) -> dict[str, Any]:
        """Result of `cell` within `seconds`: ``status``, ``seconds``, ``found``, ``error``, ``traceback``.

        The status is ``ok``, ``failed`` (it raised, or found something `WrongError`), ``late`` (it took too long) or
        ``died`` (its process did).
        """
        outcome: dict[str, Any]
        begun = time.perf_counter()
        try:
            ends = self._ends or self._start()
            begun = time.perf_counter()
            ends.send(cell.measure)
            if ends.poll(seconds):
                outcome = ends.recv()
            else:
                outcome = {"status": "late", "error": f"not done after {seconds:.0f} s"}
        except TimeoutError as error:
            outcome = {"status": "late", "error": str(error)}
        except (EOFError, ConnectionError):
            assert self._process is not None
            self._process.join(_ENDS)
            outcome = {"status": "died", "error": f"its process ended with exit code {self._process.exitcode}"}
        if outcome["status"] in {"late", "died"} or outcome.pop("broken"):
            self._leave()
        return {"cell": cell.name, "seconds": time.perf_counter() - begun, **outcome}

    def _start(self) -> "Connection[Any, Any]":
        context = multiprocessing.get_context("spawn")
        self._ends, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._scale, self._prepare))
        self._process.start()
        theirs.close()  # so that ours ends when the process does
        if not self._ends.poll(_BEGINS):
            raise TimeoutError(f"no process to measure in after {_BEGINS:.0f} s")
        self._ends.recv()
        return self._ends

    def _leave(self) -> None:
        if self._process is not None and self._ends is not None:
            self._ends.close()
            self._process.kill()
            self._process.join()
        self._process = self._ends = None


def _serve(ends: "Connection[Any, Any]", scale: Scale, prepare: Callable[[], None]) -> None:
    follow_parent()
    prepare()
    ends.send("ready")
    while True:
        try:
            measure = ends.recv()
        except EOFError:
            return
        ends.send(_outcome(measure, scale))


def _outcome(measure: Measure, scale: Scale) -> dict[str, Any]:
    try:
        return {"status": "ok", "found": measure(scale), "broken": False}
    except Exception as error:  # whatever it is, the next cell has its turn
        text = "".join(traceback.format_exception(error))
        line = f"{type(error).__name__}: {error}".split("\n")[0]
        found = error.found if isinstance(error, WrongError) else {}
        failed = {"status": "failed", "error": line, "found": found, "traceback": text}
    return failed | {"broken": _broken(scale)}  # outside, where what the error held is free again


def _broken(scale: Scale) -> bool:
    """Whether the device answers no longer."""
    if scale.device == "cpu":
        return False
    import torch

    try:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    except RuntimeError:
        return True
    return False
