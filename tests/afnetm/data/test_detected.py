"""What is detected in scans when a dataset is prepared, and that nothing annotated reaches what is not to have it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import afnetm
from afnetm.data.dataset import FaceDataset, check_dataset, open_dataset
from afnetm.data.face_models import can_detect
from afnetm.data.masks import detector, mask_planes, scan_landmarks
from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import Scan
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

TRAIN, TEST = np.arange(12), np.arange(12, 18)


@dataclass(frozen=True, kw_only=True)
class Poisoned(SyntheticSource):
    """The same scans, but the last subject's landmarks are elsewhere."""

    def load(self, scan_id: str) -> Scan:
        scan = super().load(scan_id)
        if not scan_id.startswith("s002"):
            return scan
        noise = np.random.default_rng(len(scan_id)).normal(0, 4, scan.landmarks.shape).astype(np.float32)
        return replace(scan, landmarks=scan.landmarks + noise)


def prepared(directory: Path, kind: type[SyntheticSource] = SyntheticSource, **options: Any) -> FaceDataset:
    if options.keys() & {"detect", "pose"} and options != {"pose": "guessed"} and not can_detect():
        pytest.skip("the extra landmarks is not installed")
    source = kind(seed=5, subjects=3, intensities=(4,), clean=True)
    return prepare_dataset(directory, source, size=32, workers=1, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("detected")


@pytest.fixture(scope="module")
def plain(folder: Path) -> FaceDataset:
    return prepared(folder / "plain")


@pytest.fixture(scope="module")
def detected(folder: Path) -> FaceDataset:
    return prepared(folder / "detected", detect=True)


@pytest.fixture(scope="module")
def posed(folder: Path) -> FaceDataset:
    return prepared(folder / "posed", pose="detected")


@pytest.fixture(scope="module")
def poisoned(folder: Path) -> FaceDataset:
    return prepared(folder / "poisoned", Poisoned, pose="detected")


def test_what_is_detected_is_beside_the_rest_and_changes_no_fingerprint(
    plain: FaceDataset, detected: FaceDataset
) -> None:
    assert detected.fingerprint == plain.fingerprint
    assert (plain.detector, plain.pose, detected.pose) == ("", "annotated", "annotated")
    assert plain.detected_planes is None
    assert detected.detected_planes is not None
    assert detected.detected_landmarks is not None
    apart = np.linalg.norm(detected.detected_landmarks - detected.landmarks, axis=2)
    assert np.nanmedian(apart) < 6  # mm
    both, either = detected.planes & detected.detected_planes & 30, (detected.planes | detected.detected_planes) & 30
    assert (both > 0).sum() > 0.5 * (either > 0).sum()
    assert check_dataset(detected.directory).detector == detected.detector


def test_what_was_detected_cannot_be_altered_unnoticed(detected: FaceDataset, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in detected.directory.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    planes = np.load(copied / "detected_planes.npy")
    planes[3] ^= 2
    np.save(copied / "detected_planes.npy", planes)
    with pytest.raises(UserError, match="what was detected in scan s000_happiness_4 was altered since it was made"):
        check_dataset(copied)


def test_with_detected_poses_no_annotation_of_a_scan_moves_a_pixel(posed: FaceDataset, poisoned: FaceDataset) -> None:
    assert posed.pose == poisoned.pose == "detected"
    assert not np.array_equal(posed.planes[TEST], poisoned.planes[TEST])
    for name in ("texture", "depth", "detected_planes", "detected_landmarks"):
        assert np.array_equal(getattr(posed, name), getattr(poisoned, name)), name


def test_with_annotated_poses_annotations_move_their_own_scan_and_no_other(folder: Path, plain: FaceDataset) -> None:
    other = prepared(folder / "annotated and poisoned", Poisoned)
    for name in ("texture", "depth"):
        moved = (getattr(plain, name) != getattr(other, name)).any((1, 2, 3))
        assert moved.tolist() == [row in TEST for row in range(18)], name


@pytest.mark.parametrize(
    ("name", "masks", "same"),
    [
        ("afnetm", "mean", True),
        ("afnetm", "detected", True),
        ("afnetm", "annotated", False),
        ("afnetm", "other_expression", False),
        ("concat", "detected", True),
        ("concat", "annotated", False),
        ("landmarks", "detected", True),
        ("landmarks", "annotated", False),
    ],
)
def test_annotations_of_test_scans_change_no_prediction_unless_the_method_is_given_them(
    name: str, masks: str, same: bool, posed: FaceDataset, poisoned: FaceDataset
) -> None:
    settings = {"geometry": "depth+normals+mask"} if name == "concat" else {}
    answers = []
    for data in (posed, poisoned):
        torch.manual_seed(0)
        model = afnetm.create_model(name, num_classes=6, width=0.125, masks=masks, **settings)
        afnetm.fit(model, data.subset(TRAIN), afnetm.TrainingConfig(epochs=3, batch_size=6))
        answers.append(afnetm.predict(model, data.subset(TEST)))
    assert np.array_equal(*answers) == same


def test_where_no_face_is_found_masks_are_the_mean_of_the_training_scans(detected: FaceDataset) -> None:
    assert detected.detected_planes is not None
    planes = detected.detected_planes.copy()
    planes[TEST[0]] = 0
    given = mask_planes(replace(detected, detected_planes=planes), np.arange(18), TRAIN, "detected")
    assert given[TEST[0]].any()
    assert np.array_equal(given[TEST[1:]], planes[TEST[1:]])
    train = planes[TRAIN] & 16
    assert np.array_equal(given[TEST[0]] & 16 > 0, 2 * (train > 0).sum(0) >= len(TRAIN))


def test_without_the_landmarker_landmarks_are_predicted_by_subjects_that_are_not_the_scan_s(plain: FaceDataset) -> None:
    rows = np.arange(18)
    planes = mask_planes(plain, rows, TRAIN, "detected")
    landmarks = scan_landmarks(plain, rows, TRAIN, "detected")
    assert landmarks is not None
    assert np.isfinite(landmarks).all()
    assert planes.any((1, 2, 3)).all()
    moved = plain.landmarks.copy()
    moved[TEST] += 50  # of scans that are tested
    elsewhere = replace(plain, landmarks=moved)
    assert np.array_equal(planes, mask_planes(elsewhere, rows, TRAIN, "detected"))
    moved[:6] += 50  # one of the two training subjects': its own are predicted by the other one alone
    other = scan_landmarks(replace(plain, landmarks=moved), rows, TRAIN, "detected")
    assert other is not None
    assert np.array_equal(other[:6], landmarks[:6])
    assert not np.array_equal(other[6:12], landmarks[6:12])
    assert detector(plain) == "landmark regressor 1"
    with pytest.raises(
        UserError, match=r"^masks = 'detected': dataset 'plain' was prepared without detecting landmarks"
    ):
        mask_planes(plain, rows, TRAIN[:0], "detected")


def test_the_detector_of_scanned_faces_names_what_was_found(detected: FaceDataset) -> None:
    scanned = replace(detected, source={"kind": "bu3dfe"})
    assert detector(scanned).startswith(f"{detected.detector}, ")
    table = detected.table.assign(detected_sha256="0" * 64)
    assert detector(replace(scanned, table=table)) != detector(scanned)
    assert detector(open_dataset(detected.directory)) == detected.detector  # what it finds in these is decided


def test_a_pose_that_is_unknown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^pose: 'guessed' \(allowed: 'annotated' or 'detected'\)$"):
        prepared(tmp_path / "d", pose="guessed")
