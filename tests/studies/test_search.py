"""A search is its seed and its scores, and nothing else: not who trains, in which order, nor how often it is killed."""

import random
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.trial import TrialState
from sqlalchemy import event

from afnetm.errors import UserError
from studies.budget import GIVE_UP
from studies.search import Search
from studies.space import Space
from studies.storage import open_storage
from tests.studies.conftest import (
    CHOICES,
    IDENTITY,
    NUMBERS,
    SPACE,
    START,
    Lines,
    answer,
    drive,
    searched,
    states,
    told,
)

pytestmark = pytest.mark.usefixtures("soon")

SAMPLERS = ("tpe", "random", "gp", "cmaes")
MANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COMPLETE, PRUNED, FAIL, RUNNING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING


def whole(**spec: Any) -> Search:
    """A search that nothing disturbs."""
    search = searched(InMemoryStorage(), **spec)
    drive(search)
    return search


# Cut off and taken up


@pytest.mark.parametrize(("sampler", "parallel"), [*product(("tpe", "random", "cmaes"), (1, 3)), ("gp", 2)])
def test_cut_off_after_any_operation_it_goes_on_as_if_it_had_not_been(sampler: str, parallel: int) -> None:
    spec = {
        "sampler": sampler,
        "parallel": parallel,
        "trials": 6 if sampler == "gp" else 12,
        "space": SPACE if sampler == "cmaes" else CHOICES,
    }
    first = Lines()
    uncut = searched(JournalStorage(first), **spec)
    drive(uncut, order=random.Random(0))
    assert sampler == "gp" or {COMPLETE, PRUNED, FAIL} == set(states(uncut))
    step = 31 if sampler == "gp" else 2  # that one thinks for long
    for cut in range(parallel // 2, len(first.lines) + 1, step):
        again = searched(JournalStorage(Lines(first.lines[:cut])), **spec)
        drive(again, order=random.Random(cut))
        assert told(again) == told(uncut), f"cut off after {cut} of {len(first.lines)}: {first.lines[cut - 1]}"


@MANY
@given(data=st.data(), sampler=st.sampled_from(["tpe", "random", "cmaes"]), parallel=st.integers(1, 4))
def test_cut_off_again_and_again(data: st.DataObject, sampler: str, parallel: int) -> None:
    spec = {"sampler": sampler, "parallel": parallel, "trials": 9}
    journal = Lines()
    for _ in range(data.draw(st.integers(1, 4), label="times")):
        search = searched(JournalStorage(journal), **spec)
        before = len(journal.lines)
        tasks = data.draw(st.integers(0, 12), label="tasks")
        drive(search, order=random.Random(data.draw(st.integers(0, 99))), tasks=tasks)
        journal = Lines(journal.lines[: data.draw(st.integers(before, len(journal.lines)), label="cut")])
    search = searched(JournalStorage(journal), **spec)
    drive(search)
    assert told(search) == told(whole(**spec))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_cut_off_before_any_transaction_of_a_database(sampler: str, tmp_path: Path) -> None:
    """SQLite, killed every few commits until it is through."""
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    spec = {"sampler": sampler, "parallel": 2, "trials": 5}
    rng = random.Random(7)
    while True:
        storage = open_storage(tmp_path, url)
        left = [rng.randint(3, 30)]

        @event.listens_for(storage.engine, "commit")
        def count(_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        try:
            drive(searched(storage, **spec), order=rng)
            break
        except Killed:
            storage.scoped_session.remove()  # as a server does for a client that is gone
            storage.engine.dispose()
    search = searched(open_storage(tmp_path, url), **spec)
    assert told(search) == told(whole(**spec))
    assert len(search.study.trials) > 5, "it was never cut off in the middle of a proposal"


def test_a_journal_file_cut_off_in_the_middle_of_a_line(tmp_path: Path) -> None:
    search = searched(open_storage(tmp_path / "whole", None), parallel=2, trials=5)
    drive(search)
    content = (tmp_path / "whole").read_bytes()
    for cut in random.Random(3).sample(range(len(content)), 8):
        (tmp_path / f"cut{cut}").write_bytes(content[:cut])
        again = searched(open_storage(tmp_path / f"cut{cut}", None), parallel=2, trials=5)
        drive(again)
        assert told(again) == told(search)


# Seeds and orders


@MANY
@given(
    sampler=st.sampled_from(["tpe", "random", "cmaes"]),
    parallel=st.integers(1, 4),
    pruner=st.sampled_from(["none", "median", "wilcoxon"]),
    order=st.randoms(use_true_random=False),
)
def test_the_order_in_which_tasks_end_decides_nothing(
    sampler: str, parallel: int, pruner: str, order: random.Random
) -> None:
    spec = {"sampler": sampler, "parallel": parallel, "pruner": pruner, "folds": 5, "trials": 11}
    search = searched(InMemoryStorage(), **spec)
    drive(search, order=order)
    assert told(search) == told(whole(**spec))


def test_the_order_decides_nothing_for_gp() -> None:
    search = searched(InMemoryStorage(), sampler="gp", parallel=2, trials=6)
    drive(search, order=random.Random(1))
    assert told(search) == told(whole(sampler="gp", parallel=2, trials=6))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_decides_all_but_the_first_trial(sampler: str) -> None:
    """Which is the suite's own setting. Studies of one seed do not tread in each other's steps, either."""
    spec = {"sampler": sampler, "trials": 4 if sampler == "gp" else 6}
    one, same, other = whole(**spec), whole(**spec), whole(seed=1, **spec)
    named = searched(InMemoryStorage(), "quick/concat/0-1", **spec)
    drive(named)
    params = [[trial.params for trial in search.trials] for search in (one, same, other, named)]
    assert params[0] == params[1]
    for found in params:
        assert found[0] == START
    assert not any(a == b for i in (2, 3) for a, b in zip(params[0][1:], params[i][1:], strict=True))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_setting_is_drawn_again_after_each_trial_ends_the_process(sampler: str) -> None:
    """A sampler that is made anew from one seed would begin with the same draws each time."""
    journal = Lines()
    for _ in range(7):
        search = searched(JournalStorage(journal), sampler=sampler, pruner="none", trials=7)
        drive(search, of=lambda params, fold: 0.5, tasks=3)
    seen = [tuple(trial.params.values()) for trial in search.trials]
    assert len(set(seen)) == len(seen) == 7


def test_a_start_value_out_of_range_is_drawn_instead() -> None:
    space = Space(NUMBERS, {"features": 128})
    search = searched(InMemoryStorage(), space=space, trials=1)
    drive(search)
    (first,) = search.trials
    assert first.params["features"] == 128
    assert first.params.keys() == NUMBERS.keys()


# The budget


@pytest.mark.parametrize("parallel", [1, 3])
def test_trials_are_met_exactly_with_failed_and_pruned_ones_counted(parallel: int) -> None:
    search = whole(trials=17, parallel=parallel)
    assert len(search.trials) == len(search.study.trials) == 17
    assert {COMPLETE, PRUNED, FAIL} == set(states(search))
    assert drive(search) == 0


@MANY
@given(budgets=st.lists(st.integers(1, 12), min_size=2, max_size=5), parallel=st.integers(1, 4), data=st.data())
def test_a_budget_may_grow_and_shrink(budgets: list[int], parallel: int, data: st.DataObject) -> None:
    """One trial after the other, nothing shows of it; in generations, no more than the budget is ever begun."""
    storage = InMemoryStorage()
    most = 0
    for budget in budgets:
        search = searched(storage, trials=budget, parallel=parallel)
        most = max(most, budget)
        drive(search, tasks=data.draw(st.integers(0, 40)))
        assert len(search.trials) <= budget
        assert len(search.study.trials) <= most
    search = searched(storage, trials=budgets[-1], parallel=parallel)
    drive(search)
    assert len(search.trials) == budgets[-1]
    assert all(state.is_finished() for state in states(search))
    if parallel == 1:
        assert told(search) == told(whole(trials=budgets[-1]))


def test_what_a_larger_budget_began_waits_where_a_smaller_one_ends() -> None:
    """The winner is the smaller budget's, and nothing beyond it is trained."""
    storage = InMemoryStorage()
    drive(searched(storage, trials=8, parallel=4), tasks=14)  # the second generation is under way
    small = searched(storage, trials=5, parallel=4)
    assert {task.trial for task in small.tasks()} == {4}
    drive(searched(storage, trials=5, parallel=4))
    assert [trial.state for trial in searched(storage, trials=8, parallel=4).trials].count(RUNNING) == 3
    large = searched(storage, trials=8, parallel=4)
    drive(large)
    assert told(large) == told(whole(trials=8, parallel=4))


def constant(params: Mapping[str, Any], fold: int) -> float | str:
    return 0.5


@pytest.mark.parametrize(("parallel", "expected"), [(1, 6), (4, 8)])
def test_hours_end_with_the_generation_that_exceeds_them(parallel: int, expected: int) -> None:
    """A trial takes 60 + 61 + 62 seconds here: the sixth begins after 915 of the 1000."""
    spec = {"hours": 1000 / 3600, "pruner": "none", "parallel": parallel}
    search = searched(InMemoryStorage(), **spec)
    drive(search, of=constant)
    assert len(search.trials) == len(search.study.trials) == expected
    assert sum(trial.user_attrs["seconds"] for trial in search.trials) == 183 * expected


def test_hours_may_grow_and_shrink_and_become_trials() -> None:
    storage = InMemoryStorage()
    for spec, expected in [
        ({"hours": 183 * 2 / 3600}, 2),
        ({"hours": 183 * 5 / 3600}, 5),
        ({"hours": 183 * 3 / 3600}, 3),
        ({"trials": 6}, 6),
        ({"hours": 1 / 3600}, 1),
    ]:
        search = searched(storage, pruner="none", **spec)
        drive(search, of=constant)
        assert len(search.trials) == expected
    assert len(search.study.trials) == 6


def test_hours_end_though_every_trial_fails_at_once() -> None:
    search = searched(InMemoryStorage(), hours=1.0, parallel=3)
    drive(search, of=lambda params, fold: "RuntimeError: no")
    assert states(search) == [FAIL] * (GIVE_UP + 2)
    assert search.winner() is None


@pytest.mark.parametrize("parallel", [1, 3])
def test_hours_cut_off_after_any_operation(parallel: int) -> None:
    spec = {"hours": 1000 / 3600, "parallel": parallel}
    first = Lines()
    uncut = searched(JournalStorage(first), **spec)
    drive(uncut)
    for cut in range(0, len(first.lines) + 1, 2):
        again = searched(JournalStorage(Lines(first.lines[:cut])), **spec)
        drive(again)
        assert told(again) == told(uncut)


# What is told


def test_a_trial_keeps_units_seconds_and_why_it_failed() -> None:
    search = searched(InMemoryStorage(), trials=3, pruner="none")
    first, second, third = ({"scores": scores} for scores in ([0.5, 0.75, 1.0], [0.5, "RuntimeError: no"], ["X: y"]))
    for expected in (first, second, third):
        for fold, score in enumerate(expected["scores"]):
            (task,) = search.tasks()
            assert task.fold == fold
            answer(search, task, lambda params, fold, score=score: score)
    complete, late, early = search.trials
    assert (complete.state, complete.value, complete.intermediate_values) == (
        COMPLETE,
        0.75,
        {0: 0.5, 1: 0.625, 2: 0.75},
    )
    assert len(complete.user_attrs["units"]) == 3
    assert complete.user_attrs["seconds"] == 183
    assert (late.state, late.value, late.user_attrs["reason"]) == (FAIL, None, "RuntimeError: no")
    assert len(late.user_attrs["units"]) == 1
    assert (early.user_attrs["units"], early.user_attrs["seconds"], early.user_attrs["reason"]) == ([], 0.0, "X: y")


def test_the_winner_is_the_first_best_complete_trial() -> None:
    """A pruned one may have had a better fold, an equal one may be the seed's luck."""
    scores = iter([[0.5] * 3, [0.7] * 3, [0.2] * 3, [0.7] * 3, [0.9, 0.1, 0.1], [0.95, "E: x"]])
    search = searched(InMemoryStorage(), trials=6, pruner="none")
    for of_trial in scores:
        for score in of_trial:
            answer(search, *search.tasks(), lambda params, fold, score=score: score)
    winner = search.winner()
    assert winner is not None
    assert (winner.number, winner.value) == (1, pytest.approx(0.7))
    assert winner.value == max(trial.value for trial in search.trials if trial.state == COMPLETE)


def test_without_a_complete_trial_nobody_wins() -> None:
    search = searched(InMemoryStorage(), trials=2)
    assert search.winner() is None
    drive(search, of=lambda params, fold: "E: x")
    assert search.winner() is None


# Pruning


@MANY
@given(seed=st.integers(0, 999), parallel=st.integers(1, 3), cut=st.booleans())
def test_the_median_of_earlier_running_means_prunes(seed: int, parallel: int, cut: bool) -> None:
    """Optuna's rule by hand: out after a fold if the best running mean so far is below the median there, once three are
    complete; never after the last. Only trials of earlier generations count, told or not."""
    rng = np.random.default_rng(seed)
    scores = rng.random((12, 4))
    journal = Lines()
    spec = {"trials": 12, "folds": 4, "parallel": parallel}
    search = searched(JournalStorage(journal), **spec)
    order = random.Random(seed)
    flying = []
    while True:
        flying += search.tasks()
        if not flying:
            break
        task = flying.pop(order.randrange(len(flying)))
        answer(search, task, lambda params, fold, of=scores[task.trial]: float(of[fold]))
        if cut and order.random() < 0.2:
            search, flying = searched(JournalStorage(journal), **spec), []
    means = scores.cumsum(1) / np.arange(1, 5)
    pruned: dict[int, int] = {}
    for trial in range(12):
        before = [k for k in range(trial - trial % parallel) if k not in pruned]
        for fold in range(3):
            if len(before) >= 3 and means[trial, : fold + 1].max() < np.median(means[before, fold]):
                pruned[trial] = fold
                break
    for trial, found in enumerate(search.trials):
        folds = pruned.get(trial, 3) + 1
        assert found.state == (PRUNED if trial in pruned else COMPLETE)
        assert found.intermediate_values == pytest.approx({k: means[trial, k] for k in range(folds)})
        assert len(found.user_attrs["units"]) == folds


def test_wilcoxon_is_given_each_fold_s_own_score_and_prunes_what_loses_them_all() -> None:
    search = searched(InMemoryStorage(), trials=3, folds=6, pruner="wilcoxon")
    table = [[0.6, 0.9, 0.5, 0.8, 0.7, 0.75], [0.5, 0.7, 0.4, 0.6, 0.6, 0.6], [0.7, 0.95, 0.6, 0.9, 0.8, 0.8]]
    drive(search, of=lambda params, fold: table[len(search.trials) - 1][fold])
    best, worse, better = search.trials
    assert best.intermediate_values == dict(enumerate(table[0]))
    # One-sided, four folds all worse have p = 1/16 < 0.1; three have 1/8.
    assert (worse.state, worse.intermediate_values) == (PRUNED, dict(enumerate(table[1][:4])))
    assert better.state == COMPLETE
    assert search.winner() == better


def test_wilcoxon_takes_ties_without_a_word() -> None:
    search = searched(InMemoryStorage(), trials=4, folds=5, pruner="wilcoxon")
    drive(search, of=constant)
    assert states(search) == [COMPLETE] * 4


def test_no_pruner_prunes_nothing() -> None:
    assert PRUNED not in states(whole(trials=12, pruner="none"))


# Whose study it is


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"identity": IDENTITY | {"cohort": "xyz"}}, 'another cohort: "abc", now "xyz"'),
        ({"identity": IDENTITY | {"version": 2}}, "another version: 1, now 2"),
        ({"identity": IDENTITY | {"recipe": {"epochs": 4}}}, "another recipe.epochs: 3, now 4"),
        ({"identity": IDENTITY | {"intensities": None}}, "another intensities: [3, 4], now null"),
        ({"space": CHOICES}, 'another space.reduction: null, now {"choices": [4, 8, 16]}'),
        ({"space": Space(NUMBERS, START | {"dropout": 0.25})}, "another start.dropout: 0.0, now 0.25"),
        ({"sampler": "random"}, 'another sampler: "tpe", now "random"'),
        ({"pruner": "none"}, 'another pruner: "median", now "none"'),
        ({"selection": "development"}, 'another selection: "nested", now "development"'),
        ({"metric": "macro_f1"}, 'another metric: "accuracy", now "macro_f1"'),
        ({"folds": 4}, "another folds: 3, now 4"),
        ({"seed": 3}, "another seed: 0, now 3"),
        ({"parallel": 2}, "another parallel: 1, now 2"),
    ],
)
def test_a_study_that_searched_something_else_is_refused(change: dict[str, Any], expected: str) -> None:
    storage = InMemoryStorage()
    drive(searched(storage, trials=1))
    before = storage.get_all_trials(0)
    with pytest.raises(UserError) as caught:
        searched(storage, trials=1, **change)
    said = str(caught.value)
    assert said.startswith(f"study 'quick/concat/0-0' was begun with {expected}; forget the search first (--search)")
    assert "\n" not in said
    assert storage.get_all_trials(0) == before


