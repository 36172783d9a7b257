"""What is cut short between two inner folds, by an account of the rule that is not Optuna's."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage, JournalStorage

from tests.studies.conftest import (
    COMPLETE,
    MANY,
    PRUNED,
    Lines,
    answer,
    constant,
    drive,
    searched,
    states,
    whole,
)

pytestmark = pytest.mark.usefixtures("soon")


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
        assert len(found.user_attrs["runs"]) == folds


def test_wilcoxon_is_given_each_fold_s_own_score_and_prunes_what_loses_them_all() -> None:
    search = searched(InMemoryStorage(), trials=3, folds=6, pruner="wilcoxon")
    table = [[0.6, 0.9, 0.5, 0.8, 0.7, 0.75], [0.5, 0.7, 0.4, 0.6, 0.6, 0.6], [0.7, 0.95, 0.6, 0.9, 0.8, 0.8]]
    drive(search, of=lambda params, fold: table[len(search.trials) - 1][fold])
    best, worse, better = search.trials
    assert best.intermediate_values == dict(enumerate(table[0]))
    # One-sided, four folds all worse have p = 1/16 < 0.1; three have 1/8.
    assert (worse.state, worse.intermediate_values) == (PRUNED, dict(enumerate(table[1][:4])))
    assert better.state == COMPLETE
    assert search.best_trial() == better


def test_wilcoxon_takes_ties_without_a_word() -> None:
    search = searched(InMemoryStorage(), trials=4, folds=5, pruner="wilcoxon")
    drive(search, of=constant)
    assert states(search) == [COMPLETE] * 4


def test_no_pruner_prunes_nothing() -> None:
    assert PRUNED not in states(whole(trials=12, pruner="none"))
