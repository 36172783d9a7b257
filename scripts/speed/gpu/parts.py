"""Measurements in the order of their worth, so that whatever time there is goes into what matters most.

Part A asks whether a GPU computes what it should, part B how fast it is, part C why, and what comes of it. A part is a
function that gives cells; a new one has its name in `PARTS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from afnetm.contract.devices import ON_DEVICE, Subject, same_faces
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import find_method, registry
from afnetm.training.config import Precision
from scripts.speed.gpu.ceilings import ceilings, machine
from scripts.speed.gpu.cells import Cell, WrongError
from scripts.speed.gpu.learning import learns, run_twice
from scripts.speed.gpu.processes import processes
from scripts.speed.gpu.profiling import profiled
from scripts.speed.gpu.scale import Scale
from scripts.speed.gpu.stepping import WAYS, step
from scripts.speed.gpu.whole import loops, survives, time_line

_PRECISIONS: tuple[Precision, ...] = ("bfloat16", "float32")
#: Of `WAYS`: one operation after the other, and replayed.
_TWO_WAYS = ("as is", "graph")
_COMPILED = "graph, compiled"


def opening(scale: Scale) -> Iterator[Cell]:
    """Measurements that all other numbers are to be read with."""
    yield Cell("machine", machine)
    yield Cell("ceilings", ceilings)


def correctness(scale: Scale) -> Iterator[Cell]:
    """Part A."""
    yield Cell("run twice", run_twice, seconds=120)
    yield Cell("faces", faces)
    first = ["afnetm", "concat"]
    for name in [*first, *(name for name in registry().names if name not in first)]:
        yield Cell(f"checks {name}", partial(method, name=name))
    for precision in _PRECISIONS:
        for label in scale.methods:
            yield Cell(f"learns {label} {precision}", partial(learns, label=label, precision=precision), seconds=90)
    for encoder in scale.encoders:
        yield Cell(f"checks encoder {encoder}", partial(other_encoder, name=encoder))


def speed(scale: Scale) -> Iterator[Cell]:
    """Part B: a step in all ways, more methods in two, several processes at once, whole runs; what compiles last."""
    for batch in scale.batches:
        for way in WAYS:
            if way != _COMPILED:
                yield _timed("concat", batch, way)
    for way in _TWO_WAYS:
        yield Cell(f"processes {way}", partial(processes, way=way), seconds=180)
    for name in ("afnetm", "texture", "mbt", "svm"):
        for batch in scale.batches:
            for way in _TWO_WAYS:
                yield _timed(name, batch, way)
    for graph in (False, True):
        yield Cell(f"run {_TWO_WAYS[graph]}", partial(time_line, graph=graph), seconds=90)
    if scale.device == "cuda":  # on a processor no graph is captured of it, and compiling takes minutes
        yield _timed("concat", scale.batches[0], _COMPILED, seconds=120)


def reasons(scale: Scale) -> Iterator[Cell]:
    """Part C."""
    for name in ("concat", "afnetm"):
        for way in _TWO_WAYS:
            yield Cell(f"kernels {name} {way}", partial(profiled, method=name, way=way))
    yield Cell("loops", loops, seconds=180)
    for graph in (False, True):
        yield Cell(f"worker killed {_TWO_WAYS[graph]}", partial(survives, graph=graph), seconds=150)


def _timed(name: str, batch: int, way: str, *, seconds: float = 60) -> Cell:
    return Cell(f"step {name} {batch} {way}", partial(step, method=name, batch=batch, way=way), seconds=seconds)


PARTS: dict[str, Callable[[Scale], Iterator[Cell]]] = {"A": correctness, "B": speed, "C": reasons}


def faces(scale: Scale) -> dict[str, Any]:
    """Whether scans become the same faces as on a CPU."""
    return {"share_apart": same_faces(scale.device, scale.checked)}


def method(scale: Scale, *, name: str) -> dict[str, Any]:
    """All checks of a method, in each precision."""
    subject = Subject(find_method(name), scale.device, scale.checked, EncoderSpec(width=scale.width))
    # On a processor the contract shows of each that it can be replayed; some show that it is asked here.
    checks = [check for check in ON_DEVICE if check != "replays" or scale.device == "cuda" or name in scale.methods]
    return _passed([replace(subject, precision=precision) for precision in scale.precisions], checks)


def other_encoder(scale: Scale, *, name: str) -> dict[str, Any]:
    """Whether concatenation trains with another encoder, and the same way twice."""
    subject = Subject(find_method("concat"), scale.device, scale.timed[1], EncoderSpec(name=name), "bfloat16")
    return _passed([subject], ["trains", "repeats"])


def _passed(subjects: list[Subject], checks: list[str]) -> dict[str, Any]:
    """Outcome of each check of each subject: a number, ``ok``, or what is wrong, which does not stop the others."""
    found: dict[str, Any] = {}
    wrong = []
    for subject in subjects:
        for name in checks:
            if name == "agrees" and subject.precision != "float32":
                continue
            key = f"{subject.precision} {name}"
            try:
                number = ON_DEVICE[name](subject)
                found[key] = "ok" if number is None else number
            except Exception as error:  # whatever it is, it is the finding
                found[key] = f"{type(error).__name__}: {error}".split("\n")[0]
                wrong.append(key)
    if wrong:
        raise WrongError("; ".join(f"{key}: {found[key]}" for key in wrong), found)
    return found
