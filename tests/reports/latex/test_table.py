"""A table as LaTeX: rows, marks and headings; beside or below is decided by the room there is."""

import pandas as pd
import pytest

from reports.formats import MINUS, NOTHING
from reports.latex.columns import COLUMN, PAGE, columns, layout, needed
from reports.latex.table import Paper, latex, slug
from reports.markup import FormattedTable

CELL = "71.3 (66.0, 76.1)"


def table(**cells):
    return FormattedTable(pd.DataFrame({name: [cell] for name, cell in {"Method": "late", **cells}.items()}))


def rows(paper):
    return [line for line in latex(paper, label="tab:x").splitlines() if "&" in line]


def test_a_mark_goes_around_the_score_alone_and_a_dagger_takes_no_room():
    formatted = FormattedTable(
        pd.DataFrame({"Method": ["a", "b"], "x": ["71.3 (66.0, 76.1) †", f"{MINUS}1.2 ({MINUS}3.0, +0.4)"]}),
        pd.DataFrame({"Method": ["", ""], "x": ["best", "second"]}),
    )
    head, first, second = rows(Paper(formatted, "Some."))
    assert head == r"Method & \multicolumn{2}{c@{}}{x} \\"
    assert first == r"a & \textbf{71.3}\rlap{$^{\dagger}$} & (66.0, 76.1) \\"
    assert second == r"b & \underline{$-$1.2} & ($-$3.0, $+$0.4) \\"


@pytest.mark.parametrize(
    ("scores", "kind", "stacked", "parts"),
    [(2, "table", False, 1), (6, "table*", False, 1), (10, "table*", True, 1), (30, "table*", True, 3)],
)
def test_intervals_are_beside_scores_where_there_is_room_or_below_or_the_table_is_cut(scores, kind, stacked, parts):
    formatted = table(**{f"s{number}": CELL for number in range(scores)})
    text = latex(Paper(formatted, "Some."), label="tab:x")
    assert text.count(rf"\begin{{{kind}}}") == parts
    assert (r"\stack{71.3" in text) == stacked
    assert text.count("71.3") == scores
    assert text.count("late &") == parts


@pytest.mark.parametrize("scores", range(1, 40))
def test_nothing_is_laid_out_wider_than_its_place(scores):
    found = columns(table(**{f"s{number}": CELL for number in range(scores)}))
    plan = layout(found)
    for group in plan.groups:
        part = [found[place] for place in group]
        assert needed(part, stacked=plan.stacked, gap=plan.gap) <= (PAGE if plan.wide else COLUMN)
    assert sorted({place for group in plan.groups for place in group}) == list(range(scores + 1))


def test_one_text_makes_a_column_one_of_text():
    numbers, mixed = columns(
        FormattedTable(pd.DataFrame({"M": ["a", "b"], "x": ["1.0", NOTHING], "y": ["1.0", "none"]}))
    )[1:]
    assert [one["value"] for one in numbers.scores] == ["1.0", NOTHING]
    assert not mixed.scores


def test_rows_of_a_long_table_are_all_there_once_and_floats_alike_long():
    formatted = FormattedTable(pd.DataFrame({"Method": [f"m{row}" for row in range(200)], "x": ["1.0"] * 200}))
    text = latex(Paper(formatted, "Some."), label="tab:x")
    floats = [part.count("& 1.0") for part in text.split(r"\end{table}")[:-1]]
    assert sum(floats) == 200
    assert max(floats) - min(floats) <= 1
    assert r"(part 1 of 5)}\label{tab:x}" in text


def test_notes_and_labels_are_text():
    text = latex(Paper(table(x="1.0"), "50 % of a_b.", ["One & two.", ""]), label=f"tab:{slug('=a/B_c ')}")
    assert r"\caption{50~\% of a\_b.}\label{tab:a-b-c}" in text
    assert r"\parbox{\linewidth}{\scriptsize\raggedright One \& two.}" in text


def test_a_table_without_rows_is_its_head():
    (head,) = rows(
        Paper(FormattedTable(pd.DataFrame({"Method": pd.Series(dtype=str), "x": pd.Series(dtype=str)})), "None.")
    )
    assert head == r"Method & x \\"
