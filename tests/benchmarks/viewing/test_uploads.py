"""Files that a browser sends: which of them is the mesh, and what is said where one is missing."""

from pathlib import Path

import pytest

from afnetm.data.pose import fit_pose
from afnetm.errors import UserError
from benchmarks.viewing.uploads import read_uploaded
from tests.benchmarks.viewing.depth_pictures import write_depth_pictures


@pytest.mark.parametrize("camera", ["camera.json", "depth.camera.json"])
def test_a_depth_picture_is_read_with_its_camera_and_colours(camera: str, tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    paths = write_depth_pictures(tmp_path, camera=camera)
    files = {path.name: path.read_bytes() for path in reversed(paths)}
    scan = read_uploaded(tmp_path / "sent", files, "mm")
    assert len(scan.faces) > 5000
    assert scan.texture.shape == (160, 160, 3)
    assert fit_pose(scan).misfit < 5  # mm: the landmarks are a face's


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (
            "camera.json",
            r"depth\.png: its camera is missing \(looked for beside it: .*, camera\.json\)",
        ),
        ("colour.png", r"depth\.png: a depth picture needs its colour picture, sent with it"),
        ("depth.png", r"no mesh among the files"),
    ],
)
def test_what_is_missing_beside_a_depth_picture_is_said(missing: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    files = {path.name: path.read_bytes() for path in write_depth_pictures(tmp_path) if path.name != missing}
    with pytest.raises(UserError, match=words):
        read_uploaded(tmp_path / "sent", files, "mm")
