"""A study's trials as a table: every one is a row, and its numbers are those that were learned."""

import optuna
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from afnetm.seeding import derive_seed
from studies.samplers import intermediate
from studies.search import Search
from studies.space import Space
from studies.spec import SearchSpec
from studies.table import trials_table

SPACE = Space(
    {
        "runs": IntDistribution(8, 64),  # called as a column is
        "kind": CategoricalDistribution(["none", "all"]),
        "training.learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
    },
    start={"runs": 16, "kind": "all", "training.learning_rate": 0.001},
)
COLUMNS = ["trial", "state", "value", "params/runs", "params/kind", "params/training/learning_rate"]
LAST = ["seconds", "started", "ended", "reason", "runs"]


def search(pruner: str, trials: int) -> Search:
    spec = SearchSpec(trials=trials, folds=6, pruner=pruner)  # type: ignore[arg-type]
    return Search(optuna.storages.InMemoryStorage(), "s/m/0-0", space=SPACE, spec=spec, identity={})


def score(trial: int, fold: int) -> float:
    """Worse from trial to trial, so that pruners have something to cut."""
    return max(0.0, 0.9 - 0.05 * trial - 0.01 * (derive_seed(trial=trial, fold=fold) % 3))


@pytest.mark.parametrize("pruner", ["none", "median", "wilcoxon"])
def test_a_row_says_what_its_trial_was_told(pruner: str) -> None:
    one = search(pruner, trials=12)
    learned: dict[int, list[float]] = {}
    while not one.finished:
        for task in one.tasks():
            if (task.trial, task.fold) == (3, 1):
                one.fail(task, "ValueError: no")
                continue
            learned.setdefault(task.trial, []).append(score(task.trial, task.fold))
            one.learn(task, learned[task.trial][-1], run=f"k{task.trial}{task.fold}", seconds=2.0)
    table = trials_table(one.trials, pruner=pruner)
    assert list(table) == [*COLUMNS, *(f"fold/{fold}" for fold in range(6)), *LAST]
    assert list(table["trial"]) == list(range(12))
    assert table["state"].nunique() == (2 if pruner == "none" else 3)
    for row in table.to_dict("records"):
        scores = learned[row["trial"]]
        message = [row[f"fold/{fold}"] for fold in range(6)]
        assert message[: len(scores)] == pytest.approx(scores)
        assert all(map(pd.isna, message[len(scores) :]))
        assert row["runs"].split() == [f"k{row['trial']}{fold}" for fold in range(len(scores))]
        assert row["seconds"] == 2.0 * len(scores)
        assert row["started"] <= row["ended"]
        assert row["reason"] == ("ValueError: no" if row["trial"] == 3 else "")
        if row["state"] == "complete":
            assert row["value"] == pytest.approx(sum(scores) / 6)
        else:
            assert pd.isna(row["value"])
    start = table.iloc[0]
    assert (start["params/runs"], start["params/kind"]) == (16, "all")


def test_a_trial_under_way_is_a_row_too() -> None:
    one = search("none", trials=2)
    (task,) = one.tasks()
    one.learn(task, 0.25, run="k", seconds=1.0)
    (row,) = trials_table(one.trials, pruner="none").to_dict("records")
    assert (row["state"], row["fold/0"], row["runs"]) == ("running", 0.25, "")
    assert pd.isna(row["ended"])


def test_no_trials_are_an_empty_table_with_its_columns() -> None:
    table = trials_table([], pruner="none")
    assert list(table) == ["trial", "state", "value", *LAST]
    assert table.empty


@pytest.mark.parametrize("pruner", ["median", "wilcoxon"])
@given(scores=st.lists(st.integers(0, 72), min_size=1, max_size=10))
def test_scores_survive_what_pruners_read(pruner: str, scores: list[int]) -> None:
    shares = [score / 72 for score in scores]
    reported = {fold: intermediate(pruner, shares[: fold + 1]) for fold in range(len(shares))}
    trial: FrozenTrial = optuna.trial.create_trial(value=0.5, intermediate_values=reported)
    (row,) = trials_table([trial], pruner=pruner).to_dict("records")
    assert [row[f"fold/{fold}"] for fold in range(len(shares))] == pytest.approx(shares, abs=1e-11)
