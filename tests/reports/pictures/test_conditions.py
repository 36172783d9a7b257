"""Accuracy by expression and intensity: the numbers in the cells are those of the predictions."""

import re

import pytest

from reports.formats import MINUS
from reports.pictures.conditions import conditions, contenders
from reports.tables.comparison import comparison


def cells(picture):
    return [
        text
        for text in re.findall(r">([^<>\s][^<>]*)</text>", picture.svg)
        if re.fullmatch(rf"[+{MINUS}]?[\d.]+", text)
    ]


def test_the_control_meets_the_best_of_the_others(results):
    table = comparison(results)
    others = table[table["method"] != "late"].sort_values("accuracy", ascending=False)
    assert contenders(table, "late") == ["late", others["method"].iloc[0]]
    assert contenders(table.head(1), "afnetm") == [table["method"].iloc[0]]


def test_every_cell_is_the_share_of_its_scans(results):
    pictures = conditions(results, ["afnetm", "late"])
    assert list(pictures) == ["afnetm", "late", "afnetm minus late"]
    rows = results.predictions.query("method == 'late' and expression == 'fear' and intensity == 3")
    share = (rows["predicted"] == "fear").mean()
    assert f"fear {100 * share:.0f} at 3" in pictures["late"].alt
    drawn = cells(pictures["late"])
    assert f"{100 * share:.0f}" == drawn[2 + 2 * 2]  # two intensities head the columns; fear is the third row


def test_a_difference_is_over_what_both_tested(results, drop):
    part = drop(results, method="late", fold=0)
    kept = part.predictions[part.predictions["fold"] != 0].query("expression == 'anger' and intensity == 4")
    right = (kept["predicted"] == "anger").groupby(kept["method"]).mean()
    gap = 100 * (right["afnetm"] - right["late"])
    words = conditions(part, ["afnetm", "late"])["afnetm minus late"].alt
    found = float(re.search(rf"anger .*?, ([+{MINUS}]?[\d.]+) at 4", words)[1].replace(MINUS, "-"))
    assert found == pytest.approx(gap, abs=0.051)


def test_without_intensities_there_is_none(make):
    results = make(skills={"a": 0.5, "b": 1.0}, subjects=4, folds=2, intensities=(0,), epochs=1)
    assert conditions(results, ["a", "b"]) == {}
