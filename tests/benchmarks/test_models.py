"""Models: those that a suite kept and those of `afnetm train`, asked about people's files."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import afnetm
from afnetm.data.sources.exporting import export
from afnetm.data.sources.scan_files import read_scan
from afnetm.data.synthetic import SyntheticSource
from benchmarks.execution.executing import execute
from benchmarks.plans.runs import plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home
from benchmarks.records.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two synthetic subjects in BU-3DFE's layout; not to be written to."""
    folder = tmp_path_factory.mktemp("exported") / "files"
    export(folder, SyntheticSource(seed=1, subjects=2, intensities=(4,), clean=True), layout="bu3dfe", workers=1)
    return folder


def test_a_kept_fold_s_model_gives_the_suite_s_probabilities_for_the_files_of_its_test_scans(tmp_path, files):
    home = Home(tmp_path)
    data = afnetm.prepare_dataset("bu3dfe", files, home.datasets / "faces", size=32, workers=1)
    tables = {
        "description": "a test",
        "keep_weights": True,
        "dataset": {"name": "faces"},
        "protocol": {"folds": 2},
        "encoder": {"width": 0.125},
        "training": {"epochs": 2, "batch_size": 6},
        "methods": {"afnetm": {}},
    }
    planned = plan(parse_suite(tables, name="s", text="", file="s.toml"), data, device="cpu")[0]
    execute(planned, home)
    folder = Store(home).folder(planned.run.key)
    model, predictions = afnetm.load_model(folder), pd.read_parquet(folder / "predictions.parquet")
    assert len(predictions) == 6
    sources = data.table.set_index("id")["source"]
    for row in predictions.to_dict("records"):
        found = model.predict_scan(read_scan(files / sources[row["scan"]]))
        suite = [row[f"p_{name}"] for name in model.classes]
        np.testing.assert_allclose(found.probabilities, suite, atol=1e-5)
        assert found.expression == row["predicted"]


def test_a_method_is_trained_on_all_subjects_and_asked_about_files(tmp_path, home, suite, files, here):
    model = tmp_path / "model"
    done = here(home, "train", str(suite), "--method", "afnetm", "--out", str(model), "--set", "training.epochs=1")
    assert "36 scans of 6 subjects" in done.stdout
    assert "none measured with these settings" in done.stdout
    about = json.loads((model / "model.json").read_text())
    assert (about["method"], about["measured"], about["dataset"]["subjects"]) == ("afnetm", None, 6)
    assert sorted(path.name for path in model.iterdir()) == ["README.md", "model.json", "weights.safetensors"]
    assert "no scan of a person went into this model" in (model / "README.md").read_text()
    again = here(home, "train", str(suite), "--method", "afnetm", "--out", str(model), code=2)
    assert again.stderr.strip() == f"error: folder {model}: exists already (allowed: a new one)"

    meshes = [str(path) for path in sorted((files / "F0001").glob("*.wrl"))[:2]]
    (tmp_path / "bad.obj").write_text("nothing")
    out = tmp_path / "out"
    words = ["predict", str(model), *meshes, str(tmp_path / "bad.obj"), "--out", str(out), "--json"]
    found = here(home, *words, code=1)
    document = json.loads(found.stdout)
    assert document == json.loads((out / "predictions.json").read_text())
    assert [one["scan"] for one in document["predictions"]] == meshes
    assert [one["scan"] for one in document["rejected"]] == [str(tmp_path / "bad.obj")]
    table = pd.read_csv(out / "predictions.csv")
    assert table["expression"].tolist() == [one["expression"] for one in document["predictions"]]
    np.testing.assert_allclose(table[[f"p_{name}" for name in about["classes"]]].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(table["weight_texture"] + table["weight_depth"], 1, atol=1e-5)
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == 2
    with Image.open(pictures[0]) as picture:
        assert picture.size[0] > 600
    loaded = afnetm.load_model(model)
    np.testing.assert_allclose(
        loaded.predict_scan(read_scan(files / "F0001" / pictures[0].with_suffix(".wrl").name)).probabilities,
        table.loc[0, [f"p_{name}" for name in about["classes"]]].to_numpy(float),
        atol=1e-5,
    )
    refused = here(home, "predict", str(model), str(tmp_path / "empty.obj"), "--unit", "feet", code=2, COLUMNS="150")
    assert "'--unit'" in refused.stderr
    assert "'feet' is not one of 'um', 'mm', 'cm', 'm', 'inch'" in refused.stderr


def test_a_nested_search_names_no_parameters_for_all_subjects(tmp_path, home, searched_suite, here):
    refused = here(home, "train", str(searched_suite), "--method", "texture", "--out", str(tmp_path / "model"), code=2)
    assert "its search is nested" in refused.stderr
    (tmp_path / "folds.toml").write_text("[texture.0-0]\ndropout = 0.1\n[texture.0-1]\ndropout = 0.2\n")
    words = ["train", str(searched_suite), "--method", "texture", "--out", str(tmp_path / "model"), "--params"]
    refused = here(home, *words, str(tmp_path / "folds.toml"), code=2)
    assert "[texture.all]" in refused.stderr
    (tmp_path / "all.toml").write_text("[texture.all]\ndropout = 0.1\ntraining.epochs = 1\n")
    here(home, *words, str(tmp_path / "all.toml"))
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (about["hyperparameters"]["dropout"], about["training"]["epochs"]) == (0.1, 1)
