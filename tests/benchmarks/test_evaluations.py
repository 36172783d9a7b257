"""Trained models evaluated on corrupted scans and another dataset: through the program, and by what a worker does."""

import json
import os
import shutil
import signal
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from afnetm import corruptions as library
from afnetm.corruptions import MapCorruption
from benchmarks.commands.job import Job, prepare
from benchmarks.commands.request import Options, ask
from benchmarks.execution import evaluating
from benchmarks.records.home import Home
from benchmarks.records.manifest import read_manifest
from benchmarks.records.store import Store
from benchmarks.terminal.console import console
from tests.benchmarks.conftest import SUITE, Afnetm
from tests.benchmarks.found import assert_same, runs_done

#: What all of them share takes half a minute to make.
pytestmark = pytest.mark.slow
CORRUPTIONS = ["blur", "depth_noise", "texture_gone"]
_OTHER = {'"concat"': '"afnetm"', "folds = 3": "folds = 2", "epochs = 3": "epochs = 1", "[methods.concat]": ""}
EVALUATED = f"""{reduce(lambda text, pair: text.replace(*pair), _OTHER.items(), SUITE)}
[methods.afnetm]
[evaluation]
corruptions = {CORRUPTIONS}
[[evaluation.datasets]]
name = "twin"
"""


@pytest.fixture(scope="session")
def evaluated(shared: Path, prepared: Path, afnetm: Afnetm) -> Path:
    """A folder with that suite, ``corrupted.toml``, and a home in which it ran; to be copied, not written to.

    The other dataset, ``twin``, is the suite's own under another name.
    """
    folder = shared / "evaluated"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            fresh = shared / "evaluating"
            fresh.mkdir()
            (fresh / "corrupted.toml").write_text(EVALUATED)
            shutil.copytree(prepared, fresh / "home")
            own = next((fresh / "home" / "datasets").iterdir())
            shutil.copytree(own, own.with_name("twin"))
            afnetm(fresh / "home", "run", str(fresh / "corrupted.toml"), "--workers", "1", drawn=False)
            fresh.rename(folder)
    return folder


@pytest.fixture
def copied(evaluated: Path, tmp_path: Path) -> Path:
    """The same folder, to be written to."""
    return Path(shutil.copytree(evaluated, tmp_path / "copied"))


def stored(folder: Path) -> list[tuple[Any, dict[str, Any], pd.DataFrame]]:
    """Each evaluation with its result and predictions."""
    home = Home(folder / "home")
    store = Store(home)
    listed_runs = [one for one in read_manifest(home, "corrupted").evaluations if one.corruption]
    return [(one, store.result(one.key), store.predictions(one.key).to_pandas()) for one in listed_runs]


def job(folder: Path) -> Job:
    return prepare(ask(str(folder / "corrupted.toml"), Options(home=Home(folder / "home"))), console)


def test_every_model_is_evaluated_on_every_corruption_and_severity(evaluated: Path) -> None:
    found = stored(evaluated)
    places = {(one.method, one.fold, one.corruption) for one, _, _ in found}
    assert places == {(m, f, c) for m in ("texture", "afnetm") for f in (0, 1) for c in CORRUPTIONS}
    for one, result, predictions in found:
        severities = len(library.find_corruption(one.corruption).severities)
        assert predictions.groupby("severity").size().tolist() == [result["n_test"]] * severities
        right = (predictions["expression"] == predictions["predicted"]).groupby(predictions["severity"]).mean()
        assert result["accuracy"] == pytest.approx(right.mean())


def test_what_a_method_does_not_see_changes_none_of_its_answers(evaluated: Path) -> None:
    store = Store(Home(evaluated / "home"))
    unseen = [
        found for found in stored(evaluated) if (found[0].method, found[0].corruption) == ("texture", "depth_noise")
    ]
    assert len(unseen) == 2
    for _, result, predictions in unseen:
        clean = store.predictions(result["trained"]).to_pandas().set_index("scan")
        for _, own in predictions.groupby("severity"):
            names = [name for name in clean if name.startswith("p_")]
            np.testing.assert_array_equal(own.set_index("scan")[names], clean.loc[own["scan"], names])


