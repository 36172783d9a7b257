"""``afnetm predict`` of the files that are named: folders, tables, without landmarks, in another unit, of no face."""

import json
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.face_models import face_models
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.sources.bu3dfe_export import bu3dfe_files
from afnetm.data.synthetic import SyntheticSource
from afnetm.registry import find_method
from afnetm.trained.folders import load_model
from benchmarks.commands import predicting
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.untrained import write_untrained

Predict = Callable[..., dict[str, Any]]


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of late fusion."""
    return write_untrained(tmp_path_factory.mktemp("model") / "late", find_method("late")(), size=32)


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in BU-3DFE's layout, two scans, with what lies about beside them; not to be written to."""
    folder = tmp_path_factory.mktemp("files") / "F0001"
    folder.mkdir()
    made = SyntheticSource(seed=1, subjects=1, intensities=(4,), clean=True)
    for expression in ("anger", "happiness"):
        for name, content in bu3dfe_files(made.load(f"s000_{expression}_4"), number=0).items():
            (folder / Path(name).name).write_bytes(content)
    shutil.copy(folder / "F0001_AN04XX_F3D.wrl", folder / "F0001_AN04XX_RAW.wrl")
    shutil.copy(folder / "F0001_AN04XX_F3D.wrl", folder / "._F0001_AN04XX_F3D.wrl")
    Image.new("RGB", (8, 8)).save(folder / "holiday.png")
    (folder / "notes.txt").write_text("none\n")
    return folder


@pytest.fixture(name="predict")
def _predict(tmp_path: Path, model: Path, here: Afnetm) -> Predict:
    """What it prints as JSON of these files."""

    def predict(*words: object, code: int = 0) -> dict[str, Any]:
        done = here(tmp_path / "home", "predict", str(model), *map(str, words), "--json", code=code)
        return dict(json.loads(done.stdout))

    return predict


def scans(document: dict[str, Any]) -> list[str]:
    return [one["scan"] for one in document["predictions"]]


def test_progress_counts_every_scan_one_that_cannot_be_read_too(model: Path, files: Path) -> None:
    mesh = files / "F0001_AN04XX_F3D.wrl"
    told: list[tuple[int, int]] = []
    asked = [*predicting.scans_in([mesh], "mm"), *predicting.scans_in([files / "none.obj"], "mm")]
    found = predicting.predictions(
        load_model(model), asked, device="cpu", progress=lambda done, total: told.append((done, total))
    )
    assert [isinstance(one, predicting.Rejected) for one in found] == [False, True]
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_a_folder_is_its_meshes_and_a_table_is_its_rows(predict: Predict, files: Path) -> None:
    meshes = [files / f"F0001_{code}04XX_F3D.wrl" for code in ("AN", "HA")]
    folder, single = predict(files), predict(*meshes)
    assert scans(folder) == scans(single) == [str(mesh) for mesh in meshes]
    assert folder["predictions"] == single["predictions"]
    assert folder["rejected"] == []

    table = files / "scans.csv"
    table.write_text(
        "subject,expression,mesh,landmarks\n"
        "Ada,happy,F0001_HA04XX_F3D.wrl,F0001_HA04XX_F3D.bnd\nBob,fear,no.wrl,no.bnd\n"
    )
    try:
        listed = predict(table, code=1)
    finally:
        table.unlink()
    assert scans(listed) == [f"{table}: Ada_happiness_0"]
    assert listed["predictions"][0]["probabilities"] == single["predictions"][1]["probabilities"]
    (rejected,) = listed["rejected"]
    assert rejected["scan"] == f"{table}: Bob_fear_0"
    assert rejected["reason"] == "scans.csv, line 3: no.bnd: there is no such file"


def test_a_folder_without_a_mesh_is_one_line(tmp_path: Path, model: Path, here: Afnetm) -> None:
    (tmp_path / "empty").mkdir()
    done = here(tmp_path / "home", "predict", str(model), str(tmp_path / "empty"), code=2)
    assert done.stderr.startswith(f"error: {tmp_path / 'empty'}: no mesh in this folder (looked for: .obj, .ply")


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra landmarks is not installed")
def test_landmarks_are_found_where_there_are_none_and_a_ball_has_no_face(
    tmp_path: Path, predict: Predict, files: Path, model: Path, here: Afnetm, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = tmp_path / "F0001_HA04XX_F3D.wrl"
    for file in (mesh, mesh.with_suffix(".bmp")):
        shutil.copy(files / file.name, file)
    ball = trimesh.creation.icosphere(subdivisions=3, radius=90)
    tinted = trimesh.Trimesh(ball.vertices, ball.faces, vertex_colors=np.full((len(ball.vertices), 3), 128))
    (tmp_path / "ball.ply").write_bytes(tinted.export(file_type="ply"))
    found = predict(mesh, tmp_path / "ball.ply", code=1)
    assert scans(found) == [str(mesh)]
    assert found["predictions"][0]["landmarks"] == "found"
    assert [one["scan"] for one in found["rejected"]] == [str(tmp_path / "ball.ply")]
    assert "no face is found in its texture or its shape" in found["rejected"][0]["reason"]

    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    face_models.cache_clear()
    without = predict(mesh, files, code=1)
    assert scans(without) == scans(predict(files))  # those that have landmarks need no landmarker
    assert "install both: pip install 'afnetm[landmarks]'" in without["rejected"][0]["reason"]


def test_a_file_in_centimetres_is_refused_with_the_option_that_reads_it(
    tmp_path: Path, predict: Predict, files: Path
) -> None:
    scan = SyntheticSource(seed=1, subjects=1, intensities=(4,), clean=True).load("s000_anger_4")
    small = type(scan)(**{**vars(scan), "vertices": scan.vertices / 10, "landmarks": scan.landmarks / 10})
    for name, content in bu3dfe_files(small, number=0).items():
        (tmp_path / Path(name).name).write_bytes(content)
    mesh = tmp_path / "F0001_AN04XX_F3D.wrl"
    refused = predict(mesh, code=1)
    assert refused["rejected"][0]["reason"].endswith("it seems to be in centimetres, which are read with --unit cm")
    assert predict(mesh, "--unit", "cm")["predictions"][0]["probability"] == pytest.approx(
        predict(files / mesh.name)["predictions"][0]["probability"], abs=0.01
    )


def test_a_model_of_another_rendering_predicts_nothing(tmp_path: Path, files: Path, here: Afnetm) -> None:
    older = write_untrained(tmp_path / "older", find_method("late")(), size=32, rendering=RENDERING_VERSION - 1)
    done = here(tmp_path / "home", "predict", str(older), str(files), "--out", str(tmp_path / "out"), code=2)
    expected = (
        f"error: the model was trained on maps of rendering {RENDERING_VERSION - 1}, this version of afnetm makes"
    )
    assert done.stderr.startswith(expected)
    assert not (tmp_path / "out").exists()
