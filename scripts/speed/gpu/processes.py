"""Several processes that train on one device at once: how many steps a second all of them take."""

import multiprocessing
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

import torch

from afnetm.training.process import prepare_process
from afnetm.workers import follow_parent
from scripts.speed.gpu.cells import WrongError
from scripts.speed.gpu.scale import Scale
from scripts.speed.gpu.stepping import training

#: More than a process takes in all of its turns.
_STEPS = 200_000
_METHOD = "concat"


def processes(scale: Scale, *, way: str) -> dict[str, Any]:
    """Steps a second of one process, of two at once, and so on: all are begun once, and some have a turn."""
    batch, most = scale.batches[0], max(scale.processes)
    context = multiprocessing.get_context("spawn")
    found: dict[str, Any] = {"batch": batch}
    with ExitStack() as ends:
        waiting = []
        for _ in range(most):
            ours, theirs = context.Pipe()
            process = context.Process(target=_train, args=(theirs, scale, way, batch, most))
            process.start()
            theirs.close()
            ends.callback(process.join)
            ends.callback(process.kill)
            waiting.append(ours)
        for one in waiting:
            if (said := _said(one)) != "ready":
                raise WrongError(said, found)
        for count in scale.processes:
            for one in waiting[:count]:
                one.send(scale.seconds)
            rates = [_said(one) for one in waiting[:count]]
            if bad := [rate for rate in rates if not isinstance(rate, float)]:
                raise WrongError(bad[0], found)
            found[f"{count} steps/s"] = sum(rates)
    return found


def _said(by: "Connection[Any, Any]") -> Any:
    try:
        return by.recv()
    except EOFError:
        return "a process died"


def _train(to: "Connection[Any, Any]", scale: Scale, way: str, batch: int, most: int) -> None:
    follow_parent()
    prepare_process()
    if scale.device == "cuda":
        torch.cuda.set_per_process_memory_fraction(0.92 / most)
    try:
        with training(scale, method=_METHOD, batch=batch, way=way, steps=_STEPS) as take:
            for _ in range(scale.warm):
                take()
            _wait(scale)
            to.send("ready")
            while True:
                seconds = to.recv()  # which is its turn
                begun, taken = time.perf_counter(), 0
                while not taken or time.perf_counter() < begun + seconds:
                    for _ in range(scale.window):
                        take()
                    taken += scale.window
                    _wait(scale)
                to.send(taken / (time.perf_counter() - begun))
    except EOFError:
        return
    except Exception as error:  # whatever it is, it is the finding
        to.send(f"{type(error).__name__}: {error}".split("\n")[0])


def _wait(scale: Scale) -> None:
    if scale.device == "cuda":
        torch.cuda.synchronize()
