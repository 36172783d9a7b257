"""Trained models in MLflow's ONNX flavour: what its other programs load and serve. No code is in it, and no pickle."""

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import make_url

from afnetm.trained.model import TrainedModel
from afnetm.trained.onnx_files import INPUTS, OUTPUT, inputs_of, onnx_content
from benchmarks.execution.artifacts import Artifacts
from benchmarks.execution.copied import NOTE
from benchmarks.execution.database import bring_home, experiments_in
from benchmarks.execution.models import model_name
from benchmarks.execution.troubles import is_database, reach
from benchmarks.records.home import Home

_NOTE = """{about}

Its inputs are maps as a dataset of afnetm stores them, its output the probabilities of {classes}, in this order.

```py
import mlflow, onnxruntime

mlflow.set_tracking_uri(URI)
network = mlflow.onnx.load_model("models:/{model}")
session = onnxruntime.InferenceSession(network.SerializeToString())
```"""


def log_onnx_model(
    uri: str, home: Home, suite: str, model: TrainedModel, *, name: str, settings: Mapping[str, Any], about: str
) -> str | None:
    """Logs a trained model beside the runs of a suite, as a model of MLflow in its ONNX flavour.

    Args:
        uri: where MLflow is.
        home: keeps its files, unless a server does.
        suite: whose experiment it belongs to.
        model: on the CPU.
        name: of the model.
        settings: shown as its parameters.
        about: what it is, in Markdown.

    Returns:
        MLflow's identifier, or None where MLflow knows no such suite.

    Raises:
        UserError: the extra is not installed, or the model cannot be exported (`export_onnx`).
        Exception: whatever MLflow raises when it cannot be reached.
    """
    if is_database(uri):
        url = make_url(uri)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            return None
        reach(uri)
        if suite not in experiments_in(uri):
            return None
        bring_home(uri, home)

    # It sets what MLflow reads of the environment, before MLflow is imported.
    from benchmarks.execution import tracking  # noqa: F401, I001
    from mlflow import MlflowClient
    from benchmarks.execution.entities import params

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(suite)
    if experiment is None or experiment.lifecycle_stage != "active":
        return None
    files = _files(model)
    made = client.create_logged_model(
        experiment.experiment_id,
        model_name(name),
        params={one.key: one.value for one in params(settings)},
        model_type="afnetm",
    )
    Artifacts(client, uri, home).put_model(made, files)
    note = _NOTE.format(about=about, classes=", ".join(model.classes), model=made.model_id)
    client.set_logged_model_tags(made.model_id, {NOTE: note})
    client.finalize_logged_model(made.model_id, "READY")
    return str(made.model_id)


def _files(model: TrainedModel) -> dict[str, bytes]:
    """The files of MLflow's ONNX flavour, by name."""
    import mlflow.onnx
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    content, _ = onnx_content(model)
    specs = []
    for name in inputs_of(model.method):
        kind, shape = INPUTS[name]
        sides = [model.making.size if side == "S" else int(side) for side in shape]
        specs.append(TensorSpec(np.dtype(kind), (-1, *sides), name))
    answer = TensorSpec(np.dtype(np.float32), (-1, len(model.classes)), OUTPUT)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own types, parts of which are imported here
        path = Path(folder) / "model"
        mlflow.onnx.save_model(
            onnx.load_model_from_string(content),
            path,
            signature=ModelSignature(Schema(specs), Schema([answer])),
            # Given, because MLflow would find them by loading the model in another process.
            pip_requirements=[f"{package}=={version(package)}" for package in ("mlflow", "onnx", "onnxruntime")],
            onnx_execution_providers=["CPUExecutionProvider"],
            save_as_external_data=False,
        )
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
