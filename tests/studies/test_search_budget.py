"""A budget is met exactly, in trials or in hours, when it grows and when it shrinks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage, JournalStorage

from studies.spec import GIVE_UP
from tests.studies.conftest import (
    COMPLETE,
    FAIL,
    MANY,
    PRUNED,
    RUNNING,
    Lines,
    constant,
    drive,
    message,
    searched,
    states,
    whole,
)

pytestmark = pytest.mark.usefixtures("soon")


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
        assert message(search) == message(whole(trials=budgets[-1]))


def test_what_a_larger_budget_began_waits_where_a_smaller_one_ends() -> None:
    """The best trial is the smaller budget's, and nothing beyond it is trained."""
    storage = InMemoryStorage()
    drive(searched(storage, trials=8, parallel=4), tasks=14)  # the second generation is under way
    small = searched(storage, trials=5, parallel=4)
    assert {task.trial for task in small.tasks()} == {4}
    drive(searched(storage, trials=5, parallel=4))
    assert [trial.state for trial in searched(storage, trials=8, parallel=4).trials].count(RUNNING) == 3
    large = searched(storage, trials=8, parallel=4)
    drive(large)
    assert message(large) == message(whole(trials=8, parallel=4))


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
    assert search.best_trial() is None


@pytest.mark.parametrize("parallel", [1, 3])
def test_hours_cut_off_after_any_operation(parallel: int) -> None:
    spec = {"hours": 1000 / 3600, "parallel": parallel}
    first = Lines()
    uncut = searched(JournalStorage(first), **spec)
    drive(uncut)
    for cut in range(0, len(first.lines) + 1, 2):
        again = searched(JournalStorage(Lines(first.lines[:cut])), **spec)
        drive(again)
        assert message(again) == message(uncut)
