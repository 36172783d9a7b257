"""Whose study it is: one that searched something else, or is someone else's, is left alone."""

from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage, JournalStorage

from afnetm.errors import UserError
from studies.space import Space
from tests.studies.conftest import (
    CHOICES,
    IDENTITY,
    NUMBERS,
    START,
    Lines,
    drive,
    searched,
)

pytestmark = pytest.mark.usefixtures("soon")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"identity": IDENTITY | {"dataset": "xyz"}}, 'another dataset: "abc", now "xyz"'),
        ({"identity": IDENTITY | {"version": 2}}, "another version: 1, now 2"),
        ({"identity": IDENTITY | {"training": {"epochs": 4}}}, "another training.epochs: 3, now 4"),
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
        assert search.best_trial() is None or search.best_trial() in search.trials
        assert len(looked_at.lines) == cut
