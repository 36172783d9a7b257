import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset
from afnetm.data.maps import CONSTANT, PLANES, REGIONS, MaskSource
from afnetm.data.masks import FACE_MM, mask_planes, scan_landmarks
from afnetm.errors import UserError

ROWS = np.arange(24)
TRAIN = np.arange(0, 18)


def faces(size: int = 32) -> FaceDataset:
    """Four subjects with six expressions each, whose masks are noise."""
    dataset = learnable_dataset(subjects=4, size=size)
    bits = np.random.default_rng(0).integers(0, 32, dataset.planes.shape, dtype=np.uint8)
    return replace(dataset, planes=bits)


def regions(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return planes & np.uint8(30)


@pytest.mark.parametrize("source", sorted(set(get_args(MaskSource)) - {"detected"}))
def test_masks_are_region_bits_of_each_scan_or_of_all_alike(source: MaskSource) -> None:
    planes = mask_planes(faces(), ROWS, TRAIN, source)
    assert planes.shape == (1 if source in CONSTANT else 24, 1, 32, 32)
    assert planes.dtype == np.uint8
    assert planes.any()
    assert not (planes & PLANES["valid"]).any()


@pytest.mark.parametrize("source", sorted(CONSTANT))
def test_no_test_scan_s_landmarks_reach_masks_that_are_the_same_for_every_scan(source: MaskSource) -> None:
    dataset, test = faces(), np.setdiff1d(ROWS, TRAIN)
    spoilt = dataset.planes.copy()
    spoilt[test] ^= 30
    assert np.array_equal(
        mask_planes(dataset, ROWS, TRAIN, source), mask_planes(replace(dataset, planes=spoilt), ROWS, TRAIN, source)
    )
    assert scan_landmarks(dataset, ROWS, TRAIN, source) is None


def test_the_mean_has_the_pixels_of_at_least_half_of_the_training_scans_that_have_the_region() -> None:
    dataset = faces()
    planes = dataset.planes.copy()
    planes[: len(TRAIN) // 2] &= np.uint8(255 - PLANES["mouth"])  # half of them have no mouth: not counted
    mean = mask_planes(replace(dataset, planes=planes), ROWS, TRAIN, "mean")[0, 0]
    for region in REGIONS:
        with_it = [one for one in planes[TRAIN, 0] if (one & PLANES[region]).any()]
        share = np.mean([(one & PLANES[region]) > 0 for one in with_it], axis=0)
        assert np.array_equal((mean & PLANES[region]) > 0, share >= 0.5)


def test_a_scan_s_own_are_those_that_are_stored_and_another_expression_s_are_the_same_subject_s() -> None:
    dataset = faces()
    rows = ROWS[::-1]
    assert np.array_equal(mask_planes(dataset, rows, TRAIN, "annotated"), regions(dataset.planes[rows]))
    others = mask_planes(dataset, rows, TRAIN, "other_expression")
    for row, given in zip(rows, others, strict=True):
        whose = [k for k in ROWS if np.array_equal(regions(dataset.planes[k]), given)]
        assert len(whose) == 1
        assert dataset.subjects[whose[0]] == dataset.subjects[row]
        assert dataset.labels[whose[0]] != dataset.labels[row]
    assert np.array_equal(others, mask_planes(dataset, rows, TRAIN, "other_expression"))


def test_another_expression_is_refused_where_a_subject_has_one() -> None:
    dataset = faces()
    with pytest.raises(UserError, match=r"^masks = 'other_expression': subject s000 of dataset 'learnable' has scans "):
        mask_planes(dataset, np.array([0, 6, 7]), np.array([0]), "other_expression")


@pytest.mark.parametrize("size", [64, 224])
def test_the_ellipse_is_of_a_face_s_size_in_the_middle_at_any_resolution(size: int) -> None:
    planes = mask_planes(faces(size), ROWS, TRAIN, "ellipse")[0, 0]
    ellipse = planes > 0
    assert set(np.unique(planes)) == {0, 30}  # in each region's plane
    width, height = FACE_MM
    assert ellipse.sum() * (200 / size) ** 2 == pytest.approx(math.pi / 4 * width * height, rel=0.01)
    assert ellipse.any(0).sum() * 200 / size == pytest.approx(width, abs=400 / size)
    assert ellipse.any(1).sum() * 200 / size == pytest.approx(height, abs=400 / size)
    assert np.array_equal(ellipse, ellipse[::-1, ::-1])


def test_random_blobs_have_the_mean_s_area_within_the_ellipse_and_are_no_specks() -> None:
    dataset = faces(100)
    planes = np.zeros_like(dataset.planes)
    planes[:, :, 30:60, 20:70] = PLANES["nose"]
    blobs = mask_planes(replace(dataset, planes=planes), ROWS, TRAIN, "random")[0, 0] > 0
    assert blobs.sum() == 30 * 50
    assert (blobs <= (mask_planes(dataset, ROWS, TRAIN, "ellipse")[0, 0] > 0)).all()
    edges = sum(int(np.diff(blobs, axis=axis).sum()) for axis in (0, 1))
    assert edges < blobs.sum()  # specks have more edge than area: up to four sides a pixel
