"""Rows of the leaderboard have the numbers of the suites' own tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.leaderboard.rows import rows
from reports.schema import ReportError
from reports.tables.compared import Compared
from tests.reports.conftest import fabricate, tune
from tests.reports.leaderboard.conftest import described
from tests.reports.tables.test_cross_dataset import SKILLS, answered
from tests.reports.tables.test_robustness import answers, evaluated


def test_numbers_are_those_of_each_suite_s_own_tables(fusion, tuned_suite):
    found = rows([fusion, tuned_suite])
    for one in (fusion, tuned_suite):
        own = found[found["suite"] == one.results.provenance.suite].set_index("method")
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
    assert "loss" in set(found["verdict"])


def test_suites_keep_their_order_and_each_has_its_best_first_and_ranks_of_its_own(fusion, tuned_suite):
    found = rows([tuned_suite, fusion])
    assert found["suite"].tolist() == ["clean"] * 3 + ["fusion"] * 5
    for _, own in found.groupby("suite"):
        assert (np.diff(own["accuracy"]) <= 0).all()
        assert own["rank"].tolist() == [1 + (own["accuracy"] > one).sum() for one in own["accuracy"]]
        assert own["place"].iloc[0] == "best"
    assert found.loc[found["control"], ["suite", "method"]].to_numpy().tolist() == [
        ["clean", "afnetm"],
        ["fusion", "afnetm"],
    ]


def test_what_methods_read_and_whether_they_were_tuned(fusion, tuned_suite):
    found = rows([fusion, tuned_suite]).set_index(["suite", "method"])
    assert found.loc[("fusion", "afnetm"), ["texture", "depth", "masks", "landmarks"]].tolist() == [
        "yes",
        "yes",
        "yes",
        "no",
    ]
    assert found.loc[("fusion", "texture"), ["texture", "depth"]].tolist() == ["yes", "no"]
    assert set(found.loc["fusion", "tuning"]) == {"defaults"}
    assert set(found.loc["clean", "tuning"]) == {"tuned"}
    plan = fusion.results.provenance
    changed = {name: {**about, "changed": ["width"] * (name == "late")} for name, about in plan.methods.items()}
    own = rows([Compared(replace(fusion.results, provenance=replace(plan, methods=changed)))]).set_index("method")
    assert (own.loc["late", "tuning"], own.loc["afnetm", "tuning"]) == ("suite's settings", "defaults")
    given = tune(described(fabricate(epochs=1), "given", "d"))
    search = replace(given.provenance.search, params_file="best.toml", given={"late": [{"width": 0.5}]})
    given = replace(given, studies=pd.DataFrame(), provenance=replace(given.provenance, search=search))
    own = rows([Compared(given)]).set_index("method")
    assert (own.loc["late", "tuning"], own.loc["afnetm", "tuning"]) == ("tuned", "defaults")


def test_robustness_is_that_of_its_own_table(small):
    one = Compared(evaluated(small, answers(small, {"plain": 0.1, "afnetm": 0.0})))
    found, own = rows([one]).set_index("method"), one.evaluated.table.set_index("method")
    assert found["relative"].notna().all()
    for name in ("relative", "relative_low", "relative_high"):
        assert found[name].to_dict() == own[name].to_dict()


def test_accuracy_in_other_datasets_is_that_of_its_own_table():
    one = Compared(answered(fabricate(skills=SKILLS, subjects=8, folds=2, epochs=1)))
    found, own = rows([one]).set_index("method"), one.elsewhere.table.set_index("method")
    assert own["mean"].notna().any()
    for end in ("", "_low", "_high"):
        assert found.loc[own.index, f"elsewhere{end}"].to_dict() == own[f"mean{end}"].to_dict()


def test_what_is_not_known_is_empty(results):
    found = rows([Compared(results)])
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
    found = rows([part, tuned_suite])
    assert found["method"].tolist()[4] == "late"
    assert np.isnan(found.loc[4, "accuracy"])
    assert np.isnan(found.loc[4, "rank"])


def test_of_no_suite_there_is_no_leaderboard():
    with pytest.raises(ReportError, match="suites: none, allowed is 1 or more"):
        rows([])
