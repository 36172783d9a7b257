"""What many tests stand on: a dataset that can be learnt, in memory and on disk."""

import signal

import numpy as np
import pytest
import torch
from hypothesis import settings
from numpy.typing import NDArray

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset

# Whoever starts the tests in the background has them ignore Ctrl-C, and so would the processes under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

torch.set_num_threads(1)  # as in a worker: tests run side by side, and two threads on one core wait for each other


@pytest.fixture(scope="session")
def learnable() -> FaceDataset:
    return learnable_dataset()


@pytest.fixture
def rows(learnable: FaceDataset) -> NDArray[np.int64]:
    return np.arange(len(learnable.table))
