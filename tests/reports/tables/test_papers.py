"""The tables for papers have the numbers of the comparison under the names and headings that papers use."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from reports import formats
from reports.data.results import Axis
from reports.latex.columns import printed
from reports.latex.table import latex
from reports.markup import markdown
from reports.table import Cell, Table, TableColumn
from reports.tables.compared import Compared
from reports.tables.comparison import comparison
from reports.tables.pairwise import pairwise
from tests.reports.conftest import fabricate
from tests.reports.tables.test_cross_dataset import answered
from tests.reports.tables.test_robustness import answers, evaluated

TITLES = {"texture": "Texture", "late": "Late fusion", "afnetm": "AFNet-M"}


@pytest.fixture(scope="module")
def entitled(results):
    described = results.provenance.methods
    methods = {name: about | {"title": TITLES.get(name, "")} for name, about in described.items()}
    return replace(results, provenance=replace(results.provenance, methods=methods))


def papers(results):
    """The whole table and the compact one, as papers have them: names of methods, headings and cells."""
    tables = Compared(results).tables
    return tuple(tables[name].of("paper") for name in ("comparison", "comparison-compact"))


def text(table):
    columns = printed(table)
    return pd.DataFrame({column.heading: list(map(str, column.cells)) for column in columns})


def test_the_compact_table_has_what_a_reader_asks_first(entitled):
    table, pairs = comparison(entitled).set_index("method"), pairwise(entitled).set_index(["method_a", "method_b"])
    _, compact = papers(entitled)
    found = text(compact).set_index("Method")
    assert list(found.index) == ["Texture", "depth", "concat", "Late fusion", "AFNet-M"]
    assert list(found.columns) == ["Accuracy (%)", "Macro-F1 (%)", "Δ (pp)", "p"]
    row = table.loc["late"]
    ends = ", ".join(formats.percent(row[f"accuracy_{end}"]) for end in ("low", "high"))
    assert found.loc["Late fusion", "Accuracy (%)"].startswith(f"{formats.percent(row['accuracy'])} ({ends})")
    assert found.loc["Late fusion", "Macro-F1 (%)"] == formats.percent(row["macro_f1"])
    assert found.loc["Late fusion", "Δ (pp)"] == formats.points(row["difference"])
    assert found.loc["Late fusion", "p"] == formats.p_value(pairs.loc[("late", "afnetm"), "p_holm"])
    assert found.loc["AFNet-M", ["Δ (pp)", "p"]].tolist() == [formats.NOTHING] * 2


def test_the_whole_table_has_all_columns_of_the_comparison_and_p(entitled):
    whole, _ = papers(entitled)
    assert list(text(whole).columns) == [
        *("Method", "Accuracy (%)", "Mean ± SD (%)", "Macro-F1 (%)", "Δ (pp)", "p"),
        *("Parameters", "FLOPs", "Run (s)"),
    ]


def test_notes_say_what_every_sign_is(entitled):
    for paper in papers(entitled):
        notes = " ".join(paper.paper_notes)
        cells = " ".join(text(paper)["Accuracy (%)"])
        assert ("† Accuracy not significantly different from that of AFNet-M" in notes) == ("†" in cells)
        assert "Δ: accuracy minus that of AFNet-M" in notes
        assert "Holm-adjusted over 4 comparisons" in notes
        assert "24 subjects" in notes
        assert "synthetic faces" in paper.caption


def test_a_best_method_that_is_not_the_control_is_compared_over_all_pairs(entitled):
    other = replace(entitled, provenance=replace(entitled.provenance, control="texture"))
    notes = " ".join(papers(other)[0].paper_notes)
    assert "different from that of AFNet-M (the same test, adjusted over all 10 pairs," in notes
    assert "Δ: accuracy minus that of Texture" in notes


def test_one_method_alone_is_compared_with_nothing(make):
    alone = make(skills={"late": 1.0}, subjects=6, folds=2, epochs=1)
    for paper in papers(alone):
        assert not re.search("Δ|Best|p:", " ".join([*text(paper).columns, *paper.paper_notes]))


def test_headings_have_their_units_in_brackets():
    def heading(**described):
        return TableColumn(key="x", **described).heading("paper")

    assert heading(title="Recall of fear", unit="%") == "Recall of fear (%)"
    assert heading(title="a", unit="points", brackets="95 %", with_p=True) == "a (pp)"
    assert heading(title="a", unit="%", brackets="rank") == "a (%, rank)"
    assert heading(title="ECE", brackets="95 %") == "ECE"


def test_methods_have_their_display_names_and_keep_their_marks_and_an_axis_s_value_is_no_method():
    columns = [TableColumn(key="method", title="Method"), TableColumn(key="axis masks", title="Method")]
    row = [Cell(text="late", mark=formats.DIFFERS), Cell(text="late")]
    table = Table(name="t", title="T", columns=columns, rows=[row], titles=TITLES)
    assert [str(column.cells[0]) for column in printed(table)] == ["Late fusion ‡", "late"]


@pytest.fixture(scope="module")
def everything():
    """Results of which there is a row a method in every table that an untuned suite can have."""
    skills = {"texture": 0.55, "depth": 0.85, "afnetm": 1.45}
    shares = {other: dict.fromkeys(skills, 0.5) for other in ("light", "people")}
    clean = fabricate(skills=skills, subjects=12, epochs=1)
    found = answered(evaluated(clean, answers(clean)), shares)
    plan = found.provenance
    settings = {"hyperparameters": {"attention": "affine"}}
    methods = {name: about | settings | {"title": TITLES.get(name, "")} for name, about in plan.methods.items()}
    return replace(found, provenance=replace(plan, methods=methods, axes={"attention": Axis(title="attention")}))


def test_a_method_that_is_a_reading_of_its_paper_is_marked_wherever_it_stands_and_the_mark_explained(everything):
    plan = everything.provenance
    methods = {name: about | {"reading": name == "afnetm"} for name, about in plan.methods.items()}
    tables = Compared(replace(everything, provenance=replace(plan, methods=methods))).tables
    plain = Compared(everything).tables
    of_methods = [name for name, table in tables.items() if any(c.key.startswith("method") for c in table.columns)]
    assert {*of_methods} == {
        *("comparison", "comparison-compact", "details", "pairwise", "ablation"),
        *("robustness", "cross_dataset"),
    }
    headings = tables["corruptions"]
    assert "AFNet-M§" in [column.title for column in headings.columns]
    for said in (markdown(headings), latex(headings, label="t"), headings.said_on_page):
        assert said.count("is a reading of its paper") == 1
    for name in of_methods:
        table = tables[name]
        named = {
            medium: [
                cell.text
                for row in table.of(medium).rows
                for column, cell in zip(table.of(medium).columns, row, strict=True)
                if column.key.startswith("method")
            ]
            for medium in ("text", "page")
        }
        for cells in named.values():
            assert any(cells), name
            assert {cell for cell in cells if "§" in cell} == {"afnetm§"}
        assert "| afnetm§ " in markdown(table) or name == "comparison-compact"
        assert r"AFNet-M$\mathsection$" in latex(table, label="t")
        for said in (markdown(table), latex(table, label="t"), table.said_on_page):
            assert said.count("is a reading of its paper") == 1, name
        assert "§" not in (table.numbers if table.numbers is not None else pd.DataFrame()).to_csv()
        assert "reading of its paper" not in markdown(plain[name])
