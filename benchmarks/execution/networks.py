"""Networks of a method, built for the scans of a dataset and trained: what a run tests, and what a final fit keeps."""

import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from afnetm.contract import rehearsal
from afnetm.data.dataset import FaceDataset
from afnetm.data.splits import hold_out
from afnetm.hooks import hooks_of
from afnetm.method import Method, built
from afnetm.model.encoder import EncoderSpec
from afnetm.training.config import TrainingConfig
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.given import give_masks
from afnetm.training.loop import Curves, fit


def untrained(
    method: Method,
    encoder: EncoderSpec,
    config: TrainingConfig,
    scans: DeviceDataset,
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    train: NDArray[np.intp],
    *,
    classes: int,
    seed: int,
) -> tuple[nn.Module, DeviceDataset]:
    """A network with its first weights, and the scans with the masks that it is given.

    Args:
        method, encoder, config: settings.
        scans: those at `rows`, on the device.
        dataset: whose they are.
        rows: ``(N,)`` row numbers of its table.
        train: indices into `rows` of the scans that are to be trained on.
        classes: how many.
        seed: of the initial weights, and of dropout in the training that follows.
    """
    torch.manual_seed(seed)
    network = built(method, replace(encoder, size=dataset.size), classes).to(scans.device)
    if config.channels_last:
        network = network.to(memory_format=torch.channels_last)
    data = give_masks(scans, network, dataset, rows, train)
    rehearsal.check_answer(network, config, size=dataset.size, classes=classes, device=scans.device)
    return network, data


def trained(
    network: nn.Module,
    data: DeviceDataset,
    config: TrainingConfig,
    subjects: list[str],
    labels: NDArray[np.int64],
    train: NDArray[np.intp],
    *,
    seed: int,
) -> tuple[Curves, float]:
    """Trains a network in place; its curves, and seconds.

    On a processor these are its time alone (a worker has one thread): what else runs there says nothing about a method.

    Args:
        network, data: as `untrained` gives them.
        config: how it is trained.
        subjects: of each of the scans.
        labels: ``(N,)``, their classes.
        train: indices of the scans that are trained on, but for those of subjects whom the method holds out.
        seed: of order, augmentation and who is held out.
    """
    device = data.device
    parts = hold_out(subjects, train, share=hooks_of(network).held_out, seed=seed)
    index, held_out = (torch.from_numpy(part).to(device) for part in parts)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    begun = clock()
    curves = fit(network, data, index, torch.from_numpy(labels).to(device), config, seed=seed, held_out=held_out)
    return curves, clock() - begun
