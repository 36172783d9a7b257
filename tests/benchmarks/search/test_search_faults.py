"""A search by the command line, killed, stopped, failing: real trainings, real workers, a real journal.

Those marked ``faults`` take minutes: `nox -s faults`.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from benchmarks.records.home import Home
from benchmarks.records.manifest import Manifest, read_manifest
from studies.best_parameters import read_best_parameters
from studies.storage import NoStudiesError, view_storage
from tests.benchmarks.conftest import SEARCHED, Afnetm, command
from tests.benchmarks.found import assert_same, runs_done
from tests.waiting import until


def trials(home: Path) -> dict[str, list[FrozenTrial]]:
    """Of each study, by its name, all that were proposed whole; none before there is any."""
    try:
        storage = view_storage(Home(home).journal, None)
    except NoStudiesError:
        return {}
    found = {}
    for study in storage.get_all_studies():
        plan = study.user_attrs.get("plan", {"space": ()})
        every = storage.get_all_trials(study._study_id)
        found[study.study_name] = [trial for trial in every if trial.params and len(trial.params) == len(plan["space"])]
    return found


def message(of: list[FrozenTrial]) -> list[tuple[object, ...]]:
    """All but numbers and times, which say how often a search was cut off and how fast it was."""
    return [
        (t.state, t.value, t.params, t.intermediate_values, t.user_attrs.get("runs"), t.user_attrs.get("reason"))
        for t in of
    ]


def chosen(home: Path) -> dict[tuple[object, ...], dict[str, object]]:
    """What won, by method and fold, without the numbers of trials."""
    return {
        (best_trial.label, best_trial.where): dict(best_trial.params)
        for best_trial in read_best_parameters(Home(home).best_parameters("tuned")).best_parameters
    }


def assert_same_search(one: Path, other: Path) -> None:
    a, b = trials(one), trials(other)
    assert a.keys() == b.keys()
    for name, own in a.items():
        assert message(own) == message(b[name]), name
    assert chosen(one) == chosen(other)
    assert_same(one, other)


def records(home: Path) -> dict[str, int]:
    """When each was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in (home / "runs").glob("[!.]*/*/result.json")}


