"""What is searched: every registered method's space and the keys of training, nothing that a suite would refuse."""

import dataclasses
import json
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage

from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.registry import methods
from afnetm.strict import parse
from afnetm.training.config import Augmentation, TrainingConfig
from baselines.concat import Concat
from baselines.late import Late
from benchmarks.plans.runs import hyperparameters
from studies.samplers import check_sampler
from studies.space import FINE_TUNING, PREFIX, TRAINING, Space, apply, message, search_space
from tests.studies.conftest import Objective, drive, searched

OTHER = TrainingConfig(epochs=3, precision="bfloat16", augmentation=Augmentation(flip=0.0))
BOTH = tuple(TRAINING)


def whole_space(kind: type[Method]) -> Space:
    return search_space(kind(), TrainingConfig(), fixed=(), training=BOTH)


def searchable(kind: type[Method], sampler: str) -> bool:
    try:
        check_sampler(sampler, whole_space(kind).distributions, method=kind.name)
    except UserError:
        return False
    return True


def rising(params: Any, fold: int) -> float:
    return crc32(json.dumps(params).encode()) / 2**32


def found(kind: type[Method], sampler: str, of: Objective = rising) -> list[dict[str, Any]]:
    search = searched(InMemoryStorage(), space=whole_space(kind), sampler=sampler, trials=6, pruner="none", folds=2)
    drive(search, of=of)
    return [trial.params for trial in search.trials]


def cases() -> list[Any]:
    """Every method with every sampler; those that take long, once for each kind of space."""
    chosen, seen = [], set()
    for name, kind in methods().items():
        for sampler in ("tpe", "random", "cmaes", "gp"):
            shape = sampler, *sorted(f"{type(d).__name__} {d._asdict()}" for d in kind.space.values())
            if sampler != "gp" or shape not in seen:
                chosen.append(pytest.param(kind, sampler, id=f"{name}-{sampler}"))
            seen.add(shape)
    return chosen


@pytest.mark.parametrize(("kind", "sampler"), cases())
@pytest.mark.usefixtures("soon")
def test_every_method_is_searched_within_what_a_suite_allows(kind: type[Method], sampler: str) -> None:
    space = whole_space(kind)
    numbers = not any(isinstance(d, CategoricalDistribution) for d in space.distributions.values())
    assert searchable(kind, sampler) == (sampler != "cmaes" or numbers)
    assert space.start.keys() == space.distributions.keys(), "a default is outside the range that is searched"
    if not searchable(kind, sampler):
        return
    tried = found(kind, sampler)
    assert len({json.dumps(params) for params in tried}) > 1
    for params in tried:
        assert params.keys() == space.distributions.keys()
        method, config = apply(params, kind(), OTHER)
        assert type(method) is kind
        changed = hyperparameters(method) | {PREFIX + key: getattr(config, key) for key in TRAINING}
        assert {name: changed[name] for name in params} == params
        untouched = dataclasses.replace(config, **{key: getattr(OTHER, key) for key in TRAINING})
        assert untouched == OTHER
        assert parse(kind, hyperparameters(method), file="s.toml", table="methods") == method


def test_only_what_the_suite_leaves_open_is_searched() -> None:
    space = search_space(
        Concat(features=64), TrainingConfig(), fixed=("features", "geometry"), training=("weight_decay",)
    )
    assert space.distributions == {
        "dropout": Concat.space["dropout"],
        "training.weight_decay": TRAINING["weight_decay"],
    }
    assert space.start == {"dropout": Concat().dropout, "training.weight_decay": 0.05}
    with pytest.raises(UserError, match=r"^method 'late': nothing to search; its hyper-parameters are fixed, training"):
        search_space(Late(), TrainingConfig(), fixed=("dropout",), training=())


def test_given_weights_that_are_trained_further_are_searched_at_lower_rates() -> None:
    config = TrainingConfig(learning_rate=2e-4, pretrained_factor=0.1)
    keys = ("learning_rate", "weight_decay", "pretrained_factor")
    space = search_space(Late(), config, fixed=("dropout",), training=keys, fine_tuned=True)
    assert space.distributions == {PREFIX + key: FINE_TUNING[key] for key in keys}
    assert space.start == {PREFIX + key: getattr(config, key) for key in keys}
    rates = [ranges["learning_rate"] for ranges in (FINE_TUNING, TRAINING)]
    assert [message(rate) for rate in rates] == ["2e-05 to 0.002, log", "0.0003 to 0.01, log"]
    _, found = apply({PREFIX + "pretrained_factor": 0.03}, Late(), config)
    assert found == dataclasses.replace(config, pretrained_factor=0.03)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Odd(Late):
    """With parameters of every kind, at values of which some are not searched."""

    space = {
        "dropout": FloatDistribution(0.1, 0.5),
        "even": IntDistribution(2, 8, step=2),
        "half": FloatDistribution(0.0, 2.0, step=0.5),
        "kind": CategoricalDistribution(["a", "b"]),
        "maybe": CategoricalDistribution([1, 2]),
    }
    even: int = 2
    half: float = 0.0
    kind: str = "a"
    maybe: int | None = 1


