"""ONNX files of trained models: other programs get the model's answers, whatever precision it was trained in."""

import json
from dataclasses import asdict
from importlib.util import find_spec

import numpy as np
import pytest

import afnetm
from afnetm.contract.inputs import learnable_dataset
from afnetm.trained.folders import Settings
from afnetm.trained.onnx_files import OUTPUT, TOLERANCE
from afnetm.trained.saving import save_model

pytestmark = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="the extra onnx is not installed")


@pytest.mark.slow
def test_a_model_trained_in_bfloat16_is_exported_and_the_difference_is_said(tmp_path, here):
    data, others = learnable_dataset(subjects=4), learnable_dataset(subjects=2, seed=1)
    config = afnetm.TrainingConfig(epochs=2, batch_size=8, precision="bfloat16")
    network = afnetm.create_model("late", num_classes=6, encoder="test_resnet")
    afnetm.fit(network, data, config)
    settings = Settings(
        method="late",
        version=network.built_from.version,
        hyperparameters=asdict(network.built_from),
        encoder={"name": "test_resnet"},
        training=asdict(config),
        classes=data.classes,
        maps=data.made_by,
    )
    save_model(tmp_path / "model", network, settings, {}, readme="")
    file = tmp_path / "model.onnx"
    done = here(tmp_path, "model", "export", str(tmp_path / "model"), str(file))

    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == list(data.classes)
    (answers,) = session.run([OUTPUT], {"texture": np.asarray(others.texture), "depth": np.asarray(others.depth)})
    float32 = afnetm.predict(network, others, afnetm.TrainingConfig(batch_size=8))
    np.testing.assert_allclose(answers, float32, atol=TOLERANCE)
    own = afnetm.load_model(tmp_path / "model").predict(others).to_numpy()
    assert np.abs(answers - own).max() > TOLERANCE
    assert "precision:  the file computes in float32, afnetm in bfloat16: up to 0.0" in done.stdout

    refused = here(tmp_path, "model", "export", str(tmp_path / "model"), str(file), code=2)
    assert refused.stderr.strip() == f"error: {file}: exists already (allowed: a new file)"
