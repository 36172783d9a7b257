"""The command line, end to end: real dataset, real workers, real MLflow on SQLite."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from typer.testing import CliRunner

from benchmarks.cli import data as cli_data
from benchmarks.cli.app import app
from benchmarks.records.home import Home
from benchmarks.records.occupancy import exclusive
from tests.benchmarks.conftest import Afnetm, command
from tests.benchmarks.found import findings, runs_done


def test_a_run_trains_every_fold_and_says_where_to_look(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]],
) -> None:
    home, _, done = finished
    assert runs_done(home) == 6
    page = home / "reports" / "small" / "index.html"
    assert str(page) in done.stdout
    assert "afnetm --home" in done.stdout
    assert "texture" in done.stdout
    assert "concat" in done.stdout
    assert page.is_file()
    for result, *_ in findings(home).values():
        line = f": {result['method']}, repeat 0, fold {result['fold']}: accuracy {result['accuracy']:.3f} in "
        assert done.stderr.count(line) == 1  # it is no terminal
    assert "6 of 6: " in done.stderr
    folds = pd.read_csv(home / "reports/small/tables/folds.csv")
    columns = (
        "suite method repeat fold seed unit n_train n_test accuracy macro_f1 seconds parameters flops "
        "train_seconds test_seconds peak_memory"
    )
    assert list(folds.columns) == columns.split()
    predictions = pd.read_parquet(home / "reports/small/tables/predictions.parquet")
    assert predictions.groupby("method")["scan"].nunique().to_dict() == {"concat": 36, "texture": 36}
    assert predictions.groupby("method").size().to_dict() == {"concat": 36, "texture": 36}
    paper = (home / "reports/small/tables/comparison-compact.tex").read_text(encoding="utf-8")
    rows = [line.partition(" & ")[0] for line in paper.splitlines() if line.endswith(r"\\") and " & " in line]
    assert rows[-2:] == ["2D alone", "Concatenation"]


def test_run_again_it_trains_nothing_and_says_so(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], here: Afnetm
) -> None:
    home, suite, _ = finished
    before = {p: p.stat().st_mtime_ns for p in (home / "runs").rglob("*")}
    again = here(home, "run", str(suite), "--no-report")
    assert "nothing to train" in again.stderr
    assert before == {p: p.stat().st_mtime_ns for p in (home / "runs").rglob("*")}


def test_a_run_can_leave_the_report_for_later_and_its_files_in_one(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], here: Afnetm, tmp_path: Path
) -> None:
    _, suite, _ = finished
    home = Path(shutil.copytree(finished[0], tmp_path / "home", ignore=shutil.ignore_patterns("reports")))
    done = here(home, "run", str(suite), "--no-report", "--pack")
    assert "small: 6 runs packed; " in done.stdout
    assert not (home / "reports").exists()
    assert runs_done(home) == 0
    assert json.loads(here(home, "status", str(suite), "--json").stdout)["runs"]["done"] == 6


def test_numbers_of_other_code_under_the_same_version_are_told_with_its_file(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], here: Afnetm, tmp_path: Path
) -> None:
    subprocess.run(["cp", "-r", finished[0], tmp_path / "home"], check=True)
    results = {path: json.loads(path.read_text()) for path in (tmp_path / "home" / "runs").glob("*/*/result.json")}
    for path, result in results.items():
        if result["method"] == "texture":
            assert list(result["sources"]) == ["baselines/texture.py"]
            del result["sources"]  # as before they were recorded
        else:
            assert list(result["sources"]) == ["baselines/concat.py", "baselines/two_streams.py"]
            result["sources"]["baselines/two_streams.py"] = ("0" if result["fold"] else "a") * 16
        path.write_text(json.dumps(result))
    said = here(tmp_path / "home", "run", "--no-report", str(finished[1])).stderr
    (line,) = (line for line in said.splitlines() if "version" in line)
    assert line == (
        "warning: concat: 3 finished runs came of other code in baselines/two_streams.py, and its version is still 1. "
        "If what it computes has changed, raise the version, or delete them: afnetm forget small --methods concat"
    )


def test_mlflow_has_a_parent_a_method_and_a_child_a_run_and_nothing_twice(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]],
) -> None:
    from mlflow import MlflowClient

    home, _, _ = finished
    client = MlflowClient(f"sqlite:///{home.resolve() / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    runs = client.search_runs([experiment.experiment_id])
    parents = {run.info.run_id: run for run in runs if "mlflow.parentRunId" not in run.data.tags}
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert sorted(run.info.run_name for run in parents.values()) == ["concat", "report", "texture"]
    records = findings(home)
    assert sorted(run.data.tags["afnetm.key"] for run in children) == sorted(records)
    for run in children:
        result, _, curves, _ = records[run.data.tags["afnetm.key"]]
        assert parents[run.data.tags["mlflow.parentRunId"]].info.run_name == result["method"]
        assert run.data.metrics["accuracy"] == result["accuracy"]
        history = client.get_metric_history(run.info.run_id, "train_loss")
        assert [m.value for m in history] == pytest.approx(list(curves["loss"]))
        assert run.data.params["training.epochs"] == "3"
        assert run.inputs.dataset_inputs[0].dataset.name == "tiny"
        assert {a.path for a in client.list_artifacts(run.info.run_id)} >= {"predictions.parquet", "curves.csv"}
        assert run.info.status == "FINISHED"
        parent = parents[run.data.tags["mlflow.parentRunId"]]
        names = parent.data.params.keys() - {"protocol.repeats", "protocol.redraw", "protocol.complete"}
        names -= {"encoder.output_stride", "encoder.frozen_stages"}  # which a run leaves out at their defaults
        assert names <= run.data.params.keys()


def test_rows_of_the_report_lead_to_mlflow_and_its_runs_lead_back(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]],
) -> None:
    from mlflow import MlflowClient

    home, _, _ = finished
    client = MlflowClient(f"sqlite:///{home.resolve() / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    runs = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
    (report,) = [run_id for run_id, run in runs.items() if run.info.run_name == "report"]
    html = (home / "reports" / "small" / "index.html").read_text(encoding="utf-8")
    leading = dict(re.findall(r'<th scope="row"><a href="#(.*?)">(\w+)</a>', html))
    assert sorted(leading.values()) == ["concat", "texture"]
    for place, method in leading.items():
        article = html.partition(f'<article id="{place}">')[2].partition("</article>")[0]
        (run_id,) = re.findall(r'href="http://127.0.0.1:5000/#/experiments/\d+/runs/(\w+)\?', article)
        assert runs[run_id].info.run_name == method
        back = f"#/experiments/{experiment.experiment_id}/runs/{report}/artifacts/index.html"
        assert back in runs[run_id].data.tags["mlflow.note.content"]


@pytest.mark.usefixtures("sketched")
def test_a_report_for_others_leads_to_no_address_of_ones_own(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], here: Afnetm, tmp_path: Path
) -> None:
    here(finished[0], "report", "small", "--out", str(tmp_path / "out"))
    assert "127.0.0.1" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_mlflow_has_the_reports_scores_its_page_and_its_pictures(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]],
) -> None:
    from mlflow import MlflowClient

    home, _, _ = finished
    report = home / "reports" / "small"
    client = MlflowClient(f"sqlite:///{home.resolve() / 'mlflow.db'}")
    found = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    runs = {run.info.run_name: run for run in found}
    table = pd.read_csv(report / "tables" / "comparison.csv").set_index("method")
    for method in ("concat", "texture"):
        metrics = runs[method].data.metrics
        for name in ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "brier", "parameters"):
            assert metrics.get(name, np.nan) == pytest.approx(table.loc[method, name], rel=0, abs=0, nan_ok=True)
        folder = Path(client.download_artifacts(runs[method].info.run_id, ""))
        drawn = (report / "figures" / f"confusion-{method}.svg").read_bytes()
        assert (folder / "confusion.svg").read_bytes() == drawn
    assert "difference" not in runs["concat"].data.metrics  # the control
    assert runs["texture"].data.metrics["difference"] == table.loc["texture", "difference"]
    folder = Path(client.download_artifacts(runs["report"].info.run_id, ""))
    assert (folder / "index.html").read_bytes() == (report / "index.html").read_bytes()
    assert {path.name for path in folder.rglob("*")} >= {"scores.svg", "comparison.csv", "confusion-concat.svg"}


def test_the_report_needs_no_torch_and_no_mlflow(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], afnetm: Afnetm, tmp_path: Path
) -> None:
    home, _, _ = finished
    for package in ("torch", "mlflow", "timm"):
        (tmp_path / f"{package}.py").write_text("raise ImportError('not here')")
    done = afnetm(home, "report", "small", PYTHONPATH=f"{tmp_path}{os.pathsep}{Path.cwd()}")
    assert "index.html" in done.stdout
    page = (home / "reports" / "small" / "index.html").read_text(encoding="utf-8")
    assert "a difference of at most 2.5 percentage points either way" in page
    assert (home / "reports" / "small" / "tables" / "pairwise.csv").is_file()


def test_status_counts_and_json_is_alone_on_standard_output(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], afnetm: Afnetm
) -> None:
    home, suite, _ = finished
    done = afnetm(home, "status", str(suite), "--json")
    state = json.loads(done.stdout)
    assert (state["suite"], state["runs"]) == ("small", {"done": 6, "failed": 0, "left": 0})
    assert state["search"]["studies"] == 0
    info = json.loads(afnetm(home, "data", "check", "tiny", "--json").stdout)
    said = [
        "name",
        "scans",
        "subjects",
        "classes",
        "size",
        "fingerprint",
        "shareable",
        "pose",
        "detector",
        "regions",
        "rejected",
        "misfit_mm",
    ]
    assert list(info) == said
    assert (info["scans"], info["subjects"], info["size"], info["shareable"]) == (36, 6, 32, True)


def test_status_without_a_suite_tells_what_is_in_the_home(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], here: Afnetm, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    subprocess.run(["cp", "-r", finished[0], home], check=True)
    (home / "suites" / "broken.json").write_text("[]")
    found = json.loads(here(home, "status", "--json").stdout)
    assert [(one["suite"], one["counts"]) for one in found["suites"]] == [
        ("small", {"done": 6, "failed": 0, "left": 0})
    ]
    assert [(one["name"], one["scans"], one["subjects"], one["size"]) for one in found["datasets"]] == [
        ("tiny", 36, 6, 32)
    ]
    assert found["bytes"] == sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    formatted = here(home, "status").stdout
    assert re.search(r"^small +6 +0 +0 ", formatted, re.MULTILINE)
    assert re.search(r"^tiny +36 +6 +32 ", formatted, re.MULTILINE)
    assert "cannot be read: suite broken: " in formatted
    assert "does not exist yet" in here(tmp_path / "nothing", "status").stdout
    assert not (tmp_path / "nothing").exists()


@pytest.mark.faults
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_ctrl_c_and_a_scheduler_s_signals_stop_cleanly_and_keep_what_is_done(
    by: signal.Signals, home: Path, suite: Path, afnetm: Afnetm
) -> None:
    process = subprocess.Popen(command(home, "run", str(suite)), stderr=subprocess.PIPE, text=True)
    while runs_done(home) < 1:
        assert process.poll() is None
        time.sleep(0.01)
    for worker in psutil.Process(process.pid).children():  # both reach all processes of a job
        worker.send_signal(by)
    process.send_signal(by)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in words
    assert "To resume, run again" in words
    assert not list((home / "unfinished").glob("*"))
    assert not list((home / "claims").iterdir())
    status = json.loads(afnetm(home, "status", str(suite), "--json").stdout)["runs"]
    assert status["done"] == runs_done(home) >= 1
    assert status["failed"] == 0


def test_another_suite_of_the_same_name_is_refused_wherever_it_is_named(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], tmp_path: Path, here: Afnetm
) -> None:
    home, file, _ = finished
    other = tmp_path / "small.toml"
    other.write_text(file.read_text() + "[methods.late]\n")
    before = (home / "suites" / "small.json").read_bytes()
    for words in (["run"], ["run", "--dry-run"], ["report"], ["status"], ["forget", "--yes"], ["export"]):
        out = [str(tmp_path / "out.zip")] if words == ["export"] else []
        line = here(home, *words, str(other), *out, code=2).stderr
        assert f"has results of another suite of this name, '{file}'; rename the file" in line
    assert (home / "suites" / "small.json").read_bytes() == before
    assert runs_done(home) == 6

    moved = tmp_path / "moved" / "small.toml"
    moved.parent.mkdir()
    moved.write_bytes(file.read_bytes())
    assert "6 done" in here(home, "status", str(moved)).stdout


def test_weights_that_were_not_kept_are_missed_in_a_line(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], tmp_path: Path, here: Afnetm
) -> None:
    home = tmp_path / "home"
    subprocess.run(["cp", "-r", finished[0], home], check=True)
    suite = tmp_path / "keeping" / "small.toml"
    suite.parent.mkdir()
    (home / "suites" / "small.json").unlink()
    suite.write_text("keep_weights = true\n" + finished[1].read_text())
    words = " ".join(here(home, "run", "--no-report", str(suite)).stderr.split())
    assert "keep_weights = true: 6 finished runs without weights, which were not kept then" in words
    assert "nothing to train" in words


def test_a_second_run_on_one_home_says_who_holds_it_and_leaves(home: Path, suite: Path, here: Afnetm) -> None:
    with exclusive(Home(home)):
        second = here(home, "run", str(suite), code=2)
    assert f"is in use by process {os.getpid()} on" in second.stderr
    assert not (home / "runs").exists()
    here(home, "run", str(suite), "--dry-run")


def test_forget_deletes_what_it_says_after_asking(
    finished: tuple[Path, Path, subprocess.CompletedProcess[str]], tmp_path: Path, here: Afnetm, afnetm: Afnetm
) -> None:
    home = tmp_path / "home"
    subprocess.run(["cp", "-r", finished[0], home], check=True)
    here(home, "forget", "small", "--failed")
    assert runs_done(home) == 6
    afnetm(home, "forget", "small", code=1)  # nobody there to say yes
    assert runs_done(home) == 6
    here(home, "forget", "small", "--methods", "texture", "--yes")
    assert runs_done(home) == 3
    assert here(home, "status", "small").stdout.startswith("small: 3 done, 0 failed, 3 left")


def test_every_command_has_help_with_an_example() -> None:
    runner = CliRunner()
    commands = [c.name or c.callback.__name__ for c in app.registered_commands]
    data = [["data", c.name or c.callback.__name__] for c in cli_data.app.registered_commands]
    for words in [[name] for name in commands] + data:
        formatted = runner.invoke(app, [*words, "--help"])
        assert formatted.exit_code == 0
        assert "Example:" in formatted.output
        assert f"afnetm {' '.join(words)}" in formatted.output
