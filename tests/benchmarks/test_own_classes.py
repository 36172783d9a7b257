"""Three classes of one's own, uneven, and sessions of people: from a table to reports and predictions, by commands."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trimesh
from PIL import Image

from afnetm.data.dataset import check_dataset
from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.synthetic import SyntheticSource
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from tests.benchmarks.conftest import Afnetm

SUITE = """
description = "three classes of one's own"
control = "concat"
[dataset]
name = "own"
[protocol]
folds = "leave-one-subject-out"
group = "person"
[encoder]
width = 0.125
[training]
epochs = 1
batch_size = 8
sampling = "balanced"
[methods.texture]
[methods.concat]
"""
CLASSES = {"anger": "pain", "fear": "pain", "happiness": "no_pain", "sadness": "unsure"}


def write_scans(folder: Path) -> None:
    """Six subjects, who are sessions of three people, with four scans each."""
    source = SyntheticSource(seed=0, subjects=6, intensities=(4,), clean=True)
    rows = []
    for scan_id in source.ids():
        scan = source.load(scan_id)
        if scan.expression not in CLASSES:
            continue
        faces, vertices, uv = trimesh.visual.texture.unmerge_faces(scan.faces, scan.uv_faces)
        colours = Image.fromarray(scan.texture)
        visual = trimesh.visual.TextureVisuals(uv=scan.uv[uv], image=colours)
        (folder / f"{scan_id}.glb").write_bytes(
            trimesh.Trimesh(scan.vertices[vertices], faces, visual=visual, process=False).export(file_type="glb")
        )
        (folder / f"{scan_id}.bnd").write_bytes(write_bnd(Bnd(np.zeros(83, np.int64), scan.landmarks)))
        number = int(re.sub(r"\D", "", scan.subject))
        files = f"{scan_id}.glb", f"{scan_id}.bnd"
        rows.append((f"s{number}", CLASSES[scan.expression], *files, f"p{number % 3}", "fm"[number % 2]))
    pd.DataFrame(rows, columns=["subject", "expression", "mesh", "landmarks", "person", "sex"]).to_csv(
        folder / "scans.csv", index=False
    )


@pytest.mark.slow
@pytest.mark.usefixtures("sketched")
def test_classes_of_ones_own_go_from_a_table_to_a_report(tmp_path: Path, empty_mlflow: Path, here: Afnetm) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_mlflow, home)
    (tmp_path / "meshes").mkdir()
    write_scans(tmp_path / "meshes")
    (tmp_path / "own.toml").write_text(SUITE)
    table = str(tmp_path / "meshes" / "scans.csv")
    prepare = ["data", "prepare", "folder", str(tmp_path / "meshes"), "own", "--table", table, "--size", "32"]
    here(home, *prepare, "--no-detect")
    here(home, "run", str(tmp_path / "own.toml"), "--workers", "1")
    here(home, "report", "own", "--by", "sex", "--with-faces")
    report = home / "reports" / "own"
    found = pd.read_csv(report / "tables" / "comparison.csv").set_index("method")
    assert found["units"].tolist() == [3, 3]
    assert found[["balanced_accuracy", "macro_f1", "accuracy_low"]].notna().all(axis=None)
    predictions = pd.read_parquet(report / "tables" / "predictions.parquet")
    assert {"p_pain", "p_no-pain", "p_unsure"} <= set(predictions.columns)
    assert predictions["subject"].nunique() == 3
    text = (report / "report.md").read_text()
    assert "### Accuracy by sex" in text
    assert (report / "tables" / "by_sex.tex").is_file()
    assert "Majority-class baseline: 50.0 %" in text
    assert "one value of the column “person” are one subject" in text
    for name in ("pain", "no-pain", "unsure"):
        assert name in (report / "index.html").read_text()
    latex = (report / "tables" / "comparison.tex").read_text()
    assert "happiness" not in latex
    (tmp_path / "split.csv").write_text(
        "subject,part\n" + "".join(f"s{n},{'train' if n < 4 else 'test'}\n" for n in range(6))
    )
    protocol = 'split = "split.csv"'
    (tmp_path / "split.toml").write_text(SUITE.replace('folds = "leave-one-subject-out"\ngroup = "person"', protocol))
    here(home, "run", str(tmp_path / "split.toml"), "--workers", "1", "--no-report")
    keys = [run.key for run in read_manifest(Home(home), "split").runs]
    tested = [set(pd.read_parquet(Store(Home(home)).folder(key) / "predictions.parquet")["scan"]) for key in keys]
    ids = {scan for scan in check_dataset(home / "datasets" / "own").table["id"] if scan.startswith(("s4_", "s5_"))}
    assert len(ids) == 8
    assert tested == [ids, ids]

    model, mesh = str(tmp_path / "model"), str(tmp_path / "meshes" / "s000_happiness_4.glb")
    here(home, "train", str(tmp_path / "own.toml"), "--method", "concat", "--out", model)
    (answer,) = json.loads(here(home, "predict", model, mesh, "--json").stdout)["predictions"]
    assert answer["probabilities"].keys() == {"pain", "no-pain", "unsure"}
    assert answer["expression"] in answer["probabilities"]
    for refused, message in (("age", "no column 'age'"), ("person", "--by person: a value is of one subject only")):
        error = here(home, "report", "own", "--by", refused, code=2).stderr
        assert message in error