def stop(process: subprocess.Popen[str], home: Path, *, after: int, by: signal.Signals, delay: float = 0.0) -> str:
    """Sends a signal to a search `delay` seconds after it has so many records; what it printed."""

    def done() -> bool:
        assert process.poll() is None, "it ended before it could be stopped"
        return runs_done(home) >= after

    until(done, f"{after} runs")
    time.sleep(delay)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(by)
    _, words = process.communicate(timeout=60)
    _, alive = psutil.wait_procs(workers, timeout=60)  # one that is still starting has its imports before it
    assert not alive, "workers outlive their driver"
    return words


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command(home, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def assert_kept(before: dict[str, list[FrozenTrial]], there: dict[str, int], home: Path) -> None:
    """That nothing that was finished is lost, changed, or was trained again."""
    after = trials(home)
    for name, own in before.items():
        same = {trial.number: trial for trial in after[name]}
        for trial in own:
            if trial.state.is_finished():
                assert same[trial.number] == trial
    written = records(home)
    assert {key: written[key] for key in there} == there


@pytest.mark.faults
def test_what_it_leaves(searched: Path) -> None:
    own = trials(searched)
    assert sorted(own) == ["tuned/texture/0-0", "tuned/texture/0-1"]
    for name, of_study in own.items():
        assert len(of_study) == 8, name
        best = max(trial.value for trial in of_study if trial.state == TrialState.COMPLETE)
        best_trial = next(t for t in of_study if t.state == TrialState.COMPLETE and t.value == best)
        assert chosen(searched)["texture", (0, int(name[-1]))] == best_trial.params
    folds = pd.read_csv(searched / "reports" / "tuned" / "tables" / "folds.csv")
    assert list(zip(folds["method"], folds["fold"], strict=True)) == [("texture", 0), ("texture", 1)]


@pytest.mark.faults
def test_stopped_by_ctrl_c_then_killed_then_resumed_it_is_the_same_search(
    searched: Path, home: Path, searched_suite: Path, here: Afnetm
) -> None:
    first = started(home, "run", "--no-report", str(searched_suite), "--workers", "2")
    words = stop(first, home, after=5, by=signal.SIGINT)
    assert first.returncode == 130
    assert "Traceback" not in words
    assert "To resume, run again" in words
    assert not list((home / "unfinished").glob("*"))
    stopped, there = trials(home), records(home)

    second = started(home, "run", "--no-report", str(searched_suite), "--workers", "1")
    stop(second, home, after=15, by=signal.SIGKILL, delay=0.1)
    killed, more = trials(home), records(home)
    here(home, "run", "--no-report", str(searched_suite), "--workers", "1")
    assert_kept(stopped, there, home)
    assert_kept(killed, more, home)
    assert_same_search(searched, home)


@pytest.mark.faults
def test_killed_at_three_moments(searched: Path, home: Path, searched_suite: Path, afnetm: Afnetm) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    total = runs_done(searched)
    kept = []
    for after in sorted(rng.sample(range(total - 3), 3)):
        arguments = ["run", "--no-report", str(searched_suite), "--workers", str(rng.randint(1, 3))]
        stop(started(home, *arguments), home, after=after, by=signal.SIGKILL, delay=rng.uniform(0, 0.3))
        kept.append((trials(home), records(home)))
    afnetm(home, "run", "--no-report", str(searched_suite))
    for before, there in kept:
        assert_kept(before, there, home)
    assert_same_search(searched, home)


@pytest.mark.faults
def test_workers_decide_nothing(searched: Path, home: Path, searched_suite: Path, afnetm: Afnetm) -> None:
    afnetm(home, "run", "--no-report", str(searched_suite), "--workers", "3")
    assert_same_search(searched, home)


ONE_STUDY = """
[search]
trials = 2
folds = 2
selection = "development"
training = []
pruner = "none"
[methods.texture]
"""

MOODS = """
import os, signal
from dataclasses import dataclass
from pathlib import Path
import torch
from baselines.texture import Texture

@dataclass(frozen=True, kw_only=True)
class Sullen(Texture):
    name = "sullen"
    dropout: float = 0.0  # the first trial's
    def build(self, encoder, classes):
        if self.dropout > 0:
            raise RuntimeError("not today\\nsecond line")
        return super().build(encoder, classes)

class Broken(Texture):
    name = "broken"
    def build(self, encoder, classes):
        raise ValueError("never")

@dataclass(frozen=True, kw_only=True)
class Deadly(Texture):
    name = "deadly"
    dropout: float = 0.0
    def build(self, encoder, classes):
        if self.dropout == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().build(encoder, classes)

@dataclass(frozen=True, kw_only=True)
class Crowded(Texture):
    name = "crowded"
    dropout: float = 0.0
    def build(self, encoder, classes):
        tried = Path(os.environ.get("TRIED", "")) / f"dropout {self.dropout}"
        if "TRIED" in os.environ and not tried.exists():  # a neighbour takes the memory, or breaks what both use
            tried.touch()
            if self.dropout == 0:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")
        return super().build(encoder, classes)
"""


def moods(folder: Path) -> str:
    """A path for Python on which another package registers four methods that fail in their own ways."""
    names = ("sullen", "broken", "deadly", "crowded")
    points = "".join(f"{name} = moods:{name.title()}\n" for name in names)
    (folder / "moods-1.0.dist-info").mkdir(parents=True)
    (folder / "moods-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: moods\nVersion: 1.0\n")
    (folder / "moods-1.0.dist-info" / "entry_points.txt").write_text(f"[afnetm.methods]\n{points}")
    (folder / "moods.py").write_text(MOODS)
    return f"{folder}{os.pathsep}{Path.cwd()}"


@pytest.mark.faults
def test_methods_that_fail_cost_their_own_trials_alone(home: Path, tmp_path: Path, afnetm: Afnetm) -> None:
    """One whose module cannot always be built, one where it never can, and one that takes its process along.

    And one whose trials fail at first, by what a neighbour did: no trial of it has failed.
    """
    suite = tmp_path / "tuned.toml"
    text = SEARCHED.replace("folds = 2\n", "folds = 2\nsubjects = 4\n", 1).partition("[search]")[0] + ONE_STUDY
    suite.write_text(text + "[methods.sullen]\n[methods.broken]\n[methods.deadly]\n[methods.crowded]\n")
    path = moods(tmp_path / "plugin")
    done = afnetm(home, "run", str(suite), "--workers", "2", code=1, drawn=False, PYTHONPATH=path, TRIED=str(tmp_path))
    found = {name: [(t.state.name, t.user_attrs.get("reason", "")) for t in own] for name, own in trials(home).items()}
    died = "the worker process died, also when it was retried alone (killed, or out of memory)"
    assert found == {
        "tuned/texture": [("COMPLETE", ""), ("COMPLETE", "")],
        "tuned/sullen": [("COMPLETE", ""), ("FAIL", "RuntimeError: not today (moods.py:14)")],
        "tuned/broken": [("FAIL", "ValueError: never (moods.py:20)")] * 2,
        "tuned/deadly": [("FAIL", died), ("COMPLETE", "")],
        "tuned/crowded": [("COMPLETE", ""), ("COMPLETE", "")],
    }
    assert "not trained: no trial of study 'tuned/broken' was completed" in " ".join(done.stderr.split())
    assert "second line" not in done.stderr
    status = afnetm(home, "status", str(suite), PYTHONPATH=moods(tmp_path / "again"))
    assert "8 done, 2 failed, 0 left" in status.stdout
    assert len(list(tmp_path.glob("dropout *"))) == 2, "both trials failed at first"
    assert "broken 0-0: no trial of study 'tuned/broken' was completed" in status.stdout

    part = afnetm(home, "run", "--no-report", str(suite), "--methods", "texture", PYTHONPATH=moods(tmp_path / "part"))
    assert "not trained" not in part.stderr, "another method's failure"


def manifest(home: Path) -> Manifest:
    return read_manifest(Home(home), "tuned")


@pytest.mark.faults
def test_a_part_is_run_and_searched_again_beside_what_was_found(
    searched: Path, home: Path, searched_suite: Path, afnetm: Afnetm
) -> None:
    """A method beside one that was searched earlier, with whole searches repeated."""
    shutil.rmtree(home)
    shutil.copytree(searched, home)
    # Of the same suite in another place, which it is known by from now on.
    afnetm(home, "run", str(searched_suite), "--no-report")
    before, first = manifest(home), chosen(home)
    text = searched_suite.read_text() + "[methods.late]\n"
    searched_suite.write_text(text)
    afnetm(home, "run", str(searched_suite), "--methods", "late", drawn=False)
    after = manifest(home)
    kept = {listed.key: listed for listed in before.runs}
    assert {listed.key: listed for listed in after.runs if listed.method == "texture"} == kept
    assert {label for label, _ in chosen(home)} == {"texture", "late"}
    assert {where: params for where, params in chosen(home).items() if where[0] == "texture"} == first
    tables = home / "reports" / "tuned" / "tables"
    folds = pd.read_csv(tables / "folds.csv")
    assert sorted(folds["method"]) == ["late", "late", "texture", "texture"]

    searched_suite.write_text(text.replace("seed = 2", "seed = 2\nselection_repeats = 2"))
    done = records(home)
    afnetm(home, "run", str(searched_suite), "--methods", "texture", drawn=False)
    repeated = manifest(home)
    assert repeated.runs == after.runs
    own = [listed for listed in repeated.additional if listed.method == "texture"]
    assert sorted((e.fold, e.search, e.reseed) for e in own) == [(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0)]
    assert {listed.key for listed in own} <= records(home).keys()
    assert {key: records(home)[key] for key in done} == done
    studies = trials(home)
    assert {name: len(of_study) for name, of_study in studies.items() if "texture" in name} == {
        f"tuned/texture/0-{fold}{again}": 8 for fold in (0, 1) for again in ("", " #2")
    }
    assert message(studies["tuned/texture/0-0"]) == message(trials(searched)["tuned/texture/0-0"])
    assert message(studies["tuned/texture/0-0"])[1:] != message(studies["tuned/texture/0-0 #2"])[1:]
    pd.testing.assert_frame_equal(pd.read_csv(tables / "folds.csv"), folds)


@pytest.mark.faults
def test_winners_that_were_edited_are_trained_as_they_are(
    searched: Path, home: Path, searched_suite: Path, tmp_path: Path, afnetm: Afnetm
) -> None:
    shutil.rmtree(home)
    shutil.copytree(searched, home)
    there = records(home)
    written = Home(home).best_parameters("tuned").read_text()
    afnetm(home, "run", "--no-report", str(searched_suite), "--params", str(Home(home).best_parameters("tuned")))
    assert records(home) == there, "given back as they are, best trials are trained already"

    lines = written.splitlines()
    place = lines.index("[texture.0-1]")
    rate = next(i for i in range(place, len(lines)) if lines[i].startswith("training.learning_rate"))
    lines[rate] = "training.learning_rate = 0.00125"
    mine = tmp_path / "mine.toml"
    mine.write_text("\n".join(lines))
    afnetm(home, "run", "--no-report", str(searched_suite), "--params", str(mine))
    (new,) = records(home).keys() - there.keys()
    assert records(home).items() >= there.items()
    result = json.loads((home / "runs" / new[:2] / new / "result.json").read_text())
    expected = chosen(searched)["texture", (0, 1)] | {"training.learning_rate": 0.00125}
    tried = result["hyperparameters"] | {f"training.{name}": value for name, value in result["training"].items()}
    assert {name: tried[name] for name in expected} == expected
    assert (result["fold"], result.get("inner")) == (1, None)
    assert [listed.key for listed in manifest(home).runs if listed.fold == 1] == [new]
