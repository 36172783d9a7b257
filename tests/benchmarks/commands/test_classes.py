"""Datasets of other classes than the six expressions, from a folder of meshes to stored runs."""

import re
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
from tests.reports.page.test_page import read

EIGHT = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "contempt", "neutral")
CODES = {3: "AN NE PA", 8: "AN DI FE HA SA SU CO NE"}


@pytest.mark.usefixtures("sketched")
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
    here(home, *prepare, "--no-detect", "--workers", "1")  # nothing in them is like a face
    assert afnetm.open_dataset(home / "datasets" / "own").classes == classes

    text = suite.read_text().replace('name = "tiny"', 'name = "own"').replace("folds = 3", "folds = 2\ncomplete = true")
    text = text.replace("epochs = 3", "epochs = 1").replace("[methods.concat]", "").replace('"concat"', '"texture"')
    suite.write_text(
        "keep_weights = true\n" + "\n".join(line for line in text.splitlines() if not line.startswith("synthetic"))
    )
    here(home, "run", str(suite), "--workers", "1")
    found = list((home / "runs").glob("*/*/predictions.parquet"))
    assert len(found) == 2
    predictions = pd.concat(map(pd.read_parquet, found))
    assert [name for name in predictions if name.startswith("p_")] == [f"p_{name}" for name in classes]
    assert sorted(predictions["expression"]) == sorted(classes * 2)
    np.testing.assert_allclose(predictions.filter(like="p_").sum(axis=1), 1, atol=1e-5)
    assert afnetm.load_model(found[0].parent).classes == classes

    report = home / "reports" / "small"
    table = pd.read_csv(report / "tables" / "comparison.csv")
    assert [name for name in table if name.startswith("recall_") and name.count("_") == 1] == [
        f"recall_{name}" for name in classes
    ]
    right = predictions["expression"] == predictions["predicted"]
    for name in classes:
        assert table[f"recall_{name}"].item() == pytest.approx(right[predictions["expression"] == name].mean())
    assert table["balanced_accuracy"].item() == pytest.approx(right.mean())  # all classes have as many scans
    page, details = read(report / "index.html"), (report / "tables" / "details.tex").read_text(encoding="utf-8")
    codes = dict(zip(classes, CODES[len(classes)].split(), strict=True))
    assert f"a column: {', '.join(f'{code} {name}' for name, code in codes.items())}); the diagonal" in page.text
    pictures = [a["aria-label"] for tag, a in page.elements if tag == "svg"]
    confusion = next(text for text in pictures if text.startswith("Confusion matrix: "))
    assert [part.split()[0] for part in confusion.removeprefix("Confusion matrix: ").split("; ")] == list(classes)
    assert [name for name in classes if f" {name} " not in re.sub(r"\W+", " ", details)] == []
    given = [str(report / "tables" / name) for name in ("folds.csv", "predictions.parquet")]
    here(home, "report", "--results", given[0], "--predictions", given[1], "--out", str(tmp_path / "again"))
    again = pd.read_csv(tmp_path / "again" / "tables" / "comparison.csv")
    assert table["inputs"].item() == "T"
    pd.testing.assert_frame_equal(again, table.drop(columns="inputs"))  # which results from elsewhere do not say
