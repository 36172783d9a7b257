"""What a search found, or a file gives, becomes the runs that are compared; by studies that trained nothing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial

from afnetm.errors import UserError
from benchmarks.commands.job import Job
from benchmarks.commands.machines import this_machine
from benchmarks.commands.manifests import make_manifest
from benchmarks.commands.request import Options
from benchmarks.plans.runs import PlannedRun, Run, plan
from benchmarks.plans.suite import Suite
from benchmarks.records.home import Home
from benchmarks.search.searching import StudySpec
from benchmarks.search.tuning import Tuned, by_file, by_search
from studies.best_parameters import written
from studies.search import Search
from tests.benchmarks.search.test_searching import PEOPLE, Executor, run, suite

DATASET = replace(PEOPLE, table=PEOPLE.table.assign(regions=""))
BOTH = ["concat", "late"]


def planned(of: Suite) -> list[PlannedRun]:
    return plan(of, PEOPLE, device="cpu")


def tuned(
    of: Suite, home: Path, *, executor: Executor | None = None, asked: list[str] = BOTH
) -> tuple[Tuned, dict[StudySpec, Search]]:
    assert of.search is not None
    searches = run(of, home, InMemoryStorage(), executor or Executor())
    return by_search(of, of.search, planned(of), searches, asked=asked), searches


def job(of: Suite, found: Tuned, *, labels: list[str] = BOTH) -> Job:
    home = Home(Path("nowhere"))
    machines = this_machine(Options(home=home, workers=1, device="cpu"))
    places = frozenset((one.run.repeat, one.run.fold) for one in found.planned)
    return Job(of, labels, PEOPLE, found.planned, machines, places, home, found)


def settings(run: Run) -> dict[str, Any]:
    return run.hyperparameters | {f"training.{name}": value for name, value in run.training.items()}


def best(searches: Mapping[StudySpec, Search]) -> dict[tuple[str, Any, int], FrozenTrial]:
    """By its own look at the scores."""
    found = {}
    for study_spec, search in searches.items():
        scores = {t.number: t.value for t in search.study.trials if t.state.name == "COMPLETE"}
        first = min(number for number, value in scores.items() if value == max(scores.values()))
        found[study_spec.label, study_spec.where, study_spec.search] = search.study.trials[first]
    return found


@pytest.mark.parametrize("selection", ["nested", "development"])
def test_each_fold_is_trained_with_its_own_best_trial(selection: str, tmp_path: Path) -> None:
    of = suite(selection=selection, protocol={"repeats": 2}, trials=6)
    found, searches = tuned(of, tmp_path)
    won = best(searches)
    assert len(won) == len(found.best_parameters) == (8 if selection == "nested" else 2)
    for before, one in zip(planned(of), found.planned, strict=True):
        where = (one.run.repeat, one.run.fold) if selection == "nested" else None
        changed = settings(before.run) | won[one.label, where, 0].params
        assert settings(one.run) == changed
        assert replace(one.run, hyperparameters=before.run.hyperparameters, training=before.run.training) == before.run
    assert not found.lacking
    assert not found.additional
    assert job(of, found).chosen == found.planned


def test_the_file_of_best_trial_given_back_is_the_same_comparison(tmp_path: Path) -> None:
    for selection in ("nested", "development"):
        of = suite(selection=selection, protocol={"repeats": 2})
        found, _ = tuned(of, tmp_path / selection)
        path = tmp_path / "best-parameters.toml"
        path.write_text(written(found.best_parameters, suite=of.name))
        assert by_file(of, planned(of), path).planned == found.planned


def test_repeated_searches_and_seeds_stand_beside_the_comparison(tmp_path: Path) -> None:
    once, _ = tuned(suite(), tmp_path / "once")
    of = suite(selection_repeats=3)
    found, searches = tuned(of, tmp_path / "thrice")
    won = best(searches)
    assert found.planned == once.planned
    assert found.best_parameters == once.best_parameters
    expected = [(one, search, 0) for one in planned(of) for search in (1, 2)]
    expected += [(one, 0, seed) for one in planned(of) for seed in (1, 2)]
    assert len(found.additional) == len(expected)
    for one, search, reseed in expected:
        where = (one.run.repeat, one.run.fold)
        (extra,) = [
            e
            for e in found.additional
            if (e.planned.label, e.planned.run.repeat, e.planned.run.fold, e.search, e.reseed)
            == (one.label, *where, search, reseed)
        ]
        assert settings(extra.planned.run) == settings(one.run) | won[one.label, where, search].params
        assert extra.planned.run.reseed == reseed
    chosen = job(of, found).chosen
    keys = [one.run.key for one in chosen]
    assert len(keys) == len(set(keys))
    assert set(keys) == {one.run.key for one in [*found.planned, *(one.planned for one in found.additional)]}
    assert chosen[: len(found.planned)] == found.planned
    seeds = {one.run.seed for one in found.planned} & {e.planned.run.seed for e in found.additional if e.reseed}
    assert not seeds
    manifest = make_manifest(of, DATASET, found.planned, found)
    assert [listed.key for listed in manifest.runs] == [one.run.key for one in found.planned]
    assert sorted((e.method, e.repeat, e.fold, e.search, e.reseed) for e in manifest.additional) == sorted(
        (one.label, one.run.repeat, one.run.fold, search, reseed) for one, search, reseed in expected
    )


def late_never_works(run: Run) -> str | None:
    return "RuntimeError: no" if run.method == "late" and run.fold == 1 else None


def test_a_fold_without_a_best_trial_is_not_trained_and_is_told_of(tmp_path: Path) -> None:
    of = suite(selection_repeats=2)
    found, _ = tuned(of, tmp_path, executor=Executor(fails=late_never_works))
    assert found.lacking == {("late", 0, 1): "no trial of study 's/late/0-1' was completed"}
    chosen = job(of, found).chosen
    assert {(one.label, one.run.fold) for one in chosen} == {("concat", 0), ("concat", 1), ("late", 0)}
    manifest = make_manifest(of, DATASET, found.planned, found)
    keys = {(listed.method, listed.fold): listed.key for listed in manifest.runs}
    plain = {(one.label, one.run.fold): one.run.key for one in planned(of)}
    assert keys["late", 1] == f"untuned-{plain['late', 1]}", "an untuned record would stand in for a tuned one"
    assert plain["late", 1] not in keys.values()


def test_a_method_that_was_not_asked_for_is_left_out_without_a_word(tmp_path: Path) -> None:
    """Or with its best trials, where its search has finished."""
    of = suite()
    found, searches = tuned(of, tmp_path, executor=Executor(fails=late_never_works), asked=["concat"])
    assert found.lacking == {("late", 0, 1): ""}
    assert {one.label for one in job(of, found, labels=["concat"]).chosen} == {"concat"}
    assert {best_trial.label for best_trial in found.best_parameters} == {"concat", "late"}
    assert of.search is not None
    alone = {study_spec: search for study_spec, search in searches.items() if study_spec.label == "concat"}
    left = by_search(of, of.search, planned(of), alone, asked=["concat"])
    assert left.lacking == {("late", 0, 0): "", ("late", 0, 1): ""}
    assert [one.run for one in left.planned if one.label == "late"] == [
        one.run for one in planned(of) if one.label == "late"
    ]


def test_two_methods_that_win_with_the_same_settings_are_one_run_and_both_are_compared(tmp_path: Path) -> None:
    """And where one of them lacks its best trial, the other's is trained all the same."""
    labels = {
        "wide": {"method": "mbt", "dropout": 0.0, "tokens": 4, "width": 192},  # its layers are searched
        "flat": {"method": "mbt", "dropout": 0.0, "tokens": 4, "layers": 2},  # and its width
    }
    of = suite(fitting=labels, training=[], trials=20)

    def likes(run: Run) -> float:
        return (run.hyperparameters["width"] == 192) / 2 + 1 / run.hyperparameters["layers"] / 2

    found, searches = tuned(of, tmp_path, executor=Executor(scores=likes), asked=list(labels))
    assert of.search is not None
    keys = [one.run.key for one in found.planned]
    assert len(keys) == 4
    assert len(set(keys)) == 2
    assert len(job(of, found, labels=list(labels)).chosen) == 2
    manifest = make_manifest(of, DATASET, found.planned, found)
    assert sorted(listed.method for listed in manifest.runs) == ["flat", "flat", "wide", "wide"]
    half = {study_spec: search for study_spec, search in searches.items() if study_spec.label == "flat"}
    lacking = by_search(of, of.search, planned(of), half, asked=list(labels))
    assert [one.label for one in job(of, lacking, labels=list(labels)).chosen] == ["flat", "flat"]


