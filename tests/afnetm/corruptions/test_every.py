"""Every registered corruption: the contract, labels, fingerprints, and the same effect at every size."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from afnetm.corruptions import corrupted, corruptions, find_corruption, unavailable
from afnetm.corruptions.applying import maps_of
from afnetm.corruptions.contract import distance, findings
from afnetm.data.dataset import FaceDataset, check_maps
from afnetm.data.dataset_files import COVERED

EVERY = list(corruptions())
GRADED = [name for name, one in corruptions().items() if len(one.severities) > 1]


def test_there_are_those_of_the_documentation() -> None:
    counts = {group: sum(one.of == group for one in corruptions().values()) for group in ("texture", "depth", "both")}
    assert counts == {"texture": 8, "depth": 6, "both": 4}
    assert {"landmark_error", "texture_gone", "depth_gone", "other_person"} <= set(EVERY)
    assert sum(len(one.severities) for one in corruptions().values()) == 19 * 5 + 3


@pytest.mark.parametrize("name", EVERY)
def test_the_contract(name: str, faces: FaceDataset) -> None:
    corruption = find_corruption(name)
    rows = faces.rows if corruption.kind == "maps" else faces.rows[:2]  # a scan takes a sixth of a second to render
    assert list(findings(corruption, faces, rows)) == []


@pytest.mark.parametrize("name", EVERY)
def test_a_corrupted_dataset_is_whole_and_has_its_labels(name: str, faces: FaceDataset) -> None:
    rows = np.array([3, 1])  # happiness of both people
    made = corrupted(faces, rows, find_corruption(name), 1)
    check_maps(made)  # digests, regions and fingerprint are those of its maps
    assert made.fingerprint != faces.fingerprint
    assert made.texture.shape == (2, 3, 64, 64)
    kept = [column for column in faces.table if column not in {"sha256", "regions", "detected_sha256"}]
    assert {"id", "subject", "expression", "intensity", "misfit_mm"} <= set(kept) | set(COVERED)
    assert made.table[kept].equals(faces.table[kept].iloc[rows].reset_index(drop=True))


@pytest.mark.parametrize("name", GRADED)
def test_another_seed_draws_otherwise_unless_nothing_is_drawn(name: str, faces: FaceDataset) -> None:
    rows = faces.rows[:2]
    made = [corrupted(faces, rows, find_corruption(name), 3, seed=seed).fingerprint for seed in range(4)]
    assert (len(set(made)) > 1) == (name not in {"blur", "contrast", "depth_smoothing", "jpeg", "quantisation"})


@pytest.mark.parametrize("name", GRADED)
def test_a_severity_means_the_same_at_every_size(name: str, pair: tuple[FaceDataset, FaceDataset]) -> None:
    far = []
    for dataset in pair:
        made = corrupted(dataset, dataset.rows, find_corruption(name), 4)
        far.append(np.mean([distance(maps_of(dataset, row), maps_of(made, row)) for row in dataset.rows]))
    assert far[1] == pytest.approx(far[0], rel=0.3)


def test_a_severity_that_there_is_not(faces: FaceDataset) -> None:
    for name, severity in product(("blur", "depth_gone"), (0, 6)):
        with pytest.raises(Exception, match=rf"severity: {severity} of '{name}' \(allowed: 1 to [15]\)"):
            corrupted(faces, faces.rows, find_corruption(name), severity)


def test_scans_of_another_source_cannot_be_turned(faces: FaceDataset) -> None:
    yaw, own = find_corruption("yaw"), faces.source
    assert unavailable(yaw, faces) is None
    older = replace(faces, source=own | {"version": 1})
    assert "another version of the synthetic source" in (unavailable(yaw, older) or "")
    files = replace(faces, source={"kind": "bu3dfe"})
    assert "files of dataset 'scans' (bu3dfe) are not at hand" in (unavailable(yaw, files) or "")
    assert "rendering version 1" in (unavailable(yaw, replace(faces, rendering=1)) or "")
    assert unavailable(find_corruption("shift"), files) is None
    with pytest.raises(Exception, match="corruption 'yaw': its scans are rendered again, and the files of dataset"):
        corrupted(files, files.rows, yaw, 1)


def test_another_scan_under_the_same_id_is_noticed(faces: FaceDataset) -> None:
    moved = replace(faces, landmarks=faces.landmarks + np.float32(1))
    with pytest.raises(Exception, match="scan s000_fear_4: its source has another scan than dataset 'scans'"):
        corrupted(moved, moved.rows[:1], find_corruption("yaw"), 1)


def test_nobody_else_shows_this_expression(faces: FaceDataset) -> None:
    alone = replace(faces, table=faces.table.assign(subject=["a", "a", "a", "b"]))
    assert unavailable(find_corruption("other_person"), alone) == (
        "it needs two subjects of each expression among the scans, and of fear there is one"
    )
    assert unavailable(find_corruption("other_person"), faces) is None
    with pytest.raises(Exception, match="two subjects of each expression among the scans, and of happiness there is"):
        corrupted(faces, np.array([0, 1, 2]), find_corruption("other_person"), 1)