def test_without_texture_a_method_of_texture_answers_the_same_for_every_scan(evaluated: Path) -> None:
    gone = [
        found for found in stored(evaluated) if (found[0].method, found[0].corruption) == ("texture", "texture_gone")
    ]
    assert [len(predictions.filter(like="p_").drop_duplicates()) for _, _, predictions in gone] == [1, 1]


def test_a_report_s_calibration_is_that_of_the_stored_predictions(evaluated: Path) -> None:
    """Recomputed from probabilities, by 15 equal bins over the scans of all folds."""
    table = pd.read_csv(evaluated / "home" / "reports" / "corrupted" / "tables" / "severities.csv")
    found = table.set_index(["method", "corruption", "severity"])["ece"].to_dict()
    parts = [
        predictions.assign(method=one.method, corruption=one.corruption) for one, _, predictions in stored(evaluated)
    ]
    expected = {}
    for place, own in pd.concat(parts).groupby(["method", "corruption", "severity"]):
        confidence = own.filter(like="p_").max(axis=1)
        gap = (own["expression"] == own["predicted"]) - confidence
        bins = pd.cut(confidence, np.linspace(0.0, 1.0, 16))
        expected[place] = float(gap.groupby(bins, observed=True).sum().abs().sum() / len(own))
    assert found == pytest.approx(expected, abs=1e-6)


def test_evaluations_are_counted_and_timed_by_plan(evaluated: Path, here: Afnetm) -> None:
    words = ["plan", str(evaluated / "corrupted.toml"), "--json"]
    rows = json.loads(here(evaluated / "home", *words).stdout)["methods"]
    own = {row["method"]: row for row in rows if row["what"] == "evaluations"}
    assert {name: (row["runs"], row["left"]) for name, row in own.items()} == {"texture": (8, 0), "afnetm": (8, 0)}


