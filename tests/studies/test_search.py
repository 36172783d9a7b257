"""A search is its seed and its scores, and nothing else: not who trains, nor in which order; what it keeps of them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage, JournalStorage

from studies.space import Space
from tests.studies.conftest import (
    COMPLETE,
    FAIL,
    MANY,
    NUMBERS,
    SAMPLERS,
    START,
    Lines,
    answer,
    drive,
    message,
    searched,
    whole,
)

pytestmark = pytest.mark.usefixtures("soon")


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
    assert message(search) == message(whole(**spec))


def test_the_order_decides_nothing_for_gp() -> None:
    search = searched(InMemoryStorage(), sampler="gp", parallel=2, trials=6)
    drive(search, order=random.Random(1))
    assert message(search) == message(whole(sampler="gp", parallel=2, trials=6))


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


def test_a_trial_keeps_runs_seconds_and_why_it_failed() -> None:
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
    assert len(complete.user_attrs["runs"]) == 3
    assert complete.user_attrs["seconds"] == 183
    assert (late.state, late.value, late.user_attrs["reason"]) == (FAIL, None, "RuntimeError: no")
    assert len(late.user_attrs["runs"]) == 1
    assert (early.user_attrs["runs"], early.user_attrs["seconds"], early.user_attrs["reason"]) == ([], 0.0, "X: y")


def test_the_best_trial_is_the_first_best_complete_trial() -> None:
    """A pruned one may have had a better fold, an equal one may be due to the seed."""
    scores = iter([[0.5] * 3, [0.7] * 3, [0.2] * 3, [0.7] * 3, [0.9, 0.1, 0.1], [0.95, "E: x"]])
    search = searched(InMemoryStorage(), trials=6, pruner="none")
    for of_trial in scores:
        for score in of_trial:
            answer(search, *search.tasks(), lambda params, fold, score=score: score)
    best_trial = search.best_trial()
    assert best_trial is not None
    assert (best_trial.number, best_trial.value) == (1, pytest.approx(0.7))
    assert best_trial.value == max(trial.value for trial in search.trials if trial.state == COMPLETE)


def test_without_a_complete_trial_nobody_wins() -> None:
    search = searched(InMemoryStorage(), trials=2)
    assert search.best_trial() is None
    drive(search, of=lambda params, fold: "E: x")
    assert search.best_trial() is None
