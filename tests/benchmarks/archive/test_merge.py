"""Homes that share nothing become one: as if all had been run in it, or one line and nothing changed."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from mlflow import MlflowClient

from afnetm.data.dataset import FaceDataset
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from benchmarks.archive.exporting import export_suite
from benchmarks.archive.merging import merge
from benchmarks.archive.packing import pack_suite
from benchmarks.archive.uniting import united
from benchmarks.commands import manifests
from benchmarks.commands.comparing import train
from benchmarks.commands.job import Job, prepare
from benchmarks.commands.request import Options, ask
from benchmarks.commands.state import suite_state
from benchmarks.plans.keys import run_key
from benchmarks.plans.runs import PlannedRun
from benchmarks.records.home import Home, write_text
from benchmarks.records.manifest import ListedRun, Manifest, read_manifest
from benchmarks.records.occupancy import driving
from benchmarks.records.store import Record, Store
from benchmarks.reporting.frames import results
from benchmarks.terminal.console import Terminal
from reports.data.results import Results
from studies.storage import open_storage, view_storage
from tests.benchmarks.archive.examples import (
    BEST_PARAMETERS,
    PLACES,
    SUBJECTS,
    fabricate,
    make_manifest,
    record,
    run,
    tree,
)

KEYS = {place: run_key(run(*place)) for place in PLACES}


def found(home: Home, *, with_faces: bool = False, suite: str = "people") -> Results:
    return results(read_manifest(home, suite), Store(home), created="", with_faces=with_faces)


def same(one: Results, other: Results) -> None:
    for name in ("folds", "predictions", "curves", "studies", "selection"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)


def changed(home: Home, **changes: Any) -> None:
    dataclasses.replace(read_manifest(home, "people"), **changes).save(home)


def refusal(sources: list[Path], home: Home) -> str:
    """What a merge says as it is refused; that it does no harm."""
    before = tree(home.path)
    with pytest.raises(UserError) as caught:
        merge(sources, home)
    assert tree(home.path) == before
    return str(caught.value)


def test_homes_that_ran_other_folds_and_methods_become_the_home_that_ran_all(tmp_path: Path) -> None:
    whole = fabricate(tmp_path / "whole")
    parts = [fabricate(tmp_path / f"{k}", without=tuple(n for n in range(5) if n % 3 != k)) for k in range(3)]
    done = merge([part.path for part in parts], home := Home(tmp_path / "home"))
    additional = 1
    assert (done.suites, done.records, done.here) == (["people"], 5 + additional, 2 * additional)
    assert tree(home.path) == tree(whole.path)
    same(found(home), found(whole))
    done = merge([part.path for part in parts], home)  # again: nothing to do
    assert (done.records, tree(home.path)) == (0, tree(whole.path))


def test_a_merge_that_was_cut_off_has_done_no_harm_and_goes_on(tmp_path: Path) -> None:
    one = fabricate(tmp_path / "one", without=(0, 1, 2))
    export_suite(one, "people", archive := tmp_path / "one.zip", weights=True)
    merge([archive], whole := Home(tmp_path / "whole"))
    for cut in range(1, 4):
        home = Home(tmp_path / f"cut{cut}")

        def stop(done: int, total: int, cut: int = cut) -> None:
            assert total == 3
            if done == cut:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            merge([archive], home, progress=stop)
        left = tree(home.path)
        assert left.items() <= tree(whole.path).items()  # nothing that is not whole
        assert not any(name.startswith("suites") for name in left)
        (home.unfinished / "x.host-7-1a2b3c4d").mkdir(parents=True)  # as a process that is killed leaves it
        (home.path / ".incoming-x").mkdir()
        merge([archive], home)
        assert tree(home.path) == tree(whole.path)
        assert not list(home.unfinished.iterdir())


def test_one_run_of_two_homes_is_one_run_unless_its_results_differ(tmp_path: Path) -> None:
    one, other = fabricate(tmp_path / "one"), fabricate(tmp_path / "other")
    key = KEYS["concat", 1]
    again = record(run("concat", 1), hardware="another machine")
    for seconds, harm in ((9.5, False), (2.5, True)):
        Store(other).forget([key])
        predictions = again.predictions.assign(p_fear=again.predictions["p_fear"] / 2) if harm else again.predictions
        result = {**again.result, "seconds": seconds}
        Store(other).write(key, dataclasses.replace(again, result=result, predictions=predictions))
        if harm:
            message = refusal([other.path], one)
            assert message.startswith(f"run {key} has other results in '{other.path}' than in '{one.path}'; delete it")
            assert f"run {key} has other results" in refusal([one.path, other.path], Home(tmp_path / "third"))
        else:
            assert merge([other.path], one).here == len(PLACES)
            assert Store(one).result(key)["seconds"] == 2.5  # what was here stays


def test_who_has_the_dataset_completes_a_suite_with_results_under_pseudonyms(tmp_path: Path) -> None:
    whole = fabricate(tmp_path / "whole", shareable=False)
    export_suite(whole, "people", archive := tmp_path / "out.zip")
    mine = fabricate(tmp_path / "mine", shareable=False, without=(0, 2))
    before = tree(mine.path)
    done = merge([archive], mine)
    assert (done.records, done.here) == (2, 4)
    same(found(mine), found(whole))
    assert before.items() <= tree(mine.path).items()
    # Whoever has names can show them, the same way round.
    assert set(found(mine, with_faces=True).provenance.names.values()) >= set(SUBJECTS)
    # The other way round: the home without names learns them from the one that has them.
    merge([archive], theirs := Home(tmp_path / "theirs"))
    merge([mine.path], theirs)
    same(found(theirs), found(whole))


def test_an_archive_does_not_make_a_dataset_shareable(tmp_path: Path) -> None:
    export_suite(fabricate(tmp_path / "home"), "people", archive := tmp_path / "out.zip")
    private = fabricate(tmp_path / "private", shareable=False)
    read = read_manifest(private, "people")
    dataclasses.replace(read, suite="mine").save(private)
    (private.suites / "people.json").unlink()
    assert "says that dataset 'people' is shareable, another suite of it says the opposite" in refusal(
        [archive], private
    )


def test_another_suite_of_the_same_name_is_refused_with_a_way_out(tmp_path: Path) -> None:
    home, there = fabricate(tmp_path / "home"), fabricate(tmp_path / "there")
    changed(there, description="another one", control="late")
    export_suite(home, "people", archive := tmp_path / "out.zip")
    assert "its control, description differ" in refusal([archive], there)
    for name in ("", ".x", "a/b", "..", "a\nb", "x" * 300):
        with pytest.raises(UserError, match="--as"):
            merge([archive], there, name=name)
    assert merge([archive], there, name="people 2").here == len(PLACES)
    assert read_manifest(there, "people").control == "late"
    assert found(there, suite="people 2").control == "concat"
    assert read_manifest(there, "people 2").resolved["name"] == "people 2"
    assert there.best_parameters("people 2").read_text() == BEST_PARAMETERS
    assert "is the home that others are merged into" in refusal([there.path], there)
    assert "is not a home" in refusal([tmp_path], there)
    assert "there is no such home or archive" in refusal([tmp_path / "nowhere"], there)


def listed(manifest: Manifest, **keys: str) -> list[ListedRun]:
    return [dataclasses.replace(one, key=keys.get(f"{one.method}{one.fold}", one.key)) for one in manifest.runs]


def test_methods_folds_and_searches_of_several_homes_are_united() -> None:
    base = make_manifest()
    waiting = {f"{method}{fold}": f"untuned-{KEYS[method, fold]}" for method, fold in PLACES if method == "late"}
    late = [study for study in base.tuning["studies"] if study["method"] == "late"]
    one = dataclasses.replace(
        base,
        runs=listed(base, **waiting),
        tuning=base.tuning | {"studies": [study for study in base.tuning["studies"] if study["method"] == "concat"]},
        secret="s",
    )
    more = {"sum": base.methods["late"] | {"name": "sum"}}
    other = dataclasses.replace(
        base,
        path="/elsewhere",
        runs=[*base.runs, ListedRun("k", "sum", 0, 0)],
        methods=base.methods | more,
        added=["sum"],
        tuning=base.tuning | {"studies": [*late, base.tuning["studies"][0] | {"complete": 0}]},
    )
    for first, second in ((one, other), (other, one)):
        both = united(first, second, where="there")
        assert {run.key for run in both.runs} == {*KEYS.values(), "k"}
        assert sorted(both.tuning["studies"], key=str) == sorted(base.tuning["studies"], key=str)
        assert (both.methods, both.added, both.secret) == (base.methods | more, ["sum"], "s")
    gpu = dataclasses.replace(base, runs=listed(base, concat1="f" * 20))
    with pytest.raises(UserError, match=f"there: .* its concat 0-1 is run {'f' * 20}, here {KEYS['concat', 1]}"):
        united(base, gpu, where="there")
    newer = base.methods | {"late": base.methods["late"] | {"version": 2}}
    with pytest.raises(UserError, match="its method late differ"):
        united(base, dataclasses.replace(base, methods=newer), where="there")


def test_studies_and_best_parameters_come_along(tmp_path: Path) -> None:
    one, other = fabricate(tmp_path / "one"), fabricate(tmp_path / "other")
    for home, trials in ((one, {"a": 1, "b": 3}), (other, {"a": 2, "b": 2, "c": 1})):
        storage = open_storage(home.journal, None)
        for name, count in trials.items():
            study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
            study.set_user_attr("plan", home.path.name)
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=count)
    text = BEST_PARAMETERS.replace("[concat.0-0", "[late.0-1")
    write_text(other.best_parameters("people"), text)
    assert merge([other.path], one).studies == 2
    studies = {s.study_name: s for s in optuna.get_all_study_summaries(view_storage(one.journal, None))}
    assert {name: study.n_trials for name, study in studies.items()} == {"a": 2, "b": 3, "c": 1}
    assert [studies[name].user_attrs["plan"] for name in "abc"] == ["other", "one", "other"]
    chosen = one.best_parameters("people").read_text()
    assert "[concat.0-0]" in chosen
    assert "[late.0-1]" in chosen
    before = tree(one.path)
    other.journal.write_text("garbage\n" + other.journal.read_text())
    assert "is damaged" in refusal([other.path], one)
    other.journal.unlink()
    assert merge([other.path], one).studies == 0
    assert one.best_parameters("people").read_text() == chosen
    assert {name: digest for name, digest in tree(one.path).items() if "journal" not in name} == {
        name: digest for name, digest in before.items() if "journal" not in name
    }


def test_what_came_is_not_trained_again_and_mlflow_is_told_of_it(
    prepared: Path, suite: Path, empty_mlflow: Path, tmp_path: Path
) -> None:
    quiet = Terminal(quiet=True)

    def job(of: Home) -> Job:
        return prepare(ask(str(suite), Options(home=of, workers=1, device="cpu")), quiet)

    parts = [Home(shutil.copytree(prepared, tmp_path / name)) for name in ("one", "other")]
    for home, label in zip(parts, ("texture", "concat"), strict=True):
        planned = job(home)
        assert planned.dataset is not None
        for one in (one for one in planned.planned if one.label == label):
            Store(home).write(one.run.key, guessed(one, planned.dataset))
        manifests.make_manifest(planned.suite, planned.dataset, planned.planned).save(home)
    pack_suite(parts[0], "small")
    done = merge([part.path for part in parts], there := Home(tmp_path / "there"))
    assert (done.records, done.datasets) == (6, ["tiny"])
    assert pack_suite(there, "small").runs == 6
    assert not Store(there).unpacked()
    shutil.copy(empty_mlflow, there.path / "mlflow.db")
    ready = job(there)
    assert ready.dataset is not None
    manifest = manifests.make_manifest(ready.suite, ready.dataset, ready.planned)
    with driving(there) as claims:
        tally = train(ready, manifest, claims, tracking_uri=there.tracking_uri, with_faces=False, console=quiet)
    assert (tally.trained, tally.failed, tally.untracked) == (0, [], None)
    client = MlflowClient(there.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    assert {run.data.tags.get("afnetm.key") for run in runs} - {None} == Store(there).done()
    assert suite_state(str(suite), there).counts == {"done": 6, "failed": 0, "left": 0}
    info = there.datasets / "tiny" / "dataset.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"fingerprint": "0" * 64}))
    assert "dataset 'tiny' in " in refusal([parts[0].path], there)


def guessed(planned: PlannedRun, dataset: FaceDataset) -> Record:
    """A record of a real run that was never trained: its answers are the first class."""
    of, scans = planned.run, planned.scans
    table = dataset.table.iloc[scans.rows[scans.test]].reset_index(drop=True).rename(columns={"id": "scan"})
    predictions = table[["scan", "subject", "expression", "intensity"]].assign(predicted=EXPRESSIONS[0])
    predictions = predictions.assign(**{f"p_{name}": float(name == EXPRESSIONS[0]) for name in EXPRESSIONS})
    other = record(run("concat", 0))
    result = {**other.result, **dataclasses.asdict(of), "key": of.key, "n_test": len(table)}
    result["accuracy"] = float((predictions["expression"] == EXPRESSIONS[0]).mean())
    return Record(result, predictions, other.curves, {})
