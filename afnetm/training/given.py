"""Masks and landmarks for a method: those that it declares to read, and no others."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from afnetm.data.dataset import FaceDataset
from afnetm.data.maps import CONSTANT, MaskSource
from afnetm.data.masks import Learnt, detected_by, learnt_of, mask_planes, scan_landmarks
from afnetm.errors import UserError
from afnetm.method import REGRESSOR, TEMPLATE, Method
from afnetm.training.device_dataset import DeviceDataset


def give_masks(
    data: DeviceDataset,
    network: nn.Module,
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    train: NDArray[np.intp] | None,
) -> DeviceDataset:
    """The scans of `data` with the masks and landmarks that a network reads, from where its method says.

    What its method does not declare it is not given: masks are zero, and there are no landmarks. A network that no
    method built is given the mean masks. Masks that are the same for every scan are made once, of the training scans,
    and kept in the network.

    Args:
        data: the scans at `rows`, on the device.
        network: to be trained or tested.
        dataset: whose scans they are.
        rows: ``(N,)`` row numbers of the dataset's table.
        train: indices into `rows` of the scans that are trained on; None for a network that is trained.

    Raises:
        UserError: the dataset does not have what the method is to be given, or nothing has been trained.
    """
    method = getattr(network, "built_from", None)
    source: MaskSource = method.masks if isinstance(method, Method) else "mean"
    read = (*method.inputs, *method.reads_in_training) if isinstance(method, Method) else ("masks",)
    if {"masks", "landmarks"}.isdisjoint(read):
        return data.with_masks(None)
    if train is not None and source == "detected":
        _keep(network, learnt_of(dataset, rows, train))
    if train is None and source == "detected":
        planes, landmarks = detected_by(_kept(network), dataset, rows)
        return data.with_masks(planes if "masks" in read else None, landmarks if "landmarks" in read else None)
    trained = np.arange(0) if train is None else train
    return data.with_masks(
        _planes(network, dataset, rows, train, source) if "masks" in read else None,
        scan_landmarks(dataset, rows, trained, source) if "landmarks" in read else None,
    )


def _keep(network: nn.Module, learnt: Learnt) -> None:
    """Writes into buffers of a network what its masks have learnt of the training scans."""
    arrays: dict[str, NDArray[Any]] = {} if learnt.mean is None else {TEMPLATE: learnt.mean}
    if learnt.regressor is not None:
        arrays |= {REGRESSOR + name: array for name, array in learnt.regressor.arrays.items()}
    for name in [name for name, _ in network.named_buffers(recurse=False) if name.startswith(REGRESSOR)]:
        delattr(network, name)  # of an earlier training
    for name, array in arrays.items():
        network.register_buffer(name, torch.from_numpy(np.array(array)))


def _kept(network: nn.Module) -> Learnt:
    buffers = {name: buffer.cpu().numpy() for name, buffer in network.named_buffers(recurse=False)}
    arrays = {name.removeprefix(REGRESSOR): of for name, of in buffers.items() if name.startswith(REGRESSOR)}
    if not arrays:
        return Learnt(buffers.get(TEMPLATE), None)
    from afnetm.data.landmark_regressor import LandmarkRegressor  # scikit-learn takes a second to import

    return Learnt(None, LandmarkRegressor.of(arrays))


def _planes(
    network: nn.Module,
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    train: NDArray[np.intp] | None,
    source: MaskSource,
) -> NDArray[np.uint8]:
    template = getattr(network, TEMPLATE, None)
    if train is None and isinstance(template, Tensor):
        if template.shape[-1] != dataset.size:
            raise UserError(f"dataset '{dataset.name}': {dataset.size} px, the model's masks {template.shape[-1]} px")
        return template.cpu().numpy()
    if train is None and source in CONSTANT:
        raise UserError(f"masks = '{source}': made of the scans that a model is trained on; this one is not trained")
    planes = mask_planes(dataset, rows, np.arange(0) if train is None else train, source)
    if source in CONSTANT:
        network.register_buffer(TEMPLATE, torch.from_numpy(planes))
    return planes
