"""How long a run would take, from a few training steps, where there is no record of one yet."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from afnetm.contract.rehearsal import rehearse
from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.method import Method
from afnetm.model.cost import flop_count
from afnetm.model.encoder import EncoderSpec
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.loop import fit
from afnetm.training.process import prepared

#: On a processor a step is timed with as many faces as make this many operations forward: a second or so at most.
_OPERATIONS = 2e10


@prepared()
def estimate_seconds(
    method: Method, encoder: EncoderSpec, config: TrainingConfig, *, size: int, train: int, test: int, device: str
) -> float:
    """Seconds of one run, from two training steps over blank faces after one to warm up.

    What is not timed: compiling, and a part that is fitted after training.

    Args:
        method: what is trained.
        encoder: of its streams; given weights are left out, they change no time.
        config: how.
        size: of a face, pixels.
        train: scans to train on.
        test: scans to test.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        UserError: what the method answers could not be trained or reported; whatever else is raised is its own.
    """
    place = torch.device(device)
    shaped = replace(encoder, weights=None, size=size)
    rehearse(method, shaped, config, size=size, classes=len(EXPRESSIONS), device=place)
    model = method.build(shaped, len(EXPRESSIONS)).to(place)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)
    batch = config.batch_size
    if device == "cpu":
        batch = min(batch, max(4, int(_OPERATIONS / flop_count(model, size=size))))
    steps = replace(config, epochs=1, batch_size=batch, compile=False)
    data = DeviceDataset(_blank(2 * batch, size), np.arange(2 * batch), place)
    index = torch.arange(2 * batch, device=place)
    labels = index % len(EXPRESSIONS)
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
    )
