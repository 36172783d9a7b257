"""Folders of trained models: read as they were written, and damaged ones refused in one line."""

import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

import afnetm
from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset_files import LANDMARK_COUNT
from afnetm.method import REGRESSOR, TEMPLATE
from afnetm.trained.folders import Settings
from afnetm.trained.saving import save_model

CONFIG = afnetm.TrainingConfig(epochs=1, batch_size=16)


def trained(method, directory, **hyperparameters):
    """A model in a folder, the scans that it was trained on and others of the same kind, and its answers to these."""
    data, others = learnable_dataset(subjects=4), learnable_dataset(subjects=2, seed=1)
    data, others = (replace(one, table=one.table.assign(**{LANDMARK_COUNT: 83})) for one in (data, others))
    model = afnetm.create_model(method, num_classes=6, width=0.125, **hyperparameters)
    afnetm.fit(model, data, CONFIG)
    settings = Settings(
        method=method,
        version=model.built_from.version,
        hyperparameters=asdict(model.built_from),
        encoder={"width": 0.125},
        training=asdict(CONFIG),
        classes=data.classes,
        maps=data.made_by,
    )
    save_model(directory, model, settings, {"seed": 0}, readme="# A model\n")
    return model, others


@pytest.mark.parametrize(("method", "masks"), [("afnetm", "mean"), ("cma", "detected"), ("landmarks", "detected")])
def test_a_model_answers_as_before_for_scans_that_it_never_saw(tmp_path, method, masks):
    model, others = trained(method, tmp_path / "model", masks=masks)
    kept = set(model.state_dict())
    assert (TEMPLATE in kept) == (masks == "mean")
    assert any(name.startswith(REGRESSOR) for name in kept) == (masks == "detected")
    loaded = afnetm.load_model(tmp_path / "model")
    assert loaded.about["seed"] == 0
    before = afnetm.predict(model, others, CONFIG)
    np.testing.assert_array_equal(loaded.predict(others).to_numpy(), before)
    assert len(np.unique(before.round(6), axis=0)) > 1
    with pytest.raises(afnetm.UserError, match="exists already"):
        save_model(tmp_path / "model", model, Settings(**json_settings(tmp_path / "model")), {}, readme="")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def json_settings(folder):
    found = json.loads((folder / "model.json").read_text())
    return {one.name: found[one.name] for one in fields(Settings)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "model"
    trained("texture", directory)
    return directory


def copied(folder: Path, tmp_path_factory) -> Path:
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("copy") / "model"))


def refused(folder: Path) -> str:
    with pytest.raises(afnetm.UserError) as caught:
        afnetm.load_model(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 1}, "format_version = 1; this version of afnetm reads 2"),
        ({"format_version": None}, "format_version = None"),
        ({"version": 99}, "of version 99 of 'texture'"),
        ({"method": "textur"}, "did you mean texture"),
        ({"classes": []}, "classes = "),
        ({"classes": ["../a"]}, "classes.0 = "),
        ({"classes": ["anger", "fear"]}, "not the weights of 'texture'"),
        ({"encoder": {"name": "hf-hub:somebody/net"}}, "is not one of timm's"),
        ({"encoder": {"weights": "/etc/passwd", "width": 0.25}}, "not the weights of 'texture'"),
        ({"maps": {"size": 10**6, "rendering": 2}}, "maps of 1000000 px"),
        ({"maps": {"size": 32}}, "rendering None"),
        ({"training": {"epochs": "many"}}, "training.epochs = "),
        ({"hyperparameters": {"features": 1}}, "unknown key"),
    ],
)
def test_settings_of_another_kind_are_one_line(folder, tmp_path_factory, change, message):
    copy = copied(folder, tmp_path_factory)
    found = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps(found | change))
    assert message in refused(copy)


@pytest.fixture(scope="module")
def answers(folder):
    return afnetm.load_model(folder).predict(learnable_dataset(subjects=1, seed=2))


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
@hypothesis(max_examples=12, deadline=None)
@given(at=st.floats(0, 1), text=st.binary(max_size=4), length=st.integers(0, 40))
def test_a_damaged_file_is_one_line_or_changes_no_answer(folder, answers, tmp_path_factory, name, at, text, length):
    copy = copied(folder, tmp_path_factory)
    content = (copy / name).read_bytes()
    place = int(at * len(content))
    (copy / name).write_bytes(content[:place] + text + content[place + length :])
    assert_refused_or_same(copy, answers)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
@hypothesis(max_examples=12, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_bit_that_flips_is_one_line_or_changes_no_answer(folder, answers, tmp_path_factory, name, at, bit):
    copy = copied(folder, tmp_path_factory)
    content = bytearray((copy / name).read_bytes())
    content[int(at * len(content))] ^= 1 << bit
    (copy / name).write_bytes(content)
    assert_refused_or_same(copy, answers)


def assert_refused_or_same(folder, answers):
    model, refusal = None, ""
    try:
        model = afnetm.load_model(folder)
    except afnetm.UserError as error:
        refusal = str(error)
    assert refusal.isprintable()
    if model is not None:
        pd.testing.assert_frame_equal(model.predict(learnable_dataset(subjects=1, seed=2)), answers, check_exact=True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("classes", 0), "angst"),  # the same answer by another name
        (("training", "augmentation", "rotation"), 0.5),
        (("hyperparameters", "dropout"), 0.05),
        (("maps", "landmarks", "given"), 25),
        (("seed",), 1),
    ],
)
def test_settings_that_could_be_read_all_the_same_are_refused(folder, tmp_path_factory, place, value):
    copy = copied(folder, tmp_path_factory)
    found = json.loads((copy / "model.json").read_text())
    *above, last = place
    inner = found
    for name in above:
        inner = inner[name]
    assert inner[last] != value
    inner[last] = value
    (copy / "model.json").write_text(json.dumps(found))
    assert "model.json: damaged, or altered since it was written" in refused(copy)


def test_weights_of_another_training_are_refused(folder, tmp_path_factory):
    copy, other = copied(folder, tmp_path_factory), tmp_path_factory.mktemp("other") / "model"
    model = afnetm.load_model(folder).module
    state = {name: tensor + 0 for name, tensor in model.state_dict().items()}
    next(iter(state.values())).view(-1)[0] += 1e-3
    model.load_state_dict(state)
    save_model(other, model, Settings(**json_settings(folder)), {}, readme="")
    shutil.copy(other / "weights.safetensors", copy)
    assert "weights.safetensors: damaged, or altered since it was written" in refused(copy)


def test_settings_may_be_written_otherwise(folder, answers, tmp_path_factory):
    copy = copied(folder, tmp_path_factory)
    found = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps(dict(sorted(found.items(), reverse=True)), indent=3))
    assert_refused_or_same(copy, answers)
    assert afnetm.load_model(copy).about == {"seed": 0}


@pytest.mark.parametrize("length", [0, 7, 8, 200, 5000, -1])
def test_truncated_weights_are_one_line(folder, tmp_path_factory, length):
    copy = copied(folder, tmp_path_factory)
    content = (copy / "weights.safetensors").read_bytes()
    (copy / "weights.safetensors").write_bytes(content[:length])
    assert "not the weights of 'texture'" in refused(copy)


def test_no_file_outside_of_the_folder_is_read(folder, tmp_path_factory):
    copy = copied(folder, tmp_path_factory)
    (copy / "weights.safetensors").unlink()
    assert "there is no such file" in refused(copy)
    (copy / "weights.safetensors").symlink_to(folder / "weights.safetensors")
    assert "points outside" in refused(copy)
