"""Rendered scans that are kept: made once by whoever comes first, and by oneself where another never ends."""

from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from afnetm.corruptions import find_corruption, keeping
from afnetm.data.maps import RenderedMaps


class Rendering:
    """Counts what is rendered."""

    def __init__(self) -> None:
        self.places: list[int] = []

    def __call__(self, place: int) -> RenderedMaps:
        self.places.append(place)
        texture, depth, planes = (np.full((channels, 4, 4), place, kind) for channels, kind in SHAPES)
        landmarks = np.zeros((83, 3), np.float32)
        return RenderedMaps(texture=texture, depth=depth, planes=planes, landmarks=landmarks)


SHAPES = ((3, np.uint8), (1, np.uint16), (1, np.uint8))
NAMES = ["one", "two", "three"]


def keep(folder: Path, rendering: Rendering) -> list[int]:
    made = keeping.keep(folder, NAMES, rendering, of=find_corruption("yaw"), value=15.0, seed=0)
    return [int(maps.depth[0, 0, 0]) for maps in made]


def test_each_is_rendered_once_and_found_again_unless_its_file_is_damaged(tmp_path: Path) -> None:
    rendering = Rendering()
    assert keep(tmp_path, rendering) == keep(tmp_path, rendering) == [0, 1, 2]
    assert rendering.places == [0, 1, 2]
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    files[0].write_bytes(files[0].read_bytes()[:50])
    assert keep(tmp_path, rendering) == [0, 1, 2]
    assert len(rendering.places) == 4


def test_one_that_another_never_ends_is_rendered_after_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, Rendering())
    (first, *_) = (path for path in sorted(tmp_path.iterdir()) if path.suffix == ".safetensors")
    for path in tmp_path.iterdir():
        path.unlink()
    monkeypatch.setattr(keeping, "_PATIENCE", 0.1)
    rendering = Rendering()
    with FileLock(f"{first}.lock"):
        assert keep(tmp_path, rendering) == [0, 1, 2]
    assert sorted(rendering.places) == [0, 1, 2]
    assert first.is_file()
    assert keep(tmp_path, rendering) == [0, 1, 2]
    assert len(rendering.places) == 3
