"""The sentences claim no more than the primary test and the intervals allow."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.formats import NOTHING
from reports.tables.compared import Compared
from reports.tables.comparison import comparison
from reports.tables.guide import LIMIT
from reports.tables.pairwise import pairwise
from reports.tables.summary import caveats, findings, notices


def message(results):
    return findings(results, comparison(results), pairwise(results))


def test_a_clear_lead_is_called(make):
    text = message(make(skills={"weak": 0.2, "strong": 4.0}, epochs=1))
    assert text[0].startswith("strong has the highest accuracy: ")
    assert "the interval excludes zero" in text[1]
    assert (
        text[2]
        == "strong differs significantly from weak (two-way clustered t-test, Holm-adjusted over all pairs, p < 0.05)."
    )


def test_a_leader_who_is_the_control_is_compared_with_the_others_alone(make):
    text = message(make(skills={"late": 0.2, "afnetm": 4.0}, epochs=1))
    assert text[2].endswith(
        "from late (two-way clustered t-test, Holm-adjusted over the comparisons with it, p < 0.05)."
    )


def test_a_lead_within_its_interval_is_not_called(make):
    text = message(make(skills={"one": 1.0, "other": 1.0, "weak": -3.0}, epochs=1))
    assert text[1].endswith("zero is in the interval, so this is not conclusive.")
    leader, second = ("one", "other") if text[0].startswith("one") else ("other", "one")
    assert text[2] == (
        f"{leader} differs significantly from weak (two-way clustered t-test, Holm-adjusted over all pairs, p < 0.05), "
        f"but not from {second}."
    )
    assert text[0].startswith(leader)
    alone = message(make(skills={"one": 1.0, "other": 1.0}, epochs=1))
    assert " does not differ significantly from " in alone[2]
    assert alone[2].endswith(", p ≥ 0.05).")


@pytest.mark.parametrize(
    ("skills", "said"),
    [
        ({}, "does not differ significantly from any of the 7 others ("),
        ({"best": 6.0}, "best differs significantly from all 7 others ("),
    ],
)
def test_many_methods_are_counted_and_not_listed(make, skills, said):
    methods = {f"m{k}": 0.5 for k in range(8 - len(skills))} | skills
    assert said in message(make(skills=methods, epochs=1))[2]


def test_summary_and_table_tell_the_same_methods_apart(results):
    marks = Compared(results).marks
    line = message(results)[2]
    apart = line.partition("significantly from ")[2].partition(" (")[0]
    alike = line.partition("but not from ")[2].rstrip(".")
    assert set(alike.replace(" and ", ", ").split(", ")) == set(marks.alike)
    assert not set(apart.replace(" and ", ", ").split(", ")) & set(marks.alike)


def twins(results, first, *others):
    """The results as if `others` had told what `first` told."""
    same = results.predictions[results.predictions["method"] == first]
    rest = results.predictions[~results.predictions["method"].isin(others)]
    folds = results.folds.set_index(["method", "repeat", "fold"])
    made = []
    for other in others:
        places = same[["repeat", "fold"]].itertuples(index=False, name=None)
        made.append(same.assign(method=other, unit=[folds.loc[(other, *place), "unit"] for place in places]))
        folds.loc[other, "accuracy"] = folds.loc[first, "accuracy"].to_numpy()
    return replace(results, folds=folds.reset_index(), predictions=pd.concat([rest, *made]))


def test_a_tie_is_nobody_s_lead(make):
    text = " ".join(message(twins(make(skills={"one": 1.0, "other": 1.0}, epochs=1), "one", "other")))
    assert text.startswith("one and other have the same accuracy: ")
    assert not re.search("lead|comes next|differ|highest|ahead|0.0 p", text)


def test_of_three_two_that_tie_share_the_first_place_and_the_third_comes_next(make):
    results = twins(make(skills={"one": 2.0, "weak": -1.0, "other": 2.0}, epochs=1), "one", "other")
    text = message(results)
    assert text[0].startswith("one and other have the same, the highest, accuracy: ")
    assert text[1].startswith("The difference from weak, which comes next, is +")
    assert text[2].startswith("one differs significantly from weak (")
    assert "other" not in "".join(text[1:3])
    places = Compared(results).marks.places["accuracy"]
    assert places == {"one": "best", "other": "best", "weak": "second"}


def test_a_method_that_is_ahead_over_other_folds_alone_is_not_called_ahead(make, drop):
    """The leader's missing fold is one that is hard for all."""
    results = make(skills={"one": 1.0, "other": 1.3}, subjects=8, folds=2, epochs=1)
    hard = results.predictions["fold"].eq(0) & results.predictions["expression"].ne("anger")
    shares = [name for name in results.predictions if name.startswith("p_")]
    predictions = results.predictions.assign(predicted=results.predictions["predicted"].mask(hard, "anger"))
    right = (predictions["expression"] == predictions["predicted"]).groupby(predictions["unit"]).mean()
    folds = results.folds.assign(accuracy=results.folds["unit"].map(right))
    results = replace(results, folds=folds, predictions=predictions.assign(**dict.fromkeys(shares, np.nan)))
    text = message(drop(results, method="one", fold=0))
    assert text[0].startswith("one has the highest accuracy")
    assert "over the folds that both have finished, where one is not ahead: " in text[1]
    assert "excludes zero" not in text[1]


