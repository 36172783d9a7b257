"""Suites side by side: what is one dataset, what has a mean, and what is not one method."""

import numpy as np
import pandas as pd
import pytest

from reports.multi_suite.overview import overview, overview_table
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.words import notices
from reports.schema import ReportError
from tests.reports.multi_suite.conftest import SKILLS, with_info


def accuracy(compared, method):
    rows = compared.results.predictions.query("method == @method")
    return float(np.mean(rows["expression"] == rows["predicted"]))


def message(multi):
    return " ".join(notices(multi, pd.DataFrame()))


def test_suites_on_one_dataset_are_one_data_set_and_count_once(named):
    first, again = named("first", dataset="x"), named("again", dataset="x", called="renamed", seed=1)
    other = named("other", seed=2)
    multi = MultiSuite([first, again, other])
    assert multi.data_sets == {"x": ["first", "again"], "other": ["other"]}
    once = (accuracy(first, "late") + accuracy(again, "late")) / 2
    assert multi.scores.loc["x", "late"] == pytest.approx(once)
    assert multi.means["late"] == pytest.approx((once + accuracy(other, "late")) / 2)
    assert "first and again are on one dataset, x" in message(multi)


def test_other_scans_under_one_name_are_two_data_sets(named):
    multi = MultiSuite(
        [named("a", dataset="123456789", called="faces"), named("b", dataset="abcdefghi", called="faces")]
    )
    assert list(multi.data_sets) == ["faces (12345678)", "faces (abcdefgh)"]


def test_a_method_that_a_data_set_lacks_has_no_mean_and_no_place(named):
    more = named("more", skills={**SKILLS, "gmu": 9.0}, seed=1)
    multi = MultiSuite([named("few"), more])
    assert multi.methods == ["depth", "late", "afnetm", "gmu"]
    assert multi.everywhere == multi.shared == list(multi.means.index) == ["depth", "late", "afnetm"]
    found = overview(multi).set_index(["method", "suite"])
    assert ("gmu", "few") not in found.index
    assert found.loc[("gmu", "more"), "place"] == "best"
    assert np.isnan(found.loc[("gmu", "more"), "mean"])
    row = more.table.set_index("method").loc["late"]
    assert found.loc[("late", "more"), ["accuracy", "low", "high"]].tolist() == [
        row["accuracy"], row["accuracy_low"], row["accuracy_high"],
    ]  # fmt: skip


def test_one_data_set_alone_has_no_mean(named):
    assert MultiSuite([named("a", dataset="x"), named("b", dataset="x", seed=1)]).means.empty


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"version": 2}, "version"),
        ({"name": "late-fusion"}, "registered as"),
        ({"hyperparameters": {"width": 0.25, "encoder": "resnet18", "dropout": 0.5}}, "dropout"),
        ({"hyperparameters": {"width": 0.25, "dropout": 0.1}}, "encoder"),
    ],
)
def test_two_things_under_one_label_are_told_and_never_averaged(named, change, what):
    multi = MultiSuite([named("a"), with_info(named("b", seed=1).results, "late", **change)])
    assert multi.shared == ["depth", "afnetm"]
    assert "late" not in multi.means
    assert overview_table(multi, overview(multi), notes=[]).text["Method"].tolist() == ["depth", "late ‡", "afnetm"]
    assert f"‡ late is not the same in all suites ({what})" in message(multi)
    alike = with_info(named("b", seed=1).results, "late", summary="said otherwise")
    assert MultiSuite([named("a"), alike]).method_differences == []


def test_data_sets_of_one_source_are_told_to_share_people(named):
    small, large, other = ({"kind": "synthetic", "seed": seed, "subjects": n} for seed, n in ((0, 4), (0, 9), (1, 4)))
    multi = MultiSuite([named("a", source=small), named("b", source=large), named("c", source=other)])
    assert "The datasets a and b come from one source" in message(multi)
    lists = ({"kind": "folder", "listing": digest} for digest in ("1", "2"))
    assert "one source" not in message(
        MultiSuite([named(name, source=of) for name, of in zip("ab", lists, strict=True)])
    )


def test_a_score_over_fewer_suites_than_others_is_told(named):
    less = named("less", dataset="x", skills={"depth": 0.3, "afnetm": 1.6}, seed=1)
    multi = MultiSuite([named("all", dataset="x"), less, named("other", seed=2)])
    assert "On x the scores of late are over fewer suites than those of other methods." in message(multi)


def test_one_suite_or_one_twice_is_refused(named):
    with pytest.raises(ReportError, match="2 or more"):
        MultiSuite([named("a")])
    with pytest.raises(ReportError, match="'a' is there 2 times"):
        MultiSuite([named("a"), named("a", seed=1)])
