"""Rows of the leaderboard have the numbers of the suites' own tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.leaderboard.rows import rows
from reports.tables.compared import Compared
from tests.reports.conftest import fabricate, tune
from tests.reports.leaderboard.conftest import described
from tests.reports.tables.test_cross_dataset import SKILLS, answered
from tests.reports.tables.test_robustness import answers, evaluated


def test_numbers_are_those_of_each_suite_s_own_tables(fusion, tuned_suite):
    verdicts = set()
    for one in (fusion, tuned_suite):
        own = rows(one).set_index("method")
        verdicts |= set(own["verdict"])
        table = one.table.set_index("method").loc[own.index]
        for name in ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "difference_low", "parameters"):
            np.testing.assert_array_equal(own[name], table[name])
        recalls = table[[f"recall_{name}" for name in one.results.classes]]
        np.testing.assert_array_equal(own["worst"], recalls.min(axis=1))
        assert [f"recall_{name}" for name in own["worst_class"]] == recalls.idxmin(axis=1).tolist()
        pairs = one.pairs[one.pairs["method_b"] == "afnetm"].set_index("method_a")["p_holm"]
        for method, p in pairs.items():
            gap = table.loc[method, "difference"]
            expected = "tie" if p >= 0.05 else "win" if gap > 0 else "loss"
            assert (own.loc[method, "p_holm"], own.loc[method, "verdict"]) == (p, expected)
    assert "loss" in verdicts


@pytest.mark.parametrize(("suite", "methods"), [("fusion", 5), ("tuned_suite", 3)])
def test_the_best_is_first_and_ranks_are_by_accuracy(suite, methods, request):
    found = rows(request.getfixturevalue(suite))
    assert len(found) == methods
    assert (np.diff(found["accuracy"]) <= 0).all()
    assert found["rank"].tolist() == [1 + (found["accuracy"] > one).sum() for one in found["accuracy"]]
    assert found["place"].iloc[0] == "best"
    assert found.loc[found["control"], "method"].tolist() == ["afnetm"]


def test_a_dataset_is_called_as_it_is_asked_to_be(fusion):
    assert set(rows(fusion)["data_set"]) == {"default"}
    assert set(rows(fusion, "default (0a1b)")["data_set"]) == {"default (0a1b)"}


def test_what_methods_read_and_whether_they_were_tuned(fusion, tuned_suite):
    found = rows(fusion).set_index("method")
    assert found.loc["afnetm", ["texture", "depth", "masks", "landmarks"]].tolist() == [
        "yes",
        "yes",
        "yes",
        "no",
    ]
    assert found.loc["texture", ["texture", "depth"]].tolist() == ["yes", "no"]
    assert set(found["tuning"]) == {"defaults"}
    assert set(rows(tuned_suite)["tuning"]) == {"tuned"}
    plan = fusion.results.provenance
    changed = {name: {**about, "changed": ["width"] * (name == "late")} for name, about in plan.methods.items()}
    own = rows(Compared(replace(fusion.results, provenance=replace(plan, methods=changed)))).set_index("method")
    assert (own.loc["late", "tuning"], own.loc["afnetm", "tuning"]) == ("suite's settings", "defaults")
    given = tune(described(fabricate(epochs=1), "given", "d"))
    search = replace(given.provenance.search, params_file="best.toml", given={"late": [{"width": 0.5}]})
    given = replace(given, studies=pd.DataFrame(), provenance=replace(given.provenance, search=search))
    own = rows(Compared(given)).set_index("method")
    assert (own.loc["late", "tuning"], own.loc["afnetm", "tuning"]) == ("tuned", "defaults")


def test_robustness_is_that_of_its_own_table(small):
    one = Compared(evaluated(small, answers(small, {"plain": 0.1, "afnetm": 0.0})))
    found, own = rows(one).set_index("method"), one.evaluated.table.set_index("method")
    assert found["relative"].notna().all()
    for name in ("relative", "relative_low", "relative_high"):
        assert found[name].to_dict() == own[name].to_dict()


def test_accuracy_in_other_datasets_is_that_of_its_own_table():
    one = Compared(answered(fabricate(skills=SKILLS, subjects=8, folds=2, epochs=1)))
    found, own = rows(one).set_index("method"), one.elsewhere.table.set_index("method")
    assert own["mean"].notna().any()
    for end in ("", "_low", "_high"):
        assert found.loc[own.index, f"elsewhere{end}"].to_dict() == own[f"mean{end}"].to_dict()


def test_what_is_not_known_is_empty(results):
    found = rows(Compared(results))
    assert set(found["inputs"]) | set(found["texture"]) == {""}
    assert found["relative"].isna().all()
    assert found["train_seconds"].isna().all()


def test_a_method_that_failed_is_in_the_last_row_of_its_suite(fusion, tuned_suite):
    plan = fusion.results.provenance
    kept = [name for name in fusion.results.methods if name != "late"]
    folds, predictions = (
        frame[frame["method"].isin(kept)] for frame in (fusion.results.folds, fusion.results.predictions)
    )
    curves = fusion.results.curves[fusion.results.curves["method"].isin(kept)]
    plan = replace(plan, done=len(folds), failed=[("late", 0, 0, "out of memory")])
    part = Compared(replace(fusion.results, folds=folds, predictions=predictions, curves=curves, provenance=plan))
    found = rows(part)
    assert found["method"].tolist()[4] == "late"
    assert np.isnan(found.loc[4, "accuracy"])
    assert np.isnan(found.loc[4, "rank"])
