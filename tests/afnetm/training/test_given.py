"""What a method is given of masks and landmarks: what it declares, from where it says, and nothing of a test scan."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import afnetm
from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset, FaceSubset
from afnetm.errors import UserError
from afnetm.training.config import Augmentation
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.given import give_masks

TRAIN, TEST = np.arange(0, 36), np.arange(36, 48)
STILL = Augmentation(rotation=0, scale=0, shift=0, flip=0, brightness=0, contrast=0, depth_shift=0)
CONFIG = afnetm.TrainingConfig(epochs=4, batch_size=12, learning_rate=5e-3, augmentation=STILL)


@pytest.fixture(scope="module")
def data() -> FaceDataset:
    return learnable_dataset(subjects=8)


@pytest.fixture(scope="module")
def poisoned(data: FaceDataset) -> FaceDataset:
    """The same scans, with other annotations of those that are tested."""
    planes, landmarks = data.planes.copy(), data.landmarks.copy()
    planes[TEST] ^= 30
    landmarks[TEST] = 100 - landmarks[TEST]
    return replace(data, planes=planes, landmarks=landmarks)


def trained(name: str, data: FaceSubset, masks: str) -> torch.nn.Module:
    torch.manual_seed(0)
    model = afnetm.create_model(name, num_classes=6, width=0.125, masks=masks)
    afnetm.fit(model, data, CONFIG)
    return model


@pytest.mark.parametrize("name", ["afnetm", "cma", "masks"])
def test_annotations_of_test_scans_reach_no_method_unless_it_says_so(
    name: str, data: FaceDataset, poisoned: FaceDataset
) -> None:
    for masks in ("mean", "annotated"):
        one = trained(name, data.subset(TRAIN), masks)
        same = trained(name, poisoned.subset(TRAIN), masks)
        answers = afnetm.predict(one, data.subset(TEST)), afnetm.predict(same, poisoned.subset(TEST))
        # Attention that is only guided in training reads none at test time, wherever they come from.
        assert np.array_equal(*answers) == (masks == "mean" or name == "cma")


def test_what_a_method_does_not_declare_it_is_not_given(data: FaceDataset) -> None:
    held = DeviceDataset(data, TRAIN, torch.device("cpu"))
    for name, masks, reads_masks, reads_landmarks in (
        ("late", "mean", False, False),
        ("afnetm", "annotated", True, False),
        ("landmarks", "annotated", False, True),
    ):
        model = afnetm.create_model(name, num_classes=6, width=0.125, masks=masks)
        faces = give_masks(held, model, data, TRAIN, TRAIN).faces(torch.arange(4))
        assert bool(faces.masks.any()) == reads_masks
        assert (faces.landmarks is not None) == reads_landmarks
        assert torch.equal(faces.valid, held.faces(torch.arange(4)).valid)


def test_mean_masks_are_saved_with_the_weights_and_come_back(data: FaceDataset) -> None:
    model = trained("afnetm", data.subset(TRAIN), "mean")
    other = afnetm.create_model("afnetm", num_classes=6, width=0.125)
    other.load_state_dict(model.state_dict())
    assert np.array_equal(afnetm.predict(model, data.subset(TEST)), afnetm.predict(other, data.subset(TEST)))


def test_an_untrained_model_has_no_mean_masks(data: FaceDataset) -> None:
    model = afnetm.create_model("afnetm", num_classes=6, width=0.125)
    with pytest.raises(UserError, match=r"^masks = 'mean': made of the scans that a model is trained on"):
        afnetm.predict(model, data.subset(TEST))


def test_landmarks_are_in_units_of_50_mm_and_0_where_there_is_none(data: FaceDataset) -> None:
    landmarks = data.landmarks.copy()
    landmarks[:, 40:] = np.nan
    faces = DeviceDataset(replace(data, landmarks=landmarks), TEST, torch.device("cpu")).faces(torch.arange(3))
    assert faces.landmarks is not None
    np.testing.assert_allclose(faces.landmarks[:, :40], data.landmarks[TEST[:3], :40] / 50, rtol=1e-6)
    assert not faces.landmarks[:, 40:].any()
