"""Measured durations on this machine: a training, by a few of its steps, and what a run does beside its trainings."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from afnetm.contract.rehearsal import rehearse
from afnetm.data.dataset import FaceDataset
from afnetm.data.maps import LANDMARK_ROWS
from afnetm.method import Method
from afnetm.model.cost import flop_count
from afnetm.model.encoder import EncoderSpec
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.loop import fit
from afnetm.training.process import prepared

if TYPE_CHECKING:
    from benchmarks.commands.job import Job
    from benchmarks.plans.tables import SyntheticSpec

#: On a processor a step is timed with as many faces as make this many operations forward: a second or so at most.
_OPERATIONS = 2e10

#: Processor seconds that this process had used when all was imported: what else is to be done in Python takes its time
#: in proportion, on a slower machine as on a faster one. Measured as multiples of it, see `startup` and `afterwards`.
_IMPORTED = time.process_time()
#: So long it is where this was measured, seconds; and at most where the program is part of another, a test's.
_USUAL, _MOST = 4.5, 30.0


@prepared()
def estimate_seconds(
    method: Method,
    encoder: EncoderSpec,
    config: TrainingConfig,
    *,
    classes: int,
    size: int,
    train: int,
    test: int,
    device: str,
) -> float:
    """Seconds of one run, from two training steps over blank faces after one to warm up.

    What is not timed: compiling, replaying, and a part that is fitted after training.

    Args:
        method: what is trained.
        encoder: of its streams; given weights are left out, they change no time.
        config: how.
        classes: that it tells apart.
        size: of a face, pixels.
        train: scans to train on.
        test: scans to test.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        UserError: what the method answers could not be trained or reported; whatever else is raised is its own.
    """
    place = torch.device(device)
    shaped = replace(encoder, weights=None, depth_weights=None, size=size)
    rehearse(method, shaped, config, size=size, classes=classes, device=place)
    model = method.build(shaped, classes).to(place)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)
    batch = config.batch_size
    if device == "cpu":
        batch = min(batch, max(4, int(_OPERATIONS / flop_count(model, size=size))))
    steps = replace(config, epochs=1, batch_size=batch, compile=False, graph=False)
    data = DeviceDataset(_blank(2 * batch, size), np.arange(2 * batch), place)
    index = torch.arange(2 * batch, device=place)
    labels = index % classes
    fit(model, data, index[:batch], labels, steps, seed=0)
    # On a processor its time alone: what else runs now may not run then.
    clock = time.process_time if device == "cpu" else time.perf_counter
    begun = clock()
    fit(model, data, index, labels, steps, seed=0)
    a_scan = (clock() - begun) / len(index)
    return a_scan * (config.epochs * train + test / 3)  # going forward is a third of a step


def _blank(scans: int, size: int) -> FaceDataset:
    shape = (scans, 1, size, size)
    return FaceDataset(
        directory=Path(),
        name="blank",
        size=size,
        fingerprint="",
        shareable=True,
        source={},
        table=pd.DataFrame(index=range(scans)),
        texture=np.zeros((scans, 3, size, size), np.uint8),
        depth=np.zeros(shape, np.uint16),
        planes=np.zeros(shape, np.uint8),
        landmarks=np.zeros((scans, LANDMARK_ROWS, 3), np.float32),
    )


@dataclass(frozen=True)
class Step:
    """A step of a run: what it is called, and its seconds."""

    label: str
    seconds: float


def steps(job: "Job", *, left: int, report: bool = True) -> list[Step]:
    """The steps of what trains `left` runs, of the job's or of a search, and writes a report in the end."""
    scale = min(_IMPORTED, _MOST) / _USUAL
    runs = len(job.planned) or len(job.labels) * job.suite.protocol.runs
    made = job.suite.dataset.synthetic if job.dataset is None else None
    start = scale * (6.0 + 0.2 * left / job.workers)
    mlflow = scale * (3.0 + 0.06 * min(left, 10) + (0.01 * runs))
    writing = scale * (3.5 + 1.0 * len(job.labels) + 0.006 * runs)
    making = [Step("the dataset", _making(made, workers=job.machines.processes))] if made is not None else []
    end = [Step("the report", writing)] if report else []
    return [*making, Step("start-up, records", start), Step("MLflow", mlflow), *end]


def _making(made: "SyntheticSpec", *, workers: int) -> float:
    """Seconds to make a synthetic dataset, by one scan of it, after another that reads what all of them need."""
    from afnetm.data.rendering import render

    source = made.source
    first, *_, last = ids = source.ids()
    begun = time.process_time()
    render(source.load(first), size=made.size)
    once = time.process_time() - begun
    render(source.load(last), size=made.size)
    each = time.process_time() - begun - once
    return once + each * len(ids) / workers
