"""The public face: what a notebook does with `afnetm` alone."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.model_selection import cross_validate
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader

import afnetm
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic import SyntheticSource
from afnetm.training.config import Augmentation


@pytest.fixture(scope="module")
def data() -> afnetm.FaceDataset:
    return afnetm.synthetic_dataset(subjects=4, intensities=(4,), size=32, seed=0, workers=1)


def test_neutral_is_a_seventh_class_and_a_variant_stands_in_the_description() -> None:
    made = afnetm.synthetic_dataset(subjects=1, intensities=(4,), size=16, neutral=True, variant="sensor", workers=1)
    assert made.classes == (*EXPRESSIONS, "neutral")
    assert made.table["expression"].tolist() == list(made.classes)
    assert made.source["variant"] == "sensor"


def test_every_public_name_is_there_and_documented() -> None:
    for name in afnetm.__all__:
        assert getattr(afnetm, name).__doc__, name
    assert set(afnetm.__all__) <= set(dir(afnetm))
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        afnetm.fitt  # noqa: B018


def test_it_is_imported_without_what_the_benchmark_needs() -> None:
    # rich and typer are not asked for: huggingface_hub, which timm needs, brings and imports them in some releases.
    code = (
        "import sys, afnetm; [getattr(afnetm, name) for name in afnetm.__all__]; "
        "print({'benchmarks', 'reports', 'studies', 'mlflow', 'optuna_dashboard', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_example_trains_and_predicts_on_subjects_that_it_never_saw(data: afnetm.FaceDataset) -> None:
    config = afnetm.TrainingConfig(epochs=2, batch_size=8)
    for train, test in afnetm.SubjectKFold(2, seed=0).split(data):
        torch.manual_seed(0)
        model = afnetm.create_model("afnetm", num_classes=data.num_classes, encoder="resnet18", width=0.25)
        history = afnetm.fit(model, data.subset(train), config)
        assert history.loss.shape == (2,)
        probabilities = afnetm.predict(model, data.subset(test), config)
        assert probabilities.shape == (len(test), 6)
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
        assert not set(data.subjects[train]) & set(data.subjects[test])


def test_the_readme_s_example_runs() -> None:
    (code,) = re.findall(r"```py\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    smaller = {
        "subjects=24": "subjects=4",
        "(3, 4)": "(4,)",
        "size=64": "size=32",
        "KFold(5": "KFold(2",
        "epochs=20": "epochs=1",
    }
    for before, after in smaller.items():
        assert before in code
        code = code.replace(before, after)
    code = "\n".join(line for line in code.splitlines() if "load_model" not in line)
    found: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), found)
    assert found["probabilities"].shape == (len(found["test"]), 6)


def test_a_dataset_is_what_a_data_loader_takes_and_a_sample_what_training_reads(data: afnetm.FaceDataset) -> None:
    faces, labels = next(iter(DataLoader(data, batch_size=len(data))))
    assert labels.tolist() == data.labels.tolist() == [data[i][1] for i in range(len(data))]
    batch = afnetm.FaceBatch(**faces, pixel_mm=data.pixel_mm)
    model = afnetm.create_model("concat", num_classes=6, width=0.25).eval()
    with torch.no_grad():
        loaded = model(batch).logits.softmax(1).numpy()
    still = dict.fromkeys(("rotation", "scale", "shift"), 0)  # otherwise test faces are as soft as moved ones
    config = afnetm.TrainingConfig(augmentation=Augmentation(**still))
    np.testing.assert_allclose(loaded, afnetm.predict(model, data, config), atol=1e-5)
    with pytest.raises(IndexError):
        data[len(data)]
    assert torch.equal(data[-1][0]["depth"], data[len(data) - 1][0]["depth"])


def test_a_subset_of_a_subset_has_the_classes_of_the_whole(data: afnetm.FaceDataset) -> None:
    some = data.subset([5, 3, 1]).subset([2, 0])
    assert some.table["id"].tolist() == data.table["id"].iloc[[1, 5]].tolist()
    assert some.classes == data.classes == ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    assert some.labels.tolist() == data.labels[[1, 5]].tolist()
    assert some.subjects.tolist() == data.subjects[[1, 5]].tolist()


def test_the_splitter_is_scikit_learn_s(data: afnetm.FaceDataset) -> None:
    features = data.depth.reshape(len(data), -1).astype(np.float32)
    splitter = afnetm.SubjectKFold(2, seed=1)
    found = cross_validate(KNeighborsClassifier(1), features, data.labels, groups=data.subjects, cv=splitter)
    assert len(found["test_score"]) == splitter.get_n_splits() == 2
    ours = [test.tolist() for _, test in splitter.split(data)]
    assert ours == [test.tolist() for _, test in splitter.split(features, data.labels, groups=data.subjects)]
    with pytest.raises(afnetm.UserError, match="give y"):
        next(splitter.split(features))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: afnetm.create_model("concta", num_classes=6), "method 'concta' is not registered; .*concat"),
        (lambda: afnetm.create_model("concat", num_classes=6, dropot=0.1), "concat.dropot: unknown key"),
        (lambda: afnetm.create_model("concat", num_classes=6, encoder="resnet81"), "resnet81"),
        (lambda: afnetm.load_model("nowhere"), "nowhere: no run of a suite and no model"),
        (lambda: afnetm.prepare_dataset("ck", "a", "b"), "dataset source 'ck' is not registered; allowed: "),
        (lambda: afnetm.synthetic_dataset(intensities=(5,)), "intensities"),
        (lambda: afnetm.synthetic_dataset(variant="lights"), "variant = 'lights' .*light"),
    ],
)
def test_what_cannot_be_is_one_line(make, message: str) -> None:
    with pytest.raises(afnetm.UserError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_trained_model_is_loaded_from_a_run_and_asked(
    data: afnetm.FaceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.execution.executing import execute
    from benchmarks.plans.runs import plan
    from benchmarks.plans.suite import parse_suite
    from benchmarks.records.home import Home
    from benchmarks.records.store import Store

    home = Home(tmp_path)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "synthetic").symlink_to(data.directory)
    given, weights = timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors"
    save_file(given, weights)
    tables = {
        "description": "a test",
        "keep_weights": True,
        "dataset": {"name": "synthetic"},
        "protocol": {"folds": 2},
        "encoder": {"name": "test_resnet", "output_stride": 16, "weights": str(weights), "frozen_stages": 2},
        "training": {"epochs": 1, "batch_size": 8, "pretrained_factor": 0.1},
        "methods": {"concat": {}},
    }
    planned = plan(parse_suite(tables, name="s", text="", file="s.toml"), data, device="cpu")[0]
    execute(planned, home)
    folder = Store(home).folder(planned.run.key)
    trained = afnetm.load_model(folder)
    network: Any = trained.module
    stages = network.texture.body.stages.train()
    assert [stage.frozen for stage in stages] == [not stage.training for stage in stages] == [True, True, False, False]
    assert all(stage.pretrained for stage in stages)
    frozen = {name.partition(".")[2]: tensor for name, tensor in stages[1].state_dict().items()}
    kept = {name.removeprefix("layer2."): tensor for name, tensor in given.items() if name.startswith("layer2.")}
    assert frozen.keys() == kept.keys()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in frozen.items())
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert json.loads((folder / "result.json").read_text())["parameters"] == parameters
    predictions = pd.read_parquet(folder / "predictions.parquet").set_index("scan")
    rows = data.table.reset_index().set_index("id").loc[predictions.index, "index"].to_numpy()
    found = trained.predict(data.subset(rows))
    assert list(found.columns) == list(trained.classes)
    np.testing.assert_allclose(
        found.to_numpy(), predictions[[f"p_{name}" for name in trained.classes]].to_numpy(), atol=1e-5
    )
    source = SyntheticSource(seed=0, subjects=4, intensities=(4,))
    scans = [source.load(name) for name in found.index[:3]]
    np.testing.assert_allclose(trained.predict(scans).to_numpy(), found.to_numpy()[:3], atol=1e-5)
    assert trained.predict(scans[1]).index.tolist() == [scans[1].id]
    one = trained.predict_scan(scans[1])
    np.testing.assert_allclose(one.probabilities, found.to_numpy()[1], atol=1e-5)
    assert one.expression == found.columns[found.to_numpy()[1].argmax()]
    assert one.margin == pytest.approx(np.diff(np.sort(one.probabilities)[-2:])[0])
    assert one.evidence.keys() == {"texture", "depth"}
    assert all(of.max() <= 1 for of in one.evidence.values())
    np.testing.assert_allclose(one.pose.apply(scans[1].landmarks), one.maps.landmarks, atol=1e-3)
    with pytest.raises(afnetm.UserError, match="2 scans with 1 different ids"):
        trained.predict([scans[0], scans[0]])
    with pytest.raises(afnetm.UserError, match=r"made by rendering 1, what the model was trained on by 2"):
        trained.predict(replace(data, rendering=1))
    monkeypatch.chdir(tmp_path)
    assert afnetm.load_model(Path("runs") / planned.run.key).classes == trained.classes
    Store(home).write_packed("s", {planned.run.key: folder})
    Store(home).delete_folder(planned.run.key)
    for place in (Path("runs"), Path("runs") / planned.run.key[:2]):
        again = afnetm.load_model(place / planned.run.key).predict(data.subset(rows))
        pd.testing.assert_frame_equal(again, found)
    assert isinstance(folder, Path)
    Store(home).forget([planned.run.key])
    execute(planned, home)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(afnetm.UserError, match="kept no weights"):
        afnetm.load_model(folder)
