"""What a method is given of masks and landmarks: what it declares, from where it says, and nothing of a test scan."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import afnetm
from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import FaceDataset, FaceSubset
from afnetm.data.maps import PLANES, REGIONS
from afnetm.errors import UserError
from afnetm.face_batch import geometry_channels
from afnetm.registry import find_method
from afnetm.training.config import Augmentation
from afnetm.training.device_dataset import DeviceDataset
from afnetm.training.given import give_masks

TRAIN, TEST = np.arange(0, 36), np.arange(36, 48)
REGION_BITS = sum(PLANES[region] for region in REGIONS)
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


def trained(name: str, data: FaceSubset, masks: str, **settings: str) -> torch.nn.Module:
    torch.manual_seed(0)
    model = afnetm.create_model(name, num_classes=6, width=0.125, masks=masks, **settings)
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


@pytest.mark.parametrize("name", ["concat", "early", "cross", "mbt"])
def test_masks_as_a_channel_are_those_of_the_scan_and_decide_the_answer(
    name: str, data: FaceDataset, poisoned: FaceDataset
) -> None:
    """The salient mask is the last channel of the depth stream, and a stream without it is none the wiser."""
    with_masks = trained(name, data.subset(TRAIN), "annotated", geometry="depth+normals+mask")
    held = DeviceDataset(data, TEST, torch.device("cpu"))
    faces = give_masks(held, with_masks, data, TEST, TEST[:0]).faces(torch.arange(12))
    given = faces.geometry("depth+normals+mask")
    assert given.shape[1] == geometry_channels("depth+normals+mask") == 5
    assert torch.equal(given[:, -1:] > 0, torch.from_numpy(data.planes[TEST] & REGION_BITS > 0))
    assert torch.equal(given[:, :-1], faces.geometry("depth+normals"))
    for model, same in ((with_masks, False), (trained(name, data.subset(TRAIN), "annotated"), True)):
        answers = afnetm.predict(model, data.subset(TEST)), afnetm.predict(model, poisoned.subset(TEST))
        assert np.array_equal(*answers) == same


def test_what_a_setting_adds_to_the_inputs_or_takes_away_is_what_is_read(data: FaceDataset) -> None:
    """The contract holds methods to their inputs by their defaults; these are the settings that change them."""
    held = DeviceDataset(data, TRAIN, torch.device("cpu"))
    for name, settings, reads in (
        ("concat", {"geometry": "depth+normals+mask"}, True),
        ("texture", {"geometry": "depth+normals+mask"}, False),
        ("afnetm", {"attention": "none"}, False),
        ("afnetm", {"attention": "none", "weighting_input": "salient"}, True),
    ):
        method = find_method(name)(**settings)
        assert ("masks" in method.inputs) == reads, settings
        model = afnetm.create_model(name, num_classes=6, width=0.125, masks="annotated", **settings).eval()
        faces = give_masks(held, model, data, TRAIN, TRAIN).faces(torch.arange(4))
        assert bool(faces.masks.any()) == reads, settings
        with torch.no_grad():
            answer = model(replace(faces, masks=torch.full_like(faces.masks, torch.nan))).logits
        assert bool(answer.isnan().any()) == reads, settings


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
