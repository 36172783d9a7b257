"""Greedy selection against brute force, and the properties that make its weights honest and repeatable."""

from itertools import combinations_with_replacement
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from reports.statistics.ensembling import averaged, greedy, log_loss

SHARES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(0.0, 1.0))


def by_hand(shares: list[list[float]], steps: int) -> list[float]:
    """The same selection by lists and sums alone."""

    def loss(bag: list[int]) -> float:
        scans = range(len(shares[0]))
        return sum(-log(max(sum(shares[m][n] for m in bag) / len(bag), 1e-7)) for n in scans) / len(scans)

    bags: list[list[int]] = [[]]
    for _ in range(steps):
        bags.append(min(([*bags[-1], method] for method in range(len(shares))), key=loss))
    best = min(bags[1:], key=loss)
    return [best.count(method) / len(best) for method in range(len(shares))]


@given(SHARES)
def test_weights_are_shares_and_never_worse_than_the_best_single_method(shares: NDArray[np.float64]) -> None:
    weights = greedy(shares, steps=12)
    assert (weights >= 0.0).all()
    assert weights.sum() == pytest.approx(1.0)
    assert log_loss(weights @ shares) <= log_loss(shares).min() + 1e-9


@given(SHARES, st.randoms(use_true_random=False))
def test_the_order_of_scans_is_nothing(shares: NDArray[np.float64], chance: object) -> None:
    order = list(range(shares.shape[1]))
    chance.shuffle(order)  # type: ignore[attr-defined]
    assert (greedy(shares[:, order]) == greedy(shares)).all()


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_lists_and_sums_give(seed: int) -> None:
    shares = np.random.default_rng(seed).uniform(0.05, 0.95, (4, 7))
    assert greedy(shares, steps=9).tolist() == pytest.approx(by_hand(shares.tolist(), 9))


@pytest.mark.parametrize("seed", range(20))
def test_of_two_methods_it_is_about_the_best_of_all_mixtures(seed: int) -> None:
    """With two, one after the other reaches every mixture, so that brute force over all bags finds none much better."""
    shares = np.random.default_rng(seed).uniform(0.05, 0.95, (2, 9))
    bags = (bag for size in range(1, 31) for bag in combinations_with_replacement(range(2), size))
    best = min(float(log_loss(shares[list(bag)].mean(axis=0))) for bag in bags)
    assert float(log_loss(greedy(shares, steps=30) @ shares)) == pytest.approx(best, abs=2e-3)


def test_of_equal_methods_the_first_is_taken() -> None:
    assert greedy(np.full((3, 4), 0.5)).tolist() == [1.0, 0.0, 0.0]


def test_one_scan_without_a_chance_does_not_decide_all() -> None:
    shares = np.array([[0.0, *[0.9] * 99], [1e-9, *[0.3] * 99]])
    assert greedy(shares).tolist() == [1.0, 0.0]


def test_means_are_weighted_whole_or_scan_by_scan() -> None:
    probabilities = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    assert averaged(probabilities, np.array([0.25, 0.75])).tolist() == [[0.25, 0.75], [0.25, 0.75]]
    each = np.array([[1.0, 0.5], [0.0, 0.5]])
    assert averaged(probabilities, each).tolist() == [[1.0, 0.0], [0.5, 0.5]]