@pytest.mark.parametrize(
    ("values", "lacking"),
    [
        ({}, {"dropout"}),
        ({"dropout": 0.1, "even": 8, "half": 1.5, "kind": "b", "maybe": 2}, set()),
        ({"dropout": 0.6, "even": 3, "half": 0.75, "kind": "c", "maybe": None}, set(Odd.space)),
        ({"dropout": 0.5, "even": 10, "half": -0.5}, {"even", "half"}),
    ],
)
def test_a_start_value_that_is_not_searched_is_left_out(values: dict[str, Any], lacking: set[str]) -> None:
    space = search_space(Odd(**values), TrainingConfig(learning_rate=0.5), fixed=(), training=BOTH)
    assert set(space.distributions) - set(space.start) == lacking | {"training.learning_rate"}


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 5000),
    st.floats(-1, 2),
    st.sampled_from([float("nan"), float("inf")]),
    st.text(max_size=3),
    st.lists(st.integers(0, 2), max_size=2),
)


@settings(max_examples=150)
@given(name=st.sampled_from(["features", "dropout", "geometry", "nothing"]), value=VALUES)
def test_what_a_suite_refuses_of_a_method_is_refused(name: str, value: Any) -> None:
    try:
        expected = parse(Concat, hyperparameters(Concat()) | {name: value}, file="s.toml", table="methods.concat")
    except UserError:
        with pytest.raises(UserError) as caught:
            apply({name: value}, Concat(), TrainingConfig())
        assert str(caught.value).startswith(name)
        assert "\n" not in str(caught.value)
    else:
        assert apply({name: value}, Concat(), OTHER) == (expected, OTHER)


@settings(max_examples=150)
@given(name=st.sampled_from(["learning_rate", "weight_decay", "epochs", "augmentation", "nothing"]), value=VALUES)
def test_what_a_suite_refuses_of_a_recipe_is_refused(name: str, value: Any) -> None:
    try:
        expected = parse(TrainingConfig, dataclasses.asdict(OTHER) | {name: value}, file="s.toml", table="training")
    except UserError:
        with pytest.raises(UserError):
            apply({PREFIX + name: value}, Concat(), OTHER)
    else:
        assert apply({PREFIX + name: value}, Concat(), OTHER) == (Concat(), expected)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (TRAINING["learning_rate"], "0.0003 to 0.01, log"),
        (IntDistribution(32, 512, log=True), "32 to 512, log"),
        (IntDistribution(1, 3), "1 to 3"),
        (IntDistribution(64, 256, step=64), "64 to 256, by 64"),
        (FloatDistribution(0.0, 1.0, step=0.25), "0 to 1, by 0.25"),
        (CategoricalDistribution([4, 8, 16]), "4, 8 or 16"),
        (CategoricalDistribution([True]), "True"),
    ],
)
def test_a_range_is_told_in_words(distribution: BaseDistribution, expected: str) -> None:
    assert message(distribution) == expected


def test_two_spaces_that_differ_have_plans_that_differ() -> None:
    """A study is refused by its plan alone."""
    method = Concat()
    plans = {
        json.dumps(space.plan())
        for space in (
            whole_space(Concat),
            search_space(method, TrainingConfig(), fixed=("dropout",), training=BOTH),
            search_space(method, TrainingConfig(), fixed=(), training=("weight_decay",)),
            search_space(Concat(features=64), TrainingConfig(), fixed=(), training=BOTH),
            search_space(method, TrainingConfig(learning_rate=2e-3), fixed=(), training=BOTH),
            *(Space({"x": FloatDistribution(low, 1.0, log=log)}, {}) for low in (0.1, 0.1 + 1e-9) for log in (0, 1)),
            *(Space({"x": kind(1, 3)}, {}) for kind in (FloatDistribution, IntDistribution)),
            *(Space({"x": CategoricalDistribution(choices)}, {}) for choices in ([1, 2], ["1", "2"], ["1 or 2"])),
        )
    }
    assert len(plans) == 14
