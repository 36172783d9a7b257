"""The sentences claim no more than the declared test and the intervals allow."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from reports.tables.comparison import comparison
from reports.tables.pairwise import pairwise
from reports.tables.shown import marked
from reports.tables.summary import caveats, findings, notices


def told(results):
    return findings(results, comparison(results), pairwise(results))


def test_a_clear_lead_is_called(make):
    text = told(make(skills={"weak": 0.2, "strong": 4.0}, epochs=1))
    assert text[0].startswith("strong has the highest accuracy: ")
    assert "zero lies outside" in text[1]
    assert text[2] == "The declared test tells it apart from weak."


def test_a_lead_within_its_interval_is_not_called(make):
    text = told(make(skills={"one": 1.0, "other": 1.0, "weak": -3.0}, epochs=1))
    assert "zero lies within, so this is no clear lead" in text[1]
    leader, second = ("one", "other") if text[0].startswith("one") else ("other", "one")
    assert text[2] == f"The declared test tells it apart from weak, not from {second}."
    assert text[0].startswith(leader)


def test_summary_and_table_tell_the_same_methods_apart(results):
    marks = marked(comparison(results), pairwise(results), control=results.control)
    apart, alike = told(results)[2].removeprefix("The declared test tells it apart from ").split(", not from ")
    assert set(alike.rstrip(".").replace(" and ", ", ").split(", ")) == set(marks.alike)
    assert not set(apart.replace(" and ", ", ").split(", ")) & set(marks.alike)


def test_a_tie_is_a_tie(make):
    results = make(skills={"one": 1.0, "other": 1.0}, epochs=1)
    same = results.predictions[results.predictions["method"] == "one"]
    twin = same.assign(method="other", unit=same["unit"].str.replace("00", "01", n=1))
    folds = results.folds
    accuracies = folds.loc[folds["method"] == "one", "accuracy"].tolist()
    folds = folds.assign(accuracy=[*accuracies, *accuracies])
    results = replace(results, folds=folds, predictions=pd.concat([same, twin]))
    text = told(results)
    assert text[0].startswith("one and other share the highest accuracy: ")
    assert "is 0.0 points (0.0 to 0.0)" in text[1]


def test_guessing_is_called_guessing(make):
    text = told(make(skills={"guess": 0.0, "strong": 4.0}, subjects=24, epochs=1, seed=5))
    assert text[-1].startswith("Always naming the commonest expression would give 16.7 %; ")
    alone = told(make(skills={"strong": 4.0}, epochs=1))
    assert alone[0].startswith("strong, the only method here, ")
    assert alone[-1].endswith("every method is above that.")


def test_guessing_is_by_the_scans_that_were_tested(make):
    """A protocol may leave out subjects who have not every expression, as it does on Bosphorus."""
    results = make(skills={"strong": 4.0}, epochs=1)
    classes = {**results.provenance.cohort["classes"], "happiness": 500}
    plan = replace(results.provenance, cohort={**results.provenance.cohort, "classes": classes})
    assert "would give 16.7 %" in told(replace(results, provenance=plan))[-1]


def test_what_is_missing_failed_or_mixed_is_noticed(results, drop):
    assert notices(results) == []
    part = drop(results, method="late", fold=1)
    plan = replace(
        part.provenance,
        failed=[("late", 0, 1, "RuntimeError: boom")],
        versions={"torch": ["2.15.0", "2.16.0"], "numpy": ["2.4.6"]},
        commits=["a" * 40, "b" * 40],
        devices=["cpu", "cuda"],
    )
    text = notices(replace(part, provenance=plan))
    assert [line.split(":")[0] for line in text] == ["Incomplete", "Failed", "Unequal", "Mixed", "Mixed", "Mixed"]
    assert "24 of 25" in text[0]
    assert "1 unit raised" in text[1]
    assert "version of torch (2.15.0, 2.16.0)" in text[3]
    assert "kind of device (cpu, cuda)" in text[5]


def test_few_subjects_are_owned_up_to(make):
    assert "too narrow" in " ".join(caveats(make(skills={"late": 1.0}, subjects=8, folds=2, epochs=1)))
    assert "too narrow" not in " ".join(caveats(make(skills={"late": 1.0}, subjects=24, epochs=1)))


def test_what_the_best_and_the_next_cost_is_told_as_far_as_it_is_known(small):
    table = comparison(small).set_index("method")
    line = next(line for line in told(small) if " costs " in line)
    leader, second = table["accuracy"].sort_values(ascending=False).index[:2]
    assert re.match(rf"{leader} costs .* parameters and .* a unit; {second} costs ", line)
    bare = replace(small, folds=small.folds.assign(seconds=np.nan, parameters=np.nan))
    assert not [line for line in told(bare) if " costs " in line]