def test_an_evaluation_has_its_part_of_the_gpu_s_memory(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no GPU here: that the cap is set before anything is computed is all that can be seen."""
    asked: list[bool] = []
    monkeypatch.setattr(evaluating, "limit_memory", lambda *, alone: asked.append(alone))
    (planned, *_) = job(copied).evaluations
    evaluating.evaluate(planned, Home(copied / "home"))
    evaluating.evaluate(replace(planned, alone="killed"), Home(copied / "home"))
    assert asked == [False, True]


class Nothing(MapCorruption):
    """No corruption at all."""

    name, title, of, meaning, severities = "blur", "Nothing", "texture", "nothing", (1.0,)

    def apply(self, maps: Any, value: float, rng: np.random.Generator, partner: Any = None) -> Any:
        return maps


def test_on_scans_that_are_not_corrupted_a_model_answers_as_it_was_tested(
    evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "find_corruption", lambda name: Nothing())
    found = job(evaluated)
    store = Store(found.home)
    for planned in [one for one in found.evaluations if one.run.evaluated_on == "blur"]:
        planned.run.evaluation.update(severities=[1.0], version=0)  # type: ignore[union-attr]
        record = evaluating.evaluate(planned, found.home)
        clean = store.predictions(planned.run.training_run.key).to_pandas()
        pd.testing.assert_frame_equal(record.predictions.drop(columns="severity"), clean, check_exact=True)


def test_in_a_copy_of_its_own_dataset_a_model_answers_for_those_it_was_not_trained_on_as_it_was_tested(
    evaluated: Path,
) -> None:
    home = Home(evaluated / "home")
    store = Store(home)
    listed_runs = [one for one in read_manifest(home, "corrupted").evaluations if one.dataset]
    assert {(one.method, one.fold, one.dataset) for one in listed_runs} == {
        (method, fold, "twin") for method in ("texture", "afnetm") for fold in (0, 1)
    }
    for one in listed_runs:
        result = store.result(one.key)
        trained = store.result(result["trained"])
        assert (result["accuracy"], result["macro_f1"]) == (trained["accuracy"], trained["macro_f1"])
        elsewhere, own = (store.predictions(key).to_pandas() for key in (one.key, result["trained"]))
        pd.testing.assert_frame_equal(elsewhere, own, check_exact=True)


def test_a_report_says_the_same_of_the_copy_as_of_the_dataset(evaluated: Path) -> None:
    table = pd.read_csv(evaluated / "home" / "reports" / "corrupted" / "tables" / "cross_dataset.csv")
    assert table["mean"].tolist() == table["own"].tolist()
    assert table["mean_low"].tolist() == pytest.approx(table["own_low"].tolist(), nan_ok=True)


def test_who_is_tested_alone_is_given_nobody_else_s_depth(
    evaluated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = EVALUATED.replace("folds = 2", 'folds = "leave-one-subject-out"').replace("blur", "other_person")
    (tmp_path / "alone.toml").write_text(text)
    found = prepare(ask(str(tmp_path / "alone.toml"), Options(home=Home(evaluated / "home"))), console)
    assert {one.run.evaluated_on for one in found.evaluations} == {*CORRUPTIONS[1:], "twin"}
    said = " ".join(capsys.readouterr().err.split())
    assert "other_person: left out: it needs two subjects of each expression among the scans, and of anger" in said


def test_what_was_lost_of_an_evaluation_is_done_again_and_is_the_same(
    copied: Path, evaluated: Path, here: Afnetm
) -> None:
    Store(Home(copied / "home")).forget([one.key for one, _, _ in stored(copied)][::2])
    said = here(copied / "home", "run", "--no-report", str(copied / "corrupted.toml"), "--workers", "1").stderr
    assert "6 of 16 evaluations to do" in said
    assert_same(copied / "home", evaluated / "home")


def test_mlflow_has_scores_of_evaluations_with_the_model_s_run(copied: Path, here: Afnetm) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{copied / 'home' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("corrupted")
    assert experiment is not None

    def runs() -> dict[str, Any]:
        found = client.search_runs([experiment.experiment_id], "tags.`afnetm.key` != ''")
        return {run.data.tags["afnetm.key"]: run for run in found}

    before = runs()
    assert set(before) == {result["trained"] for _, result, _ in stored(copied)}
    for one in read_manifest(Home(copied / "home"), "corrupted").evaluations:
        if one.dataset:
            result = Store(Home(copied / "home")).result(one.key)
            (score,) = client.get_metric_history(before[result["trained"]].info.run_id, "twin/accuracy")
            assert (score.step, score.value) == (0, result["accuracy"])
    for one, result, predictions in stored(copied):
        history = client.get_metric_history(before[result["trained"]].info.run_id, f"{one.corruption}/accuracy")
        right = (predictions["expression"] == predictions["predicted"]).groupby(predictions["severity"]).mean()
        assert {each.step: each.value for each in history} == pytest.approx(right.to_dict())
    assert "MLflow has 20 finished runs, 0 copied now" in here(copied / "home", "track", "corrupted").stdout
    assert {run.info.run_id for run in runs().values()} == {run.info.run_id for run in before.values()}


@pytest.mark.usefixtures("sketched")
def test_an_archive_has_evaluations_and_another_home_reports_the_same(copied: Path, here: Afnetm) -> None:
    here(copied / "home", "export", "corrupted", str(copied / "out.zip"))
    here(copied / "other", "import", str(copied / "out.zip"))
    here(copied / "other", "report", "corrupted")
    for name in ("corruptions", "tested_on"):
        table = Path("reports", "corrupted", "tables", f"{name}.csv")
        assert (copied / "other" / table).read_text() == (copied / "home" / table).read_text()


def test_status_counts_evaluations_apart(evaluated: Path, here: Afnetm) -> None:
    said = here(evaluated / "home", "status", "corrupted").stdout
    assert said.splitlines()[0].startswith("corrupted: 4 done, 0 failed, 0 left")
    assert "  evaluations: 16 done, 0 failed, 0 left" in said


#: Another package's corruption; in a worker, at its third severity, it kills who MOOD's file says, once.
DEADLY = """
import multiprocessing, os, signal
from pathlib import Path
from afnetm.corruptions.texture.blur import Blur

class Deadly(Blur):
    name, title = "deadly", "Deadly"

    def apply(self, maps, value, rng, partner=None):
        mood, driver = Path(os.environ["MOOD"]), multiprocessing.parent_process()
        if driver is not None and value == self.severities[2] and mood.is_file():
            victims = [driver.pid, os.getpid()] if mood.read_text() == "driver" else [os.getpid()]
            mood.unlink()
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
        return super().apply(maps, value, rng, partner)
"""


@pytest.mark.faults
def test_an_evaluation_that_is_killed_in_flight_and_resumed_equals_an_uninterrupted_one(
    evaluated: Path, tmp_path: Path, afnetm: Afnetm
) -> None:
    about = tmp_path / "plugin" / "deadly-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[afnetm.corruptions]\ndeadly = deadly:Deadly\n")
    (about.parent / "deadly.py").write_text(DEADLY)
    mood, path = tmp_path / "mood", f"{about.parent}{os.pathsep}{Path.cwd()}"

    def run(folder: Path, code: int = 0) -> int:
        """Runs the suite with that corruption; returns the evaluations that there are then."""
        suite = folder / "deadly.toml"
        suite.write_text(EVALUATED.replace("blur", "deadly"))
        words = ["run", "--no-report", str(suite), "--workers", "1"]
        afnetm(folder / "home", *words, code=code, PYTHONPATH=path, MOOD=str(mood))
        return runs_done(folder / "home")

    def fresh(name: str) -> Path:
        return Path(shutil.copytree(evaluated, tmp_path / name))

    done = runs_done(evaluated / "home")
    whole = fresh("whole")
    assert run(whole) == done + 4
    for victim, code in (("worker", 0), ("driver", -signal.SIGKILL)):  # what a worker leaves is tried again at once
        killed = fresh(victim)
        mood.write_text(victim)
        left = run(killed, code)
        assert not mood.exists(), "nobody was killed"
        assert (left == done + 4) if victim == "worker" else (done <= left < done + 4)
        assert run(killed) == done + 4
        assert_same(killed / "home", whole / "home")


@pytest.mark.usefixtures("sketched")
def test_a_dataset_that_was_renamed_finds_its_evaluations(copied: Path, here: Afnetm) -> None:
    datasets = copied / "home" / "datasets"
    (datasets / "twin").rename(datasets / "sibling")
    (copied / "renamed.toml").write_text(EVALUATED.replace('"twin"', '"sibling"'))
    before = Store(Home(copied / "home")).done()
    said = here(copied / "home", "run", str(copied / "renamed.toml"), "--workers", "1").stderr
    assert "0 of 16 evaluations to do" in said
    assert Store(Home(copied / "home")).done() == before
    table = pd.read_csv(copied / "home" / "reports" / "renamed" / "tables" / "tested_on.csv")
    assert set(table["tested_on"]) == {"sibling"}
    here(copied / "home", "export", "renamed", str(copied / "out.zip"))
    here(copied / "other", "import", str(copied / "out.zip"))


def test_a_model_whose_weights_were_not_kept_is_named_and_not_evaluated(copied: Path, here: Afnetm) -> None:
    home = Home(copied / "home")
    key = stored(copied)[0][1]["trained"]
    every = read_manifest(home, "corrupted").evaluations
    gone = [one.key for one in every if Store(home).result(one.key)["trained"] == key]
    Store(home).forget(gone)
    (Store(home).folder(key) / "weights.safetensors").unlink()  # type: ignore[union-attr]
    said = here(home.path, "run", "--no-report", str(copied / "corrupted.toml"), "--workers", "1").stderr
    assert "not evaluated: 1 finished run kept no weights" in said
    assert "0 of 12 evaluations to do" in said
    assert not set(gone) & Store(home).done()