def test_guessing_is_called_guessing(make):
    text = message(make(skills={"guess": -1.5, "strong": 4.0}, subjects=24, epochs=1, seed=5))
    assert text[-1] == "Majority-class baseline: 16.7 %; guess does not significantly exceed it."
    alone = message(make(skills={"strong": 4.0}, epochs=1))
    assert alone[0].startswith("strong, the only method here, ")
    assert alone[-1].endswith("every method exceeds it.")


def test_guessing_is_by_the_scans_that_were_tested(make):
    """A protocol may leave out subjects who have not every expression, as it does on Bosphorus."""
    results = make(skills={"strong": 4.0}, epochs=1)
    classes = {**results.provenance.dataset["classes"], "happiness": 500}
    plan = replace(results.provenance, dataset={**results.provenance.dataset, "classes": classes})
    assert "baseline: 16.7 %" in message(replace(results, provenance=plan))[-1]


def test_what_is_missing_failed_or_mixed_is_noticed(results, drop):
    assert notices(results) == []
    part = drop(results, method="late", fold=1)
    plan = replace(
        part.provenance,
        failed=[("late", 0, 1, "RuntimeError: boom")],
        versions={"torch": ["2.15.0", "2.16.0"], "numpy": ["2.4.6"]},
        commits=["a" * 40, "b" * 40],
        devices=["NVIDIA A100", "NVIDIA H100"],
        gpu_workers=["1", "4"],
    )
    text = notices(replace(part, provenance=plan))
    assert [line.split(":")[0] for line in text] == ["Incomplete", "Failed", "Unequal", *["Mixed"] * 4]
    assert "24 of 25" in text[0]
    assert "1 run raised" in text[1]
    assert "version of torch (2.15.0, 2.16.0)" in text[3]
    assert "more than one device (NVIDIA A100, NVIDIA H100)" in text[5]
    assert "more than one number of workers per GPU, on which times depend (1, 4)" in text[6]


def test_landmarks_that_were_found_are_never_called_annotated(results):
    plan = results.provenance
    reads = {"inputs": ["texture", "masks"], "masks": "found"}
    methods = {**plan.methods, "late": {**plan.methods["late"], **reads}}
    scans = plan.dataset["scans"]
    data = {**plan.dataset, "pose": "detected", "landmarks": {"given": 0, "found": scans}}
    found = replace(results, provenance=replace(plan, methods=methods, dataset=data))
    (notice,) = notices(found)
    assert notice.startswith(f"Not annotated: the suite gives annotated masks or landmarks to late, but {scans} of")
    message = " ".join(caveats(found))
    assert f"{scans} of {scans} scans came without landmarks; poses of all were fitted to detected ones" in message
    assert "M (found) by late" in message
    assert "annotated" not in message


def test_what_intervals_cover_and_what_they_do_not_is_told(make):
    text = " ".join(caveats(make(skills={"late": 1.0}, subjects=8, folds=2, epochs=1, repeats=3)))
    assert "sampling of 8 tested subjects and the variance between 6 training runs per method" in text
    assert LIMIT in text


def test_where_there_is_one_fold_no_interval_is_made_up(make):
    results = make(skills={"weak": 0.2, "strong": 4.0}, subjects=6, folds=1, epochs=1)
    text = " ".join(message(results))
    assert "it has no interval, because only one training run is finished." in text
    assert "95 %" not in text
    assert NOTHING not in text
    assert "does not differ significantly" in text
    assert text.endswith("of weak and strong, without an interval, it cannot be said.")
    assert "with one training run" in " ".join(caveats(results))


def test_what_the_best_and_the_next_cost_is_told_as_far_as_it_is_known(small):
    table = comparison(small).set_index("method")
    line = next(line for line in message(small) if " parameters and " in line)
    leader, second = table["accuracy"].sort_values(ascending=False).index[:2]
    assert re.match(rf"{leader} has .* parameters and .* per run; {second} has ", line)
    bare = replace(small, folds=small.folds.assign(seconds=np.nan, parameters=np.nan))
    assert not [line for line in message(bare) if " parameters and " in line]


def test_a_single_split_has_intervals_over_subjects_and_says_what_it_cannot_have(make):
    results = make(skills={"weak": 0.2, "strong": 4.0}, subjects=6, folds=1, epochs=1)
    of = results.provenance.protocol | {
        "folds": 1,
        "split": "mine.csv",
        "split_digest": "0123456789ab",
        "group": "person",
    }
    results = replace(results, provenance=replace(results.provenance, protocol=of))
    assert comparison(results)[["accuracy_low", "macro_f1_high"]].notna().all(axis=None)
    assert pairwise(results)["p_two_way"].notna().all()
    assert "95 % interval" in " ".join(message(results))
    text = " ".join(caveats(results))
    assert "Split: training and test set of the suite's own file (mine.csv, 01234567)." in text
    assert "one value of the column “person” are one subject" in text
    assert "given these networks (one-way clustered)" in text
