"""One run executed in this process, by encoders that are not cut into stages."""

import json
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from benchmarks.commands.job import Job, prepare
from benchmarks.commands.request import ask
from benchmarks.execution.executing import execute
from benchmarks.records.home import Home
from benchmarks.terminal.console import Terminal
from tests.benchmarks.conftest import SUITE


def prepared_job(home: Path, suite: Path, *methods: str) -> Job:
    request = ask(str(suite), home=Home(home), methods=methods, workers=1, device="cpu")
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
    folder = home / "runs" / run.run.key
    assert json.loads((folder / "result.json").read_text())["encoder"]["name"] == encoder
    evidence = load_file(folder / "gradcam.safetensors")
    predictions = pd.read_parquet(folder / "predictions.parquet")
    rows = evidence.pop("rows")
    assert sorted(predictions["expression"].iloc[rows]) == sorted(EXPRESSIONS)
    assert all((predictions["expression"].iloc[:row] != predictions["expression"].iloc[row]).all() for row in rows)
    assert set(evidence) == {"texture", "depth"}
    assert all(len(of) == len(rows) and 0 <= of.min() <= of.max() <= 1 for of in evidence.values())


def test_a_suite_whose_encoder_cannot_be_cut_runs_the_methods_that_need_no_stages(home: Path, suite: Path) -> None:
    suite.write_text(SUITE.replace("width = 0.25", 'name = "test_vit"') + "[methods.afnetm]\n")
    assert prepared_job(home, suite, "texture").labels == ["texture"]
    with pytest.raises(UserError, match="method 'afnetm' fuses between stages, and encoder 'test_vit' cannot be cut"):
        prepared_job(home, suite)
    assert not (home / "runs").exists()
