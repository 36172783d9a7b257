"""Accuracy against a cost: the front is what nothing cheaper beats, and names are where they can be read."""

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.pictures.pareto import cost, pareto_front
from reports.tables.comparison import comparison


@pytest.fixture(scope="module")
def twelve(make):
    table = comparison(make(skills={f"m{n:02d}": 1.0 for n in range(12)}, subjects=4, folds=2, epochs=1))
    scores = [0.2, 0.3, 0.3, 0.1, 0.5, 0.5, *[0.4] * 6]
    return table.assign(parameters=range(12), accuracy=scores, accuracy_low=scores, accuracy_high=scores)


def named(picture):
    return re.findall(r">(m\d\d)<", picture.svg)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_the_front_is_what_no_other_is_as_cheap_and_better(points):
    table = pd.DataFrame(points, columns=["cost", "accuracy"]).assign(method=[str(n) for n in range(len(points))])
    front = pareto_front(table, "cost")
    kept = set(zip(front["cost"], front["accuracy"], strict=True))
    best = {
        (cost, score)
        for cost, score in points
        if not any((c <= cost and s >= score) and (c, s) != (cost, score) for c, s in points)
    }
    assert kept == best
    assert front["cost"].is_monotonic_increasing


def test_the_words_have_every_method_and_say_which_are_on_the_front(twelve):
    alt = cost(twelve, "parameters", title="parameters", control="m09").alt
    assert re.findall(r"(m\d\d) [^;]*\(front\)", alt) == ["m00", "m01", "m04"]
    assert len(set(re.findall(r"m\d\d", alt))) == 12


def test_the_front_and_the_control_have_names_whatever_the_crowd(twelve):
    crowd = twelve.assign(parameters=[1, 2, *[3] * 10])
    found = named(cost(crowd, "parameters", title="parameters", control="m09"))
    assert {"m00", "m01", "m04", "m09"} <= set(found)
    assert len(found) == len(set(found)) < 12


def test_few_methods_have_all_their_names(twelve):
    few = twelve.head(6)
    assert set(named(cost(few, "parameters", title="parameters", control="m00"))) == set(few["method"])


def test_the_front_s_line_goes_through_its_methods(twelve):
    svg = cost(twelve, "parameters", title="parameters", control="m09").svg
    path = re.search(r'<g id="front">\s*<path d="([^"]*)"', svg)[1]
    points = [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]
    # Three methods and the axis' end: each step is a line across and one up.
    assert len(points) == 7
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True)  # SVG counts downwards
