"""Ranks over datasets from predictions, against Demšar's formulas written out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reports.multi_suite.diagram import diagram
from reports.multi_suite.ranking import cliques, like_the_first, ranking, ranks_table, verdict, why_no_ranking
from reports.multi_suite.suites import MultiSuite
from reports.statistics.ranks import Ranks
from tests.reports.multi_suite.conftest import SKILLS


def by_hand(multi):
    """Each method's rank on each dataset, counting who is better and half of who is as good."""
    found = {}
    for one in multi.suites:
        right = one.results.predictions.query("expression == predicted").groupby("method").size()
        for method in SKILLS:
            better = sum(right[other] > right[method] for other in SKILLS)
            ties = sum(right[other] == right[method] for other in SKILLS if other != method)
            found.setdefault(method, []).append(1 + better + ties / 2)
    return found


def test_ranks_friedman_and_nemenyi_are_those_written_out(five):
    found, own = ranking(five), by_hand(five)
    assert found.ranks.to_dict() == pytest.approx({method: np.mean(ranks) for method, ranks in own.items()})
    orders = set(zip(*own.values(), strict=True))
    assert len(orders) > 1
    assert all(len(set(order)) == 3 for order in orders)  # the formula below is for no ties
    methods, sets = 3, 5
    squares = sum(np.mean(ranks) ** 2 for ranks in own.values())
    statistic = 12 * sets / (methods * (methods + 1)) * (squares - methods * (methods + 1) ** 2 / 4)
    assert found.statistic == pytest.approx(statistic)
    assert found.p == pytest.approx(stats.chi2.sf(statistic, methods - 1))
    # 2.343 for three methods at 5 % (Demšar 2006, table 5a)
    assert found.critical == pytest.approx(2.343 * np.sqrt(methods * (methods + 1) / (6 * sets)), abs=1e-3)
    table = ranks_table(five, found)
    assert {m: rows["rank"].tolist() for m, rows in table.groupby("method")} == own
    assert table["method"].tolist()[::5] == list(found.ranks.index)


def test_suites_on_one_dataset_are_not_five_data_sets(five, named):
    again = MultiSuite([*five.suites[:4], named("again", dataset="four", seed=9)])
    assert ranking(again) is None
    assert "need at least 5; here are 4" in why_no_ranking(again)


def test_methods_that_a_data_set_lacks_are_not_ranked(five, named):
    less = MultiSuite([*five.suites, named("less", skills={"depth": 0.3, "afnetm": 1.6}, seed=9)])
    assert "at least 3 methods; here are 2" in why_no_ranking(less)
    assert ranking(MultiSuite([*five.suites, named("more", skills={**SKILLS, "gmu": 2.0}, seed=9)])).ranks.size == 3


def ranked(values, *, p=0.01, critical=1.0):
    names = [f"m{number}" for number in range(len(values))]
    return Ranks(pd.Series(sorted(values), index=names), 9.0, p, critical)


@given(st.lists(st.floats(1.0, 6.0), min_size=3, max_size=9))
def test_groups_join_those_and_only_those_within_a_critical_difference(values):
    found = ranked(values)
    groups, ranks = cliques(found), found.ranks.to_numpy()
    joined = {(a, b) for first, last in groups for a in range(first, last + 1) for b in range(a + 1, last + 1)}
    assert joined == {(a, b) for b in range(len(ranks)) for a in range(b) if ranks[b] - ranks[a] < 1.0}
    assert not [one for one in groups for other in groups if one != other and one[0] >= other[0] and one[1] <= other[1]]


def test_without_friedman_s_consent_nothing_is_called_different():
    found = ranked([1.0, 2.0, 9.0], p=0.2)
    assert like_the_first(found) == ["m1", "m2"]
    assert verdict(found) == [
        "Friedman's test finds no significant difference between the mean ranks (p 0.200), so no pair is tested."
    ]
    assert "not significantly different from it: m1" not in " ".join(verdict(ranked([1.0, 2.0, 9.0])))


def test_the_diagram_says_in_words_and_draws_what_is_joined():
    picture = diagram(ranked([1.0, 1.5, 2.2, 4.0]), {"m3": "The last"})
    assert picture.alt.endswith("Critical difference 1.00. Not significantly different: m0 and m1; m1 and m2")
    assert picture.svg.count('id="group-') == 2
    for name in ("m0 1.00", "The last 4.00", "critical difference 1.00"):
        assert f">{name}</text>" in picture.svg
