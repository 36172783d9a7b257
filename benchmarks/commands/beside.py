"""What a run takes beside its trainings: start-up, MLflow, the report, and the dataset where it is made."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic import SyntheticSource

if TYPE_CHECKING:
    from benchmarks.commands.comparing import Job
    from benchmarks.plans.suite import SyntheticSpec

#: Processor seconds that this process had used when all was imported: what else is to be done in Python takes its time
#: in proportion, on a slower machine as on a faster one. Measured as multiples of it, see `startup` and `afterwards`.
_IMPORTED = time.process_time()
#: So long it is where this was measured, seconds; and at most where the program is part of another, a test's.
_USUAL, _MOST = 4.5, 30.0


@dataclass(frozen=True)
class Step:
    """A step of a run: what it is called, and its seconds."""

    label: str
    seconds: float


def steps(job: "Job", *, left: int, report: bool = True) -> list[Step]:
    """The steps of what trains `left` runs, of the job's or of a search, and writes a report in the end."""
    scale = min(_IMPORTED, _MOST) / _USUAL
    runs = len(job.planned) or len(job.labels) * job.suite.protocol.folds * job.suite.protocol.repeats
    made = job.suite.dataset.synthetic if job.dataset is None else None
    start = scale * (6.0 + 0.2 * left / job.workers)
    mlflow = scale * (3.0 + 0.06 * min(left, 10) + (0.01 * runs))
    writing = scale * (3.5 + 1.0 * len(job.labels) + 0.006 * runs)
    making = [Step("the dataset", _making(made, workers=job.workers))] if made is not None else []
    end = [Step("the report", writing)] if report else []
    return [*making, Step("start-up, records", start), Step("MLflow", mlflow), *end]


def _making(made: "SyntheticSpec", *, workers: int) -> float:
    """Seconds to make a synthetic dataset, by one scan of it, after another that reads what all of them need."""
    from afnetm.data.rendering import render

    source = SyntheticSource(**made.model_dump(exclude={"size"}))
    first, *_, last = source.ids()
    begun = time.process_time()
    render(source.load(first), size=made.size)
    once = time.process_time() - begun
    render(source.load(last), size=made.size)
    each = time.process_time() - begun - once
    scans = made.subjects * len(made.intensities) * len(EXPRESSIONS)
    return once + each * scans / workers
