"""The tables for papers have the numbers of the comparison under the names and headings that papers use."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from reports import formats
from reports.markup import FormattedTable
from reports.tables.comparison import comparison
from reports.tables.formatted import displayed, marked
from reports.tables.pairwise import pairwise
from reports.tables.papers import as_paper, compared

TITLES = {"texture": "Texture", "late": "Late fusion", "afnetm": "AFNet-M"}


@pytest.fixture(scope="module")
def entitled(results):
    described = results.provenance.methods
    methods = {name: about | {"title": TITLES.get(name, "")} for name, about in described.items()}
    return replace(results, provenance=replace(results.provenance, methods=methods))


def papers(results):
    table, pairs = comparison(results), pairwise(results)
    marks = marked(table, pairs, control=results.control)
    return compared(results, displayed(table, control=results.control, marks=marks), marks, pairs)


def test_the_compact_table_has_what_a_reader_asks_first(entitled):
    table, pairs = comparison(entitled).set_index("method"), pairwise(entitled).set_index(["method_a", "method_b"])
    _, compact = papers(entitled)
    text = compact.formatted.text.set_index("Method")
    assert list(text.index) == ["Texture", "depth", "concat", "Late fusion", "AFNet-M"]
    assert list(text.columns) == ["Accuracy (%)", "Macro-F1 (%)", "Δ (pp)", "p"]
    row = table.loc["late"]
    ends = ", ".join(formats.percent(row[f"accuracy_{end}"]) for end in ("low", "high"))
    assert text.loc["Late fusion", "Accuracy (%)"].startswith(f"{formats.percent(row['accuracy'])} ({ends})")
    assert text.loc["Late fusion", "Macro-F1 (%)"] == formats.percent(row["macro_f1"])
    assert text.loc["Late fusion", "Δ (pp)"] == formats.points(row["difference"])
    assert text.loc["Late fusion", "p"] == formats.p_value(pairs.loc[("late", "afnetm"), "p_holm"])
    assert text.loc["AFNet-M", ["Δ (pp)", "p"]].tolist() == [formats.NOTHING] * 2


def test_the_whole_table_has_all_columns_of_the_comparison_and_p(entitled):
    whole, _ = papers(entitled)
    assert list(whole.formatted.text.columns) == [
        *("Method", "Accuracy (%)", "Mean ± SD (%)", "Macro-F1 (%)", "Δ (pp)", "p"),
        *("Parameters", "FLOPs", "Run (s)"),
    ]
    assert list(whole.formatted.marks.columns) == list(whole.formatted.text.columns)


def test_notes_say_what_every_sign_is(entitled):
    for paper in papers(entitled):
        notes = " ".join(paper.notes)
        cells = " ".join(paper.formatted.text["Accuracy (%)"])
        assert ("† Accuracy not significantly different from that of AFNet-M" in notes) == ("†" in cells)
        assert "Δ: accuracy minus that of AFNet-M" in notes
        assert "Holm-adjusted over 4 comparisons" in notes
        assert "24 subjects" in notes
        assert "synthetic faces" in paper.caption


def test_a_best_method_that_is_not_the_control_is_compared_over_all_pairs(entitled):
    other = replace(entitled, provenance=replace(entitled.provenance, control="texture"))
    notes = " ".join(papers(other)[0].notes)
    assert "different from that of AFNet-M (the same test, adjusted over all 10 pairs," in notes
    assert "Δ: accuracy minus that of Texture" in notes


def test_one_method_alone_is_compared_with_nothing(make):
    alone = make(skills={"late": 1.0}, subjects=6, folds=2, epochs=1)
    for paper in papers(alone):
        assert not re.search("Δ|Best|p:", " ".join([*paper.formatted.text.columns, *paper.notes]))


def test_headings_have_their_runs_in_brackets():
    names = [
        "Method",
        "Recall of fear, %",
        "Δ vs x, points (95 %)",
        "a, % (95 %)",
        "a, points (95 %), p",
        "a, % (rank)",
    ]
    presented = FormattedTable(pd.DataFrame([["late ‡", *"123456"[: len(names) - 1]]], columns=names))
    paper = as_paper(presented, TITLES).text
    assert list(paper.columns) == ["Method", "Recall of fear (%)", "Δ (pp)", "a (%)", "a (pp)", "a (%, rank)"]
    assert paper["Method"].tolist() == ["Late fusion ‡"]


def test_an_axis_may_be_called_as_the_column_of_methods():
    presented = FormattedTable(pd.DataFrame([["late", "late", "1.0"]], columns=["Method", "masks", "Method"]))
    assert as_paper(presented, TITLES).text.to_numpy().tolist() == [["Late fusion", "late", "1.0"]]
