"""Examples of every format of one's own scans: what is written is read back as the face that it was."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afnetm.data.formats.landmark_writing import KINDS, write_landmarks
from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_83
from afnetm.data.maps import DEPTH_STEP_MM, PLANES, REGIONS
from afnetm.data.pose import Pose
from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.sources.folder import FolderSource
from afnetm.data.sources.folder_export import HEADER, TABLE, folder_files
from afnetm.data.sources.landmark_files import SUFFIXES as LANDMARK_SUFFIXES
from afnetm.data.sources.scan_files import read_scan
from afnetm.data.sources.textured import SUFFIXES as MESH_SUFFIXES
from afnetm.errors import UserError

SIZE = 80
#: The labels of twelve scans of a subject; ten of them are written in ten ways.
LABELS = [(expression, intensity) for intensity in (3, 4) for expression in EXPRESSIONS]


def written(scan: Scan, folder: Path) -> tuple[str, ...]:
    """Writes the files of a scan, and returns the cells of its row."""
    files = folder_files(scan, number=0)
    row = files.pop(TABLE).decode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / TABLE).write_text(HEADER + row)
    return tuple(row.strip().split(","))


@pytest.mark.slow
@pytest.mark.parametrize(("expression", "intensity"), LABELS[:10])
def test_an_example_is_read_back_as_the_face(expression: str, intensity: int, made: Scan, tmp_path: Path) -> None:
    *_, mesh, landmarks, _ = written(replace(made, expression=expression, intensity=intensity), tmp_path)
    source = FolderSource(folder=tmp_path, table=tmp_path / TABLE)
    (scan_id,) = source.ids()
    scan = source.load(scan_id)
    assert (scan.subject, scan.expression, scan.intensity) == (made.subject, expression, intensity)
    away = 600.0 if mesh.endswith(".png") else 0.0  # of the camera, mm
    stays = Pose(
        np.eye(3), np.array([0, 0, away]), 0.0
    )  # lifted landmarks have another pose than those off the surface
    direct, again = render(made, size=SIZE), render(scan, size=SIZE, pose=stays)
    both = (direct.planes & again.planes & PLANES["valid"])[0] > 0
    least = 0.85 if away else 0.95  # a camera nearby sees less of the sides
    assert both.sum() > least * ((direct.planes & PLANES["valid"]) > 0).sum()
    assert np.median(np.abs(direct.depth[0].astype(int) - again.depth[0])[both]) * DEPTH_STEP_MM < 0.2
    assert np.median(np.abs(direct.texture.astype(int) - again.texture)[:, both]) <= 5
    if scan.landmark_names == LANDMARKS_22:
        assert landmarks.endswith(".lm3")
        return
    assert scan.landmark_names == LANDMARKS_83
    for region in REGIONS:
        one, other = (maps.planes & PLANES[region] > 0 for maps in (direct, again))
        assert (one & other).sum() >= 0.9 * (one | other).sum(), region

    alone = read_scan(tmp_path / mesh)  # what lies beside the mesh belongs to it
    np.testing.assert_array_equal(alone.landmarks, scan.landmarks)
    np.testing.assert_array_equal(alone.texture, scan.texture)


@pytest.mark.slow
def test_twelve_scans_of_a_subject_have_every_format_and_the_files_that_the_page_names(made: Scan) -> None:
    names = [
        name
        for expression, intensity in LABELS
        for name in folder_files(replace(made, expression=expression, intensity=intensity), number=0)
    ]
    assert {Path(name).suffix for name in names} >= {*MESH_SUFFIXES, *LANDMARK_SUFFIXES}
    page = (Path(__file__).parents[4] / "docs" / "datasets.md").read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{'|'.join(EXPRESSIONS)})_\d\.[a-z0-9.]+)`", page)
    assert set(named) <= {Path(name).name for name in names}
    assert {Path(name).suffix for name in named} >= {*MESH_SUFFIXES, *LANDMARK_SUFFIXES}


def test_other_scans_have_no_place_in_it(made: Scan) -> None:
    with pytest.raises(UserError, match=r"neutral with 83 landmarks \(allowed for examples: anger, "):
        folder_files(replace(made, expression="neutral"), number=0)
    with pytest.raises(UserError, match="with 22 landmarks"):
        folder_files(replace(made, landmarks=made.landmarks[:22], landmark_names=LANDMARKS_22), number=0)


def test_landmarks_of_an_unknown_kind_are_not_written(made: Scan) -> None:
    assert set(KINDS) < set(LANDMARK_SUFFIXES)
    with pytest.raises(ValueError, match=r"\.xyz"):
        write_landmarks(LANDMARKS_83, made.landmarks, ".xyz")
