import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from afnetm.data.dataset import FaceDataset
from afnetm.data.decoding import DEPTH_BACKGROUND, DEPTH_UNIT_MM
from afnetm.face_batch import FaceBatch
from afnetm.training.augment import draw, soften, warp
from afnetm.training.config import Augmentation
from afnetm.training.device_dataset import DeviceDataset

STILL = Augmentation(rotation=0, scale=0, shift=0, flip=0, brightness=0, contrast=0, depth_shift=0)
CPU = torch.device("cpu")


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def faces(dataset: FaceDataset, rows: NDArray[np.int64], augmentation: Augmentation) -> FaceBatch:
    data = DeviceDataset(dataset, rows, CPU)
    return data.faces(torch.from_numpy(rows), draw(augmentation, len(rows), generator()))


def test_nothing_drawn_changes_nothing(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    plain = DeviceDataset(learnable, rows, CPU).faces(torch.from_numpy(rows))
    still = faces(learnable, rows, STILL)
    for name in ("texture", "depth", "valid", "masks"):
        assert torch.allclose(getattr(plain, name), getattr(still, name), atol=1e-4), name


def test_numbers_mean_what_they_say(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    plain = DeviceDataset(learnable, rows, CPU).faces(torch.from_numpy(rows[:2]))
    assert torch.allclose(
        plain.texture[0] * 0.25 + 0.5, torch.from_numpy(learnable.texture[0]).float() / 255, atol=1e-6
    )
    code = torch.from_numpy(learnable.depth[0].astype(np.float32))
    millimetres = -200 + (code - 1) * 0.005
    assert torch.allclose(plain.depth[0][code > 0] * DEPTH_UNIT_MM, millimetres[code > 0], atol=1e-3)
    assert (plain.depth[0][code == 0] == DEPTH_BACKGROUND).all()


def test_flipping_mirrors_every_map_alike(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    plain = DeviceDataset(learnable, rows, CPU).faces(torch.from_numpy(rows))
    mirror = Augmentation(**{**vars(STILL), "flip": 1})
    flipped = faces(learnable, rows, mirror)
    for name in ("texture", "depth", "valid", "masks"):
        assert torch.allclose(getattr(plain, name).flip(-1), getattr(flipped, name), atol=1e-4), name


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_moves_pixels_exactly(quarters: int) -> None:
    stack = torch.rand(1, 2, 8, 8)
    angle = torch.tensor(quarters * torch.pi / 2)
    motion = torch.tensor([[[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0]]])
    turned = warp(stack, motion)
    assert torch.allclose(turned, stack.rot90(quarters, (2, 3)), atol=1e-4)


def test_a_larger_face_is_deeper_in_proportion(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    data = DeviceDataset(learnable, rows, CPU)
    drawn = draw(Augmentation(**{**vars(STILL), "scale": 0.3}), len(rows), generator())
    plain, scaled = data.faces(torch.from_numpy(rows)), data.faces(torch.from_numpy(rows), drawn)
    middle = (..., slice(14, 18), slice(14, 18))  # the disc's middle is flat: only the scale tells there
    ratio = scaled.depth[middle].mean((1, 2, 3)) / plain.depth[middle].mean((1, 2, 3))
    assert torch.allclose(ratio, drawn.scale.flatten(), rtol=0.05)


def test_silhouettes_are_not_smeared_to_the_background(learnable: FaceDataset, rows: NDArray[np.int64]) -> None:
    turned = faces(learnable, rows, Augmentation(**{**vars(STILL), "rotation": 45}))
    present = turned.depth[turned.depth != DEPTH_BACKGROUND]
    lowest = DeviceDataset(learnable, rows, CPU).faces(torch.from_numpy(rows)).depth
    assert present.min() >= lowest[lowest > DEPTH_BACKGROUND].min() - 1e-3


def test_every_face_is_changed_by_numbers_of_its_own_within_bounds() -> None:
    limits = Augmentation(rotation=10, scale=0.2, shift=0.1, flip=0.5, brightness=0.3, contrast=0.4, depth_shift=5)
    drawn = draw(limits, 4000, generator())
    angle = torch.atan2(-drawn.motion[:, 0, 1], drawn.motion[:, 1, 1]).rad2deg()
    for values, limit in (
        (angle, 10),
        (drawn.scale - 1, 0.2),
        (drawn.motion[:, :, 2] / 2, 0.1),
        (drawn.brightness, 0.3),
        (drawn.contrast - 1, 0.4),
        (drawn.depth_shift, 5),
    ):
        assert 0.98 * limit < values.abs().max() <= limit * 1.001
        assert abs(values.mean()) < 0.05 * limit
        assert values.unique().numel() > 1000
    mirrored = (torch.linalg.det(drawn.motion[:, :, :2]) < 0).float().mean()
    assert 0.46 < mirrored < 0.54


def test_depth_beyond_the_middle_of_its_range_is_not_negative(learnable: FaceDataset) -> None:
    high = dataclasses.replace(learnable, depth=np.full_like(learnable.depth, 65_535))
    seen = DeviceDataset(high, np.arange(2), CPU).faces(torch.arange(2))
    assert torch.allclose(seen.depth * DEPTH_UNIT_MM, torch.tensor(-200 + 65_534 * 0.005))


def test_a_face_that_is_not_moved_is_as_sharp_as_moved_ones_are_on_average() -> None:
    """The mean over many shifts of up to half a pixel either way, by the resampling that training faces go through."""
    stack = torch.rand(1, 2, 12, 12, generator=generator())
    steps = (torch.arange(16) + 0.5) / 16 - 0.5
    total = torch.zeros_like(stack)
    for across in steps:
        for down in steps:
            shift = torch.tensor([[[1.0, 0.0, 2 * across / 12], [0.0, 1.0, 2 * down / 12]]])
            total += warp(stack, shift)
    assert torch.allclose(soften(stack), total / len(steps) ** 2, atol=2e-3)


def test_softened_depth_is_of_present_pixels_alone_and_a_constant_stays_one(
    learnable: FaceDataset, rows: NDArray[np.int64]
) -> None:
    flat = dataclasses.replace(learnable, depth=np.where(learnable.depth > 0, np.uint16(50_000), np.uint16(0)))
    data = DeviceDataset(flat, rows, CPU)
    plain, softened = data.faces(torch.from_numpy(rows)), data.faces(torch.from_numpy(rows), softened=True)
    present = (plain.depth > DEPTH_BACKGROUND) & (softened.depth > DEPTH_BACKGROUND)
    assert present.any()
    assert torch.allclose(plain.depth[present], softened.depth[present], atol=1e-4)


def test_beside_the_face_it_stays_black_however_bright_the_face_becomes(
    learnable: FaceDataset, rows: NDArray[np.int64]
) -> None:
    black = torch.from_numpy((learnable.texture[rows] == 0).all(1, keepdims=True)).expand(-1, 3, -1, -1)
    lit = faces(learnable, rows, dataclasses.replace(STILL, brightness=0.9, contrast=0.9))
    assert black.any()
    assert (lit.texture[black] == -2).all()
    plain = DeviceDataset(learnable, rows, CPU).faces(torch.from_numpy(rows))
    assert not torch.allclose(lit.texture[~black], plain.texture[~black], atol=0.1)
