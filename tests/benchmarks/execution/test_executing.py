"""One run executed in this process, by encoders that are not cut into stages."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from afnetm.model.cost import flop_count
from afnetm.training.device_dataset import StoredFaces
from afnetm.training.process import prepared
from benchmarks.commands.job import Job, prepare
from benchmarks.commands.request import Options, ask
from benchmarks.execution import executing
from benchmarks.execution.executing import execute
from benchmarks.records.home import Home
from benchmarks.records.store import Store
from benchmarks.terminal.console import Terminal
from tests.benchmarks.conftest import SUITE


def prepared_job(home: Path, suite: Path, *methods: str) -> Job:
    request = ask(str(suite), Options(home=Home(home), methods=methods, workers=1, device="cpu"))
    return prepare(request, Terminal(quiet=True))


@pytest.mark.parametrize("encoder", ["test_vit", "test_efficientnet"])
def test_a_record_shows_where_the_evidence_of_a_scan_of_each_expression_is(
    encoder: str, home: Path, suite: Path
) -> None:
    suite.write_text(SUITE.replace("width = 0.25", f'name = "{encoder}"').replace("epochs = 3", "epochs = 1"))
    job = prepared_job(home, suite)
    run = job.planned[1]
    assert run.label == "concat"
    execute(run, Home(home))
    folder = home / "runs" / run.run.key[:2] / run.run.key
    assert json.loads((folder / "result.json").read_text())["encoder"]["name"] == encoder
    evidence = load_file(folder / "gradcam.safetensors")
    predictions = pd.read_parquet(folder / "predictions.parquet")
    rows = evidence.pop("rows")
    assert sorted(predictions["expression"].iloc[rows]) == sorted(EXPRESSIONS)
    assert all((predictions["expression"].iloc[:row] != predictions["expression"].iloc[row]).all() for row in rows)
    assert set(evidence) == {"texture", "depth"}
    assert all(len(of) == len(rows) and 0 <= of.min() <= of.max() <= 1 for of in evidence.values())


def test_all_methods_see_the_same_pictures_of_a_fold_in_the_same_order(
    home: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures as they enter the network, by a digest each; of another fold they are others."""
    seen: list[list[float]] = []
    decoded = StoredFaces.decoded

    def watched(self: StoredFaces, draw: Any = None, **options: Any) -> Any:
        batch = decoded(self, draw, **options)
        if draw is not None:
            seen[-1] += [*batch.texture.double().sum((1, 2, 3)).tolist(), *batch.depth.double().sum((1, 2, 3)).tolist()]
        return batch

    monkeypatch.setattr(StoredFaces, "decoded", watched)
    job = prepared_job(home, suite)
    assert [run.label for run in job.planned[:3]] == ["texture", "concat", "texture"]
    for run in job.planned[:3]:
        seen.append([])
        execute(run, Home(home))
    assert len(seen[0]) == 2 * 3 * 24  # epochs, scans to train on
    assert seen[0] == seen[1] != seen[2]


def test_what_a_network_costs_is_counted_once_for_all_folds(
    home: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def watched(model: nn.Module, *, size: int) -> int:
        counted.append(flop_count(model, size=size))
        torch.rand(3)  # as a network may that draws in eval mode too
        return counted[-1]

    monkeypatch.setattr(executing, "flop_count", watched)
    monkeypatch.setattr(executing, "_counted", {})
    job = prepared_job(home, suite)
    for run in job.planned[:4]:
        execute(run, Home(home))
    found = [Store(Home(home)).result(run.run.key)["flops"] for run in job.planned[:4]]
    assert found == [*counted, *counted]
    assert len(set(counted)) == 2, "texture alone costs less than both"
    first = Store(Home(home)).predictions(job.planned[2].run.key)
    Store(Home(home)).forget([job.planned[2].run.key])
    monkeypatch.setattr(executing, "_counted", {})
    execute(job.planned[2], Home(home))
    again = Store(Home(home)).predictions(job.planned[2].run.key)
    assert again.equals(first), "which run was the first of a process decides nothing"


def test_tf32_is_another_run_and_on_a_processor_the_same_numbers(
    home: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in force while a run is trained and tested, and no longer."""
    seen: set[str] = set()
    decoded = StoredFaces.decoded

    def watched(*arguments: Any, **options: Any) -> Any:
        seen.add(torch.backends.cudnn.conv.fp32_precision)  # type: ignore[attr-defined]
        return decoded(*arguments, **options)

    monkeypatch.setattr(StoredFaces, "decoded", watched)
    before, found = torch.backends.cudnn.conv.fp32_precision, []  # type: ignore[attr-defined]
    for precision in ("float32", "tf32"):
        suite.write_text(SUITE.replace("epochs = 3", f'epochs = 1\nprecision = "{precision}"'))
        run = prepared_job(home, suite).planned[0]
        seen.clear()
        with prepared():  # as a worker is
            execute(run, Home(home))
        assert ("tf32" in seen) == (precision == "tf32")
        assert torch.backends.cudnn.conv.fp32_precision == before  # type: ignore[attr-defined]
        found.append((run.run.key, Store(Home(home)).predictions(run.run.key)))
    (key, as_ieee), (other, as_tf32) = found
    assert key != other
    assert as_ieee.equals(as_tf32)
    assert Store(Home(home)).result(other)["device_name"] == "cpu"
    assert "gpu_workers" not in Store(Home(home)).result(other)


def test_a_suite_whose_encoder_cannot_be_cut_runs_the_methods_that_need_no_stages(home: Path, suite: Path) -> None:
    suite.write_text(SUITE.replace("width = 0.25", 'name = "test_vit"') + "[methods.afnetm]\n")
    assert prepared_job(home, suite, "texture").labels == ["texture"]
    with pytest.raises(UserError, match="method 'afnetm' fuses between stages, and encoder 'test_vit' cannot be cut"):
        prepared_job(home, suite)
    assert not (home / "runs").exists()
