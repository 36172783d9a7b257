"""Rows of ensembles: what is averaged, by which weights, and that no tested scan has a say in these."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.data.ensembling import StoredPredictions
from reports.data.results import Results
from reports.page.page import write_report
from reports.schema import ReportError
from reports.tables.compared import Compared
from reports.tables.ensembles import COLUMNS, ensembles, ensembles_table, inner_weights, members
from tests.reports.conftest import PROBABILITIES, fabricate

pytestmark = pytest.mark.usefixtures("sketched")
METHODS = ["texture", "depth", "afnetm"]
SKILLS = {"texture": 1.0, "depth": 0.9, "afnetm": 1.2}


def knowing(results: Results, **about: dict[str, Any]) -> Results:
    """Results of which it is known what each method reads: texture and depth, unless said otherwise."""
    plan = results.provenance
    methods = {
        name: {**own, "inputs": ["texture", "depth"]} | about.get(name, {}) for name, own in plan.methods.items()
    }
    return replace(results, provenance=replace(plan, methods=methods))


@pytest.fixture(scope="module")
def plain() -> Results:
    return knowing(fabricate(skills=SKILLS, subjects=9, folds=3))


@pytest.fixture(scope="module", params=["nested", "development"])
def searched(plain: Results, tuned: Callable[..., Results], request: pytest.FixtureRequest) -> Results:
    """Tuned, with predictions of inner folds, who are other people, and of default settings."""
    found, others = tuned(plain, selection=request.param), fabricate(skills=SKILLS, subjects=9, folds=3, seed=1)
    inner = others.predictions.assign(
        subject="inner " + others.predictions["subject"], scan="inner " + others.predictions["scan"]
    )
    if request.param == "development":
        inner = inner.assign(repeat=-1, fold=-1)
    defaults = fabricate(skills=SKILLS, subjects=9, folds=3).predictions
    defaults = defaults.assign(predicted="anger", **dict.fromkeys(PROBABILITIES, 1 / 6))
    return replace(found, stored=StoredPredictions(inner=inner, defaults=defaults))


def by_hand(results: Results, weights: dict[tuple[int, int], list[float]]) -> float:
    """Accuracy of an ensemble, scan by scan."""
    names = members(results)
    right = []
    for (_, _, _), rows in results.predictions.groupby(["repeat", "fold", "scan"]):
        own = rows.set_index("method").loc[names]
        place = int(own["repeat"].iloc[0]), int(own["fold"].iloc[0])
        mean = sum(
            w * own.loc[name, PROBABILITIES].to_numpy(float) for w, name in zip(weights[place], names, strict=True)
        )
        right.append(PROBABILITIES[int(np.argmax(mean))] == f"p_{own['expression'].iloc[0]}")
    return float(np.mean(right))


def test_a_suite_that_was_not_tuned_has_the_plain_mean(plain: Results) -> None:
    (row,) = ensembles(plain).to_dict("records")
    assert list(row) == COLUMNS
    assert (row["settings"], row["prediction"], row["folds"]) == ("the suite's", "mean of 3 methods", 3)
    assert row["accuracy"] == pytest.approx(by_hand(plain, {(0, fold): [1 / 3] * 3 for fold in range(3)}))
    control = plain.folds[plain.folds["method"] == "afnetm"]
    expected = row["accuracy"] - (control["accuracy"] * control["n_test"]).sum() / control["n_test"].sum()
    assert row["difference"] == pytest.approx(expected)
    assert (row["p_two_way"] < 0.05) == (not row["difference_low"] <= 0.0 <= row["difference_high"])


def test_without_runs_of_the_control_there_is_no_difference_to_it(plain: Results) -> None:
    kept = {
        name: frame[frame["method"] != "afnetm"]
        for name, frame in (("folds", plain.folds), ("predictions", plain.predictions), ("curves", plain.curves))
    }
    bare = replace(plain, **kept, provenance=replace(plain.provenance, control="afnetm", done=len(kept["folds"])))
    (row,) = ensembles(bare).to_dict("records")
    assert row["prediction"] == "mean of 2 methods"
    assert row["accuracy"] == pytest.approx(by_hand(bare, {(0, fold): [1 / 2] * 2 for fold in range(3)}))
    assert np.isnan([row["difference"], row["difference_low"], row["p_two_way"]]).all()
    assert ensembles_table(bare, ensembles(bare)).rows


def test_rows_go_from_defaults_to_the_weighted_ensemble_of_tuned_methods(searched: Results) -> None:
    rows = ensembles(searched)
    assert rows["settings"].tolist() == ["default", "default", "tuned", "tuned", "tuned"]
    best, mean = "the method best on inner folds", "mean of 3 methods"
    assert rows["prediction"].tolist() == [best, mean, best, mean, "greedy ensemble of 3 methods"]
    inner = inner_weights(searched.stored.inner, METHODS)
    weights = {(0, fold): inner.get((0, fold), inner.get((-1, -1))) for fold in range(3)}
    assert rows["accuracy"].iloc[4] == pytest.approx(by_hand(searched, weights))
    chosen = {}
    for fold in range(3):
        own = searched.studies[searched.studies["fold"].isin([fold, -1])].set_index("method")["best_value"]
        chosen[0, fold] = [float(name == own.idxmax()) for name in METHODS]
    assert rows["accuracy"].iloc[2] == pytest.approx(by_hand(searched, chosen))
    assert rows["accuracy"].iloc[0] == rows["accuracy"].iloc[1] == pytest.approx(1 / 6)


def test_tested_scans_have_no_say_in_weights(searched: Results) -> None:
    """They are poisoned: every method but the worst is always wrong on them."""
    poisoned = searched.predictions.copy()
    wrong = poisoned["method"] != "depth"
    anger, fear = ("p_anger", "anger"), ("p_fear", "fear")
    for column, name in (anger, fear):
        other = fear if column == "p_anger" else anger
        rows = wrong & (poisoned["expression"] == name)
        poisoned.loc[rows, PROBABILITIES] = 0.0
        poisoned.loc[rows, other[0]] = 1.0
        poisoned.loc[rows, "predicted"] = other[1]
    right = (poisoned["expression"] == poisoned["predicted"]).groupby(poisoned["unit"]).mean()
    folds = searched.folds.assign(accuracy=searched.folds["unit"].map(right))
    before, after = ensembles(searched), ensembles(replace(searched, folds=folds, predictions=poisoned))
    assert after["weights"].tolist() == before["weights"].tolist()
    assert after["accuracy"].tolist()[2:] != before["accuracy"].tolist()[2:]


def test_methods_that_read_annotations_or_no_face_or_have_no_probabilities_are_left_out() -> None:
    found = knowing(
        fabricate(skills={**SKILLS, "svm": 1.0, "masks": 1.0, "oracle": 1.0}, subjects=9, folds=3),
        masks={"inputs": ["masks"], "masks": "mean"},
        oracle={"inputs": ["texture", "masks"], "masks": "annotated"},
        depth={"inputs": ["depth", "masks"], "masks": "mean"},
    )
    bare = found.predictions["method"] == "svm"
    shares = {name: found.predictions[name].mask(bare) for name in PROBABILITIES}
    found = replace(found, predictions=found.predictions.assign(**shares))
    assert members(found) == METHODS
    why = "svm (has no probabilities), masks (reads neither texture nor depth) and oracle (reads annotations of test "
    why += "scans)."
    assert f"Left out: {why}" in ensembles_table(found, ensembles(found)).notes


def test_what_is_not_known_to_read_no_annotation_is_in_no_ensemble() -> None:
    results = fabricate(skills=SKILLS, subjects=9, folds=3)
    assert ensembles(results).empty
    assert "ensembles" not in Compared(results).tables


def test_rows_that_lack_runs_are_left_out_with_the_command_that_trains_them(searched: Results) -> None:
    stored, lacking = searched.stored, {"defaults": "To train the others: this.", "inner": "To search again: that."}
    fewer = stored.defaults[(stored.defaults["method"] != "depth") | (stored.defaults["fold"] != 1)]
    less = stored.inner[(stored.inner["method"] != "depth") | (stored.inner["subject"] != "inner s000")]
    found = replace(searched, stored=replace(stored, defaults=fewer, inner=less, lacking=lacking))
    table = Compared(found).tables["ensembles"]
    assert table.numbers is not None
    assert "default" not in set(table.numbers["settings"])
    assert not table.numbers["prediction"].str.startswith("greedy").any()
    assert list(table.notes[-2:]) == list(lacking.values())
    whole = " ".join(Compared(replace(searched, stored=replace(stored, lacking=lacking))).tables["ensembles"].notes)
    assert "this." not in whole, "nothing is lacking"


def test_a_method_without_some_folds_narrows_all_rows_and_this_is_said(searched: Results, drop: Any) -> None:
    found = replace(drop(searched, method="depth", fold=1), studies=searched.studies, stored=searched.stored)
    table = Compared(found).tables["ensembles"]
    assert table.numbers is not None
    assert set(table.numbers["folds"]) == {2}
    assert "Rows are over 2 of 3 folds" in " ".join(table.notes)


def test_a_subject_who_chose_the_weights_is_never_tested_with_them(searched: Results) -> None:
    inner = searched.stored.inner
    leaking = inner.assign(subject=inner["subject"].replace("inner s000", "s000"))
    if (inner["fold"] >= 0).all():  # in one fold they are tested, in the others they may be trained on
        leaking = leaking.assign(fold=0, scan=leaking["scan"] + leaking["fold"].astype(str))
        tested = searched.predictions.loc[searched.predictions["fold"] == 0, "subject"].iloc[0]
        leaking["subject"] = leaking["subject"].replace("s000", tested)
    with pytest.raises(ReportError, match="is in its inner folds"):
        replace(searched, stored=replace(searched.stored, inner=leaking))


def test_pages_and_files_have_the_table(searched: Results, tmp_path: Any) -> None:
    page = write_report(searched, tmp_path / "report")
    text, document = page.read_text(), (page.parent / "report.md").read_text()
    for said in ("Ensembles", "greedy ensemble of 3 methods", "An ensemble is not a method"):
        assert said in text
        assert said in document
    written = pd.read_csv(page.parent / "tables" / "ensembles.csv")
    assert list(written) == COLUMNS
    assert "greedy ensemble" in (page.parent / "tables" / "ensembles.tex").read_text()
    pairs = pd.read_csv(page.parent / "tables" / "pairwise.csv")
    assert {*pairs["method_a"], *pairs["method_b"]} == set(METHODS), "no ensemble is a method"
