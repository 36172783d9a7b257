"""By which runs know a dataset: its labels and maps, or what decides its maps where they are generated."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afnetm.data.dataset import FaceDataset, check_dataset
from afnetm.data.dataset_files import dataset_fingerprint
from afnetm.data.preparing import prepare_dataset
from afnetm.data.scan import Scan
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

SOURCE = SyntheticSource(seed=0, subjects=1, intensities=(4,))


@dataclass(frozen=True, kw_only=True)
class ElsewhereRounded(SyntheticSource):
    """The same scans by a processor whose rounding differs."""

    def load(self, scan_id: str) -> Scan:
        scan = super().load(scan_id)
        texture = scan.texture.copy()
        texture[100:110] ^= 1
        return replace(scan, texture=texture, vertices=scan.vertices + np.float32(0.01))


def made(directory: Path, source: Any = SOURCE, **how: Any) -> FaceDataset:
    return prepare_dataset(directory, source, **({"size": 32, "workers": 1} | how))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> FaceDataset:
    return made(tmp_path_factory.mktemp("datasets") / "here")


def test_a_synthetic_dataset_is_the_same_on_a_processor_that_rounds_otherwise(
    here: FaceDataset, tmp_path: Path
) -> None:
    there = made(tmp_path / "there", ElsewhereRounded(seed=0, subjects=1, intensities=(4,)))
    assert (there.texture != here.texture).any()
    assert (there.table["sha256"] != here.table["sha256"]).all()
    assert there.fingerprint == here.fingerprint
    for one in (here, there):
        assert check_dataset(one.directory).fingerprint == here.fingerprint


def test_what_decides_synthetic_scans_decides_the_fingerprint(here: FaceDataset, tmp_path: Path) -> None:
    others = [
        made(tmp_path / "seed", replace(SOURCE, seed=1)),
        made(tmp_path / "clean", replace(SOURCE, clean=True)),
        made(tmp_path / "variant", replace(SOURCE, variant="light")),
        made(tmp_path / "intensity", replace(SOURCE, intensities=(3,))),
        made(tmp_path / "size", size=33),
    ]
    assert len({one.fingerprint for one in (here, *others)}) == 1 + len(others)


def test_a_synthetic_map_that_was_altered_is_found_all_the_same(tmp_path: Path) -> None:
    directory = made(tmp_path / "faces").directory
    maps = np.load(directory / "depth.npy")
    maps[2] ^= 1
    np.save(directory / "depth.npy", maps)
    with pytest.raises(UserError, match="maps of scan s000_fear_4 were altered"):
        check_dataset(directory)


def test_how_synthetic_scans_were_rendered_decides_it_too(here: FaceDataset) -> None:
    how: dict[str, Any] = {"size": 32, "rendering": 2, "pose": "annotated", "detector": "1", "source": here.source}
    known = dataset_fingerprint(here.table, **how)
    assert dataset_fingerprint(here.table, **how | {"detector": "2"}) == known  # it moves nothing here
    changes: list[dict[str, Any]] = [{"rendering": 3}, {"pose": "detected"}, {"pose": "detected", "detector": "2"}]
    assert len({known, *(dataset_fingerprint(here.table, **how | change) for change in changes)}) == 4
