"""The final fit: the accuracy that its model's folder states is the report's, and groups are held out whole."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afnetm.contract.inputs import learnable_dataset
from afnetm.data.dataset import open_dataset
from afnetm.data.splits import hold_out
from afnetm.trained.folders import load_model
from benchmarks.commands.final_fit import fit_all
from benchmarks.commands.job import Job
from benchmarks.commands.machines import Machines
from benchmarks.execution import networks
from benchmarks.plans.runs import plan
from benchmarks.plans.suite import parse_suite
from benchmarks.records.home import Home
from reports.formats import score
from tests.benchmarks.conftest import Afnetm


@pytest.mark.slow
@pytest.mark.usefixtures("sketched")
def test_the_accuracy_of_a_model_is_that_of_the_suite_s_report(
    tmp_path: Path, home: Path, suite: Path, here: Afnetm, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = ["--set", "training.epochs=25", "training.learning_rate=2e-3"]
    here(home, "run", str(suite), "--workers", "1", *learnt)
    row = pd.read_csv(home / "reports" / "small" / "tables" / "comparison.csv").set_index("method").loc["texture"]
    model = tmp_path / "model"
    done = here(home, "train", str(suite), "--method", "texture", "--out", str(model), *learnt)
    stated = json.loads((model / "model.json").read_text())["measured"]
    assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
    report = {end: pytest.approx(row[f"accuracy_{end}"], abs=1e-12) for end in ("low", "high")}
    assert stated == {
        "suite": "small",
        "accuracy": pytest.approx(row["accuracy"], abs=1e-12),
        **report,
        "runs": 3,
        "planned": 3,
        "subjects": 6,
    }
    words = score(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
    assert f"accuracy:   {words}, measured by 3 runs of suite small" in done.stdout
    assert f"{words} (95 % interval" in (model / "README.md").read_text()
    assert words.partition(" %")[0] in (home / "reports" / "small" / "report.md").read_text()

    check_logged(Home(home), model, done.stdout, monkeypatch)

    other = tmp_path / "other"
    changes = ["--set", "methods.texture.dropout=0.45", "training.epochs=1"]
    away = "http://127.0.0.1:9"
    words = ["train", str(suite), "--method", "texture", "--out", str(other), *changes]
    done = here(home, *words, AFNETM_TRACKING_URI=away)
    assert "none measured with these settings" in done.stdout
    assert other.is_dir()
    if find_spec("onnxruntime"):
        assert "MLflow: the model is not logged there: " in done.stderr
        assert away in done.stderr


def check_logged(home: Home, model: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow has the model in its ONNX flavour, in files that hold no code, and it answers as the folder's does."""
    if find_spec("onnxruntime") is None:
        return
    import mlflow
    import mlflow.onnx
    import onnxruntime

    monkeypatch.setenv("MLFLOW_TRACKING_URI", home.tracking_uri)
    (named,) = [line for line in words.splitlines() if line.startswith("MLflow:")]
    logged = mlflow.MlflowClient().get_logged_model(named.split()[2].rstrip(","))
    assert (logged.name, str(logged.status), logged.params["method"]) == ("texture final", "READY", "texture")
    files = sorted(path.name for path in Path(logged.artifact_location.removeprefix("file://")).rglob("*"))
    assert files == ["MLmodel", "conda.yaml", "model.onnx", "python_env.yaml", "requirements.txt"]
    network = mlflow.onnx.load_model(f"models:/{logged.model_id}")
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    data = open_dataset(home.datasets / "tiny")
    (answers,) = session.run(["probabilities"], {"texture": np.asarray(data.texture)})
    np.testing.assert_allclose(answers, load_model(model).predict(data).to_numpy(), atol=1e-4)


def test_subjects_of_one_group_are_held_out_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = learnable_dataset(subjects=9)
    person = [f"p{int(subject[1:]) % 3}" for subject in data.table["subject"]]
    data = replace(data, table=data.table.assign(attribute_person=person))
    tables = {
        "description": "a test",
        "dataset": {"name": "learnable"},
        "protocol": {"folds": 3, "group": "person"},
        "encoder": {"width": 0.125},
        "training": {"epochs": 1, "batch_size": 18},
        "methods": {"weighted": {}},
    }
    suite = parse_suite(tables, name="s", text="", file="s.toml")
    machines = Machines("cpu", [], 1, lambda *_: [])
    job = Job(suite, ["weighted"], data, plan(suite, data, device="cpu"), machines, frozenset(), Home(tmp_path))
    parts: list[Any] = []

    def seen(*arguments: Any, **options: Any) -> Any:
        parts.append(hold_out(*arguments, **options))
        return parts[-1]

    monkeypatch.setattr(networks, "hold_out", seen)
    found = fit_all(job, "weighted")
    ((kept, held),) = parts
    people = data.table["attribute_person"]
    assert set(people.iloc[held]).isdisjoint(people.iloc[kept])
    assert data.table["subject"].iloc[held].nunique() == 3  # a fifth of nine subjects would be two
    assert len(kept) + len(held) == len(data)
    assert found.about["dataset"]["subjects"] == 9
