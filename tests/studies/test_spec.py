"""The [search] table: its defaults, and one line for whatever is wrong with it."""

from typing import Any

import pytest
from optuna.distributions import FloatDistribution

from afnetm.errors import UserError
from afnetm.strict import parse
from studies.space import Space
from studies.spec import SearchSpec


def spec(**table: Any) -> SearchSpec:
    """As a suite's file has it."""
    found: SearchSpec = parse(SearchSpec, table, file="s.toml", table="search")
    return found


def space(dimensions: int) -> Space:
    return Space({f"x{index}": FloatDistribution(0, 1) for index in range(dimensions)}, {})


def test_an_empty_table_is_ten_trials_per_dimension_by_tpe_on_inner_folds() -> None:
    found = spec()
    assert [found.most(space(dimensions)) for dimensions in (1, 2, 6)] == [10, 20, 60]
    assert (found.hours, found.budget) == (None, "10 trials per dimension searched")
    assert (found.sampler, found.pruner, found.selection, found.metric) == ("tpe", "median", "nested", "accuracy")
    assert (found.folds, found.seed, found.parallel, found.selection_repeats) == (3, 0, 1, 1)
    assert found.training == ("learning_rate", "weight_decay")


def test_hours_take_the_place_of_trials() -> None:
    assert (spec(hours=0.5).most(space(3)), spec(hours=0.5).budget) == (None, "0.5 hours")
    assert spec(hours=2).budget == "2 hours"
    assert [spec(trials=7).most(space(dimensions)) for dimensions in (1, 6)] == [7, 7]
    assert [spec(**one).budget for one in ({"hours": 1}, {"trials": 1}, {"trials": 100_000})] == [
        "1 hour",
        "1 trial",
        "100000 trials",
    ]


@pytest.mark.parametrize(
    ("table", "dimensions", "expected"),
    [
        ({"trials_per_dimension": 4}, 3, "12 trials, 4 for each of 3 dimensions"),
        ({"trials_per_dimension": 1}, 1, "1 trial, 1 for each of 1 dimension"),
        ({"trials": 20}, 3, "20 trials"),
        ({"hours": 2}, 3, "2 hours"),
    ],
)
def test_a_method_is_told_the_budget_of_its_own_space(table: dict[str, Any], dimensions: int, expected: str) -> None:
    assert spec(**table).budget_of(space(dimensions)) == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"trials": 5, "trials_per_dimension": 2},
            "search.trials_per_dimension = 2 and trials = 5: one of them is the budget",
        ),
        ({"trials_per_dimension": 0}, "search.trials_per_dimension = 0: input should be greater than or equal to 1"),
        ({"trials": 5, "hours": 1}, "search.trials = 5 and hours = 1.0: one of them is the budget"),
        ({"trials": 0}, "search.trials = 0: input should be greater than or equal to 1"),
        ({"trials": 1.5}, "search.trials = 1.5: input should be a valid integer"),
        ({"trials": "20"}, 'search.trials = "20": input should be a valid integer'),
        ({"trials": True}, "search.trials = true: input should be a valid integer"),
        ({"hours": 0}, "search.hours = 0: input should be greater than 0"),
        ({"hours": float("inf")}, "search.hours = Infinity: input should be a finite number"),
        ({"hours": float("nan")}, "search.hours = NaN: input should be a finite number"),
        ({"sampler": "bayes"}, "search.sampler = \"bayes\": input should be 'tpe', 'random', 'gp' or 'cmaes'"),
        ({"pruner": "hyperband"}, "search.pruner = \"hyperband\": input should be 'none', 'median' or 'wilcoxon'"),
        ({"selection": "test"}, "search.selection = \"test\": input should be 'nested' or 'development'"),
        ({"metric": "loss"}, "search.metric = \"loss\": input should be 'accuracy' or 'macro_f1'"),
        ({"folds": 1}, "search.folds = 1: input should be greater than or equal to 2"),
        ({"seed": -1}, "search.seed = -1: input should be greater than or equal to 0"),
        ({"parallel": 0}, "search.parallel = 0: input should be greater than or equal to 1"),
        ({"selection_repeats": 0}, "search.selection_repeats = 0: input should be greater than or equal to 1"),
        ({"training": ["epochs"]}, "search.training = 'epochs': not searched; allowed: learning_rate, weight_decay"),
        ({"training": "learning_rate"}, 'search.training = "learning_rate": input should be a valid array'),
        ({"pruner": "wilcoxon"}, "search.pruner = 'wilcoxon': it needs 5 inner folds to reach p < 0.1, not 3"),
        (
            {"trails": 5},
            "search.trails: unknown key; allowed: trials_per_dimension, trials, hours, sampler, pruner, selection",
        ),
    ],
)
def test_what_is_wrong_is_one_line(table: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        spec(**table)
    assert str(caught.value).startswith(f"s.toml: {expected}")
    assert "\n" not in str(caught.value)


def test_wilcoxon_has_folds_enough() -> None:
    assert spec(pruner="wilcoxon", folds=5).folds == 5