def minimising(study: optuna.Study) -> None:
    """Nothing was tried yet."""


def plain(study: optuna.Study) -> None:
    study.optimize(lambda trial: trial.suggest_float("dropout", 0.0, 0.5), n_trials=1)


def with_a_plan(study: optuna.Study) -> None:
    study.set_user_attr("plan", "world domination")
    plain(study)


@pytest.mark.parametrize("theirs", [minimising, plain, with_a_plan])
def test_a_study_of_someone_else_is_refused_and_left_alone(theirs: Any) -> None:
    storage = InMemoryStorage()
    direction = "minimize" if theirs is minimising else "maximize"
    study = optuna.create_study(storage=storage, study_name="quick/concat/0-0", direction=direction)
    theirs(study)
    before = study.trials, study.user_attrs
    with pytest.raises(
        UserError, match="^study 'quick/concat/0-0' is not one of this project's; choose another storage"
    ):
        searched(storage)
    assert (study.trials, study.user_attrs) == before


def test_to_look_at_a_search_changes_nothing() -> None:
    journal = Lines()
    drive(searched(JournalStorage(journal), trials=6, parallel=3), tasks=5)
    for cut in range(1, len(journal.lines)):
        looked_at = Lines(journal.lines[:cut])
        search = searched(JournalStorage(looked_at), trials=6, parallel=3)
        assert not search.finished
        assert search.winner() is None or search.winner() in search.trials
        assert len(looked_at.lines) == cut
