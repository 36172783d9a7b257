"""Datasets of other classes than the six expressions, from a folder of meshes to stored runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import afnetm
from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.formats.pictures import write_picture
from afnetm.data.formats.vrml import VrmlMesh, write_vrml
from tests.afnetm.data.conftest import make_scan
from tests.benchmarks.conftest import Afnetm

EIGHT = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "contempt", "neutral")


@pytest.mark.parametrize("classes", [("anger", "neutral", "pain"), EIGHT], ids=["three", "eight"])
def test_a_folder_s_classes_reach_its_runs(
    classes: tuple[str, ...], home: Path, suite: Path, here: Afnetm, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    scan = make_scan(step=5.0)
    mesh = VrmlMesh(scan.vertices, scan.faces, scan.uv, scan.uv_faces, ("skin.png",))
    (files / "skin.png").write_bytes(write_picture(scan.texture, ".png"))
    (files / "face.bnd").write_bytes(write_bnd(Bnd(np.zeros(83, np.int64), scan.landmarks)))
    rows = ["subject,expression,mesh,landmarks"]
    for number, name in enumerate(classes * 2):  # two subjects
        (files / f"{number}.wrl").write_bytes(write_vrml(mesh))
        rows.append(f"s{number // len(classes)},{name},{number}.wrl,face.bnd")
    (files / "scans.csv").write_text("\n".join(rows))
    prepare = ["data", "prepare", "folder", str(files), "own", "--table", str(files / "scans.csv"), "--size", "32"]
    here(home, *prepare, "--workers", "1")
    assert afnetm.open_dataset(home / "datasets" / "own").classes == classes

    text = suite.read_text().replace('name = "tiny"', 'name = "own"').replace("folds = 3", "folds = 2\ncomplete = true")
    text = text.replace("epochs = 3", "epochs = 1").replace("[methods.concat]", "").replace('"concat"', '"texture"')
    suite.write_text(
        "keep_weights = true\n" + "\n".join(line for line in text.splitlines() if not line.startswith("synthetic"))
    )
    here(home, "run", str(suite), "--workers", "1")
    assert (home / "reports/small/index.html").exists()
    found = list((home / "runs").glob("*/predictions.parquet"))
    assert len(found) == 2
    predictions = pd.concat(map(pd.read_parquet, found))
    assert [name for name in predictions if name.startswith("p_")] == [f"p_{name}" for name in classes]
    assert sorted(predictions["expression"]) == sorted(classes * 2)
    np.testing.assert_allclose(predictions.filter(like="p_").sum(axis=1), 1, atol=1e-5)
    assert afnetm.load_model(found[0].parent).classes == classes
