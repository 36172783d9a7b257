"""A table as LaTeX: rows, marks and headings; beside or below is decided by the room there is."""

from dataclasses import replace

import pytest

from reports.formats import MINUS, NOTHING
from reports.latex.columns import COLUMN, PAGE, layout, needed, printed
from reports.latex.table import latex, slug
from reports.table import Cell, Table, TableColumn

CELL = Cell(text="71.3", ends=("66.0", "76.1"))


def table(*methods, caption="Some.", notes=(), **columns):
    """Methods, and columns of numbers, or of text where their cells are text."""
    titles = {name: None if cells and isinstance(cells[0], str) else str for name, cells in columns.items()}
    cells = {name: [Cell(text=c) if isinstance(c, str) else c for c in of] for name, of in columns.items()}
    return Table(
        name="x",
        title="Some",
        columns=[TableColumn(key="m", title="Method")]
        + [TableColumn(key=name, title=name, format=kind) for name, kind in titles.items()],
        rows=[[Cell(text=name), *(of[row] for of in cells.values())] for row, name in enumerate(methods)],
        caption=caption,
        notes=notes,
    )


def rows(of):
    return [line for line in latex(of, label="tab:x").splitlines() if "&" in line]


def test_a_mark_goes_around_the_score_alone_and_a_dagger_takes_no_room():
    best = replace(CELL, mark="†", place="best")
    second = Cell(text=f"{MINUS}1.2", ends=(f"{MINUS}3.0", "+0.4"), place="second")
    head, first, second = rows(table("a", "b", x=[best, second]))
    assert head == r"Method & \multicolumn{2}{c@{}}{x} \\"
    assert first == r"a & \textbf{71.3}\rlap{$^{\dagger}$} & (66.0, 76.1) \\"
    assert second == r"b & \underline{$-$1.2} & ($-$3.0, $+$0.4) \\"


@pytest.mark.parametrize(
    ("scores", "kind", "stacked", "parts"),
    [(2, "table", False, 1), (6, "table*", False, 1), (10, "table*", True, 1), (30, "table*", True, 3)],
)
def test_intervals_are_beside_scores_where_there_is_room_or_below_or_the_table_is_cut(scores, kind, stacked, parts):
    text = latex(table("late", **{f"s{number}": [CELL] for number in range(scores)}), label="tab:x")
    assert text.count(rf"\begin{{{kind}}}") == parts
    assert (r"\stack{71.3" in text) == stacked
    assert text.count("71.3") == scores
    assert text.count("late &") == parts


@pytest.mark.parametrize("scores", range(1, 40))
def test_nothing_is_laid_out_wider_than_its_place(scores):
    found = printed(table("late", **{f"s{number}": [CELL] for number in range(scores)}))
    plan = layout(found)
    for group in plan.groups:
        part = [found[place] for place in group]
        assert needed(part, stacked=plan.stacked, gap=plan.gap) <= (PAGE if plan.wide else COLUMN)
    assert sorted({place for group in plan.groups for place in group}) == list(range(scores + 1))


def test_numbers_stand_to_the_right_even_where_one_is_missing_and_short_words_in_the_middle():
    numbers, words = printed(table("a", "b", x=[CELL, Cell(text=NOTHING)], y=["1.0", "none"]))[1:]
    assert (numbers.number, numbers.paired, words.number, words.text) == (True, True, False, False)
    assert r"@{\hspace{3pt}}rc@{}}" in latex(table("a", x=[CELL], y=["none"]), label="tab:x")


def test_rows_of_a_long_table_are_all_there_once_and_floats_alike_long():
    text = latex(table(*(f"m{row}" for row in range(200)), x=[Cell(text="1.0")] * 200), label="tab:x")
    floats = [part.count("& 1.0") for part in text.split(r"\end{table}")[:-1]]
    assert sum(floats) == 200
    assert max(floats) - min(floats) <= 1
    assert r"(part 1 of 5)}\label{tab:x}" in text


def test_notes_and_labels_are_text():
    text = latex(
        table("late", caption="50 % of a_b.", notes=["One & two.", ""], x=[CELL]), label=f"tab:{slug('=a/B_c ')}"
    )
    assert r"\caption{50~\% of a\_b.}\label{tab:a-b-c}" in text
    assert r"\parbox{\linewidth}{\scriptsize\raggedright One \& two.}" in text


def test_a_table_without_rows_is_its_head():
    (head,) = rows(table(x=[]))
    assert head == r"Method & x \\"
