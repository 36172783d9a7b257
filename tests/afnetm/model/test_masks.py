import math

import pytest
import torch

from afnetm.face_batch import FaceBatch
from afnetm.model.masks import FACE_MM, MASKS


def some_faces(count: int = 4, size: int = 80) -> FaceBatch:
    """Faces with a disc for each region, which grow from face to face."""
    blank = torch.zeros(count, 1, size, size)
    along = (torch.arange(size) + 0.5) / size - 0.5
    masks = torch.stack(
        [
            torch.stack(
                [(along**2 + (along[:, None] - y) ** 2 < (0.03 + 0.02 * k) ** 2) for y in (-0.2, -0.1, 0.1, 0.3)]
            )
            for k in range(count)
        ]
    ).float()
    return FaceBatch(blank.expand(-1, 3, -1, -1), blank, blank, masks, 200 / size)


@pytest.mark.parametrize("kind", MASKS)
def test_masks_are_planes_of_the_faces_size(kind: str) -> None:
    masks = MASKS[kind](some_faces(3, 33))
    assert masks.shape == (3, 4 if kind == "regions" else 1, 33, 33)
    assert masks.dtype == torch.float32
    assert ((masks == 0) | (masks == 1)).all()


def test_landmarks_give_the_union_of_regions() -> None:
    faces = some_faces()
    assert torch.equal(MASKS["landmarks"](faces)[:, 0], MASKS["regions"](faces).amax(1))
    assert torch.equal(MASKS["regions"](faces), faces.masks)


def test_ones_are_salient_everywhere() -> None:
    assert MASKS["ones"](some_faces()).min() == 1


@pytest.mark.parametrize("size", [64, 224])
def test_the_ellipse_is_of_a_face_s_size_in_the_middle_at_any_resolution(size: int) -> None:
    ellipse = MASKS["ellipse"](some_faces(2, size))[1, 0]
    width, height = FACE_MM
    assert ellipse.sum() * (200 / size) ** 2 == pytest.approx(math.pi / 4 * width * height, rel=0.01)
    assert ellipse.amax(0).sum() * 200 / size == pytest.approx(width, abs=400 / size)
    assert ellipse.amax(1).sum() * 200 / size == pytest.approx(height, abs=400 / size)
    assert torch.equal(ellipse, ellipse.flip(0))
    assert torch.equal(ellipse, ellipse.flip(1))


def test_random_blobs_have_each_face_s_salient_area_within_the_ellipse() -> None:
    faces = some_faces()
    blobs = MASKS["random"](faces)
    assert torch.equal(blobs.sum((1, 2, 3)), faces.salient.sum((1, 2, 3)))
    assert (blobs <= MASKS["ellipse"](faces)).all()


def test_random_blobs_are_in_the_same_places_of_every_face() -> None:
    blobs = MASKS["random"](some_faces())
    assert (blobs[:-1] <= blobs[1:]).all()  # a larger salient area takes in the smaller ones' blobs
    assert torch.equal(MASKS["random"](some_faces())[2], blobs[2])


def test_random_blobs_are_blobs_and_not_specks() -> None:
    blob = MASKS["random"](some_faces(1, 100))[0, 0]
    edges = blob.diff(dim=0).abs().sum() + blob.diff(dim=1).abs().sum()
    assert edges * 2 < blob.sum() * 2  # specks have more edge than area: up to four sides a pixel


def test_a_face_without_salient_regions_has_no_random_ones_and_one_that_is_all_salient_has_all() -> None:
    faces = some_faces(2)
    masks = torch.stack([torch.zeros(4, 80, 80), torch.ones(4, 80, 80)])
    blobs = MASKS["random"](FaceBatch(faces.texture, faces.depth, faces.valid, masks, faces.pixel_mm))
    assert blobs[0].max() == 0
    assert blobs[1].min() == 1
