"""Samplers and pruners by name: what they are seeded with, what they cannot search."""

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage

from afnetm.errors import UserError
from studies.samplers import check_sampler, intermediate, make_sampler
from studies.space import Space
from tests.studies.conftest import drive, searched

SAMPLERS = ("tpe", "random", "gp", "cmaes")
RATE = FloatDistribution(1e-4, 1e-2, log=True)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", [0, 2**31, 2**63 - 1])
def test_any_seed_of_ours_is_taken(sampler: str, seed: int) -> None:
    assert make_sampler(sampler, seed=seed) is not None


def test_cmaes_searches_numbers_only() -> None:
    with pytest.raises(UserError) as caught:
        check_sampler("cmaes", {"rate": RATE, "reduction": CategoricalDistribution([4, 8])}, method="aff")
    assert str(caught.value) == (
        "sampler = 'cmaes': 'reduction' of method 'aff' is one of several choices, and CMA-ES searches numbers only; "
        "allowed there: tpe, random, gp"
    )


@pytest.mark.parametrize("space", [{"dropout": RATE}, {"dropout": RATE, "layers": IntDistribution(2, 2)}])
def test_cmaes_searches_two_parameters_or_more(space: dict[str, BaseDistribution]) -> None:
    with pytest.raises(UserError) as caught:
        check_sampler("cmaes", space, method="late")
    assert str(caught.value) == (
        "sampler = 'cmaes': method 'late' has one parameter, CMA-ES needs two; allowed there: tpe, random, gp"
    )


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp"])
@pytest.mark.usefixtures("soon")
def test_the_others_search_one_parameter_and_choices(sampler: str) -> None:
    for space in ({"dropout": RATE}, {"reduction": CategoricalDistribution([4, 8])}):
        check_sampler(sampler, space, method="late")
        search = searched(InMemoryStorage(), space=Space(space, {}), sampler=sampler, trials=5)
        drive(search, of=lambda params, fold: 0.5)
        assert len(search.trials) == 5


def test_what_a_pruner_reads() -> None:
    scores = [0.5, 0.75, 1.0]
    assert [intermediate("median", scores[:n]) for n in (1, 2, 3)] == [0.5, 0.625, 0.75]
    assert [intermediate("wilcoxon", scores[:n]) for n in (1, 2, 3)] == scores