def test_a_file_is_for_the_folds_it_names_and_the_rest_is_as_the_suite_has_it(tmp_path: Path) -> None:
    of = suite(protocol={"repeats": 2})
    path = tmp_path / "mine.toml"
    path.write_text(
        "[concat.all]\nfeatures = 32\n[concat.1-0]\nfeatures = 256\ntraining.learning_rate = 0.002\n"
        "[late.0-1]\ngeometry = 'depth'\ntraining.epochs = 7\n"
    )
    for before, one in zip(planned(of), by_file(of, planned(of), path).planned, strict=True):
        where = one.label, one.run.repeat, one.run.fold
        expected: dict[str, Any] = {"features": 32} if one.label == "concat" else {}
        if where == ("concat", 1, 0):
            expected = {"features": 256, "training.learning_rate": 0.002}
        if where == ("late", 0, 1):
            expected = {"geometry": "depth", "training.epochs": 7}
        assert settings(one.run) == settings(before.run) | expected


def test_a_file_stands_in_for_the_defaults_of_a_method_under_every_label(tmp_path: Path) -> None:
    """What the suite's own table sets stays, where the file does not name that label; other methods are left out."""
    labels = {
        "concat": {},
        "wide": {"method": "concat", "features": 256},
        "joint": {"method": "concat", "unimodal_losses": True},
    }
    of = suite(fitting=labels)
    path = tmp_path / "defaults.toml"
    text = "[concat.all]\nfeatures = 32\ndropout = 0.25\ntraining.learning_rate = 0.002\n[late.0-9]\ndropout = 0.5\n"
    path.write_text(text + "[sum.all]\n")
    said: list[str] = []
    found = by_file(of, planned(of), path, left_out=said.append)
    assert said == ["defaults.toml: not in suite 's', and left out: late, sum"]
    for before, one in zip(planned(of), found.planned, strict=True):
        expected = {"features": 256 if one.label == "wide" else 32, "dropout": 0.25, "training.learning_rate": 0.002}
        assert settings(one.run) == settings(before.run) | expected
    path.write_text(text + "[wide.all]\nfeatures = 64\n")
    named = {one.label: settings(one.run) for one in by_file(of, planned(of), path).planned}
    assert (named["wide"]["features"], named["wide"]["dropout"], named["joint"]["dropout"]) == (64, 0.0, 0.25)
    path.write_text("[late.all]\n")
    with pytest.raises(UserError, match=r"^defaults.toml: method 'late' is not in suite 's': concat, wide, joint$"):
        by_file(of, planned(of), path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[conkat.all]", "mine.toml: method 'conkat' is not in suite 's': concat, late"),
        ("[concat.1-0]", "mine.toml: concat.1-0: suite 's' has no such fold"),
        ("[concat.0-2]", "mine.toml: concat.0-2: suite 's' has no such fold"),
        (
            "[concat.all]\nfeatures = 4",
            "mine.toml: concat.all.features = 4: input should be greater than or equal to 8",
        ),
        ("[concat.all]\nfeatures = 64.0", "mine.toml: concat.all.features = 64.0: input should be a valid integer"),
        (
            "[concat.all]\nfeatures = 2024-05-05",
            'mine.toml: concat.all.features = "2024-05-05": input should be a valid',
        ),
        ("[concat.all]\ndropout = nan", "mine.toml: concat.all.dropout = NaN: input should be a finite number"),
        (
            "[concat.all]\nfeature = 64",
            "mine.toml: concat.all.feature: unknown key; allowed: geometry, masks, dropout, features",
        ),
        (
            "[concat.0-1]\ntraining.rate = 1",
            "mine.toml: concat.0-1.training.rate: unknown key; allowed: epochs, batch_size",
        ),
        (
            "[late.all]\ntraining.learning_rate = 2.0",
            "mine.toml: late.all.training.learning_rate = 2.0: input should be",
        ),
        (
            "[late.all.training.augmentation]\nflip = 2",
            "mine.toml: late.all.training.augmentation.flip = 2: input should",
        ),
    ],
)
def test_what_does_not_fit_the_suite_is_one_line(text: str, expected: str, tmp_path: Path) -> None:
    of = suite()
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError) as caught:
        by_file(of, planned(of), tmp_path / "mine.toml")
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("defaults", [False, True])
def test_runs_with_the_suites_own_settings_are_listed_and_trained_where_the_suite_says_so(
    defaults: bool, tmp_path: Path
) -> None:
    of = suite(defaults=defaults)
    found, searches = tuned(of, tmp_path)
    own = [one.run.key for one in planned(of)]
    manifest = make_manifest(of, DATASET, found.planned, found)
    assert [listed.key for listed in manifest.defaults] == own
    trained = {one.run.key for one in job(of, found).chosen}
    assert trained == {listed.key for listed in manifest.only(None)}
    assert trained == {one.run.key for one in found.planned} | (set(own) if defaults else set())
    won = best(searches)
    for study in manifest.tuning["studies"]:
        where = (study["repeat"], study["fold"])
        assert study["best_runs"] == won[study["method"], where, study["search"]].user_attrs["runs"]
