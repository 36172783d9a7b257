"""What many tests stand on: a dataset that can be learnt, in memory and on disk."""

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hypothesis import settings
from numpy.typing import NDArray
from safetensors.torch import save_file

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset
from tests.axe import axe_core

# Whoever starts the tests in the background has them ignore Ctrl-C, and so would the processes under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

torch.set_num_threads(1)  # as in a worker: tests run side by side, and two threads on one core wait for each other


@pytest.fixture(scope="session")
def learnable() -> FaceDataset:
    return learnable_dataset()


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face cache that has a ResNet-18 of timm's, as if it had been downloaded; its weights are random."""
    cache = tmp_path_factory.mktemp("hub")
    repository = cache / "models--timm--resnet18.a1_in1k"
    for folder in ("refs", "snapshots/0"):
        (repository / folder).mkdir(parents=True)
    (repository / "refs" / "main").write_text("0")
    save_file(timm.create_model("resnet18").state_dict(), repository / "snapshots" / "0" / "model.safetensors")
    return cache


@pytest.fixture
def published(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suites that begin with weights which timm publishes find them without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub_cache))


@pytest.fixture
def sketched() -> Iterator[None]:
    """The pictures of reports that this process writes are composed and not drawn."""
    from tests.sketching import sketching

    with sketching():
        yield


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core, for `tests.axe.violations`."""
    return axe_core(tmp_path_factory.mktemp("npm"))


@pytest.fixture
def rows(learnable: FaceDataset) -> NDArray[np.int64]:
    return np.arange(len(learnable.table))
