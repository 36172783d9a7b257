"""The comparison against scikit-learn's scores of the same scans, and what is marked in it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, recall_score

from reports.formats import decimal
from reports.markup import markdown
from reports.table import Cell, Table, TableColumn
from reports.tables.compared import Compared, write_tables
from reports.tables.comparison import comparison, marked
from reports.tables.scores import scores
from reports.tables.significance import like_the_best
from tests.reports.conftest import EXPRESSIONS

SCORES = [one.column.key for one in scores(EXPRESSIONS)]
SHARES = [f"p_{name}" for name in EXPRESSIONS]


def text(results):
    return Compared(results).tables["comparison"].text


def timed(results, **columns):
    return replace(results, folds=results.folds.assign(**columns))


def test_every_score_is_scikit_learn_s_over_all_scans_and_over_folds(results):
    row = comparison(results).set_index("method").loc["late"]
    rows = results.predictions[results.predictions["method"] == "late"]

    def expected(scans):
        true, message = scans["expression"], scans["predicted"]
        shares = scans[SHARES].to_numpy()
        recalls = recall_score(true, message, labels=list(EXPRESSIONS), average=None)
        return {
            "balanced_accuracy": balanced_accuracy_score(true, message),
            "brier": brier_score_loss(true, shares, labels=list(EXPRESSIONS), scale_by_half=False),
            **{f"recall_{name}": recall for name, recall in zip(EXPRESSIONS, recalls, strict=True)},
        }

    for name, value in expected(rows).items():
        assert row[name] == pytest.approx(value), name
        assert row[f"{name}_low"] < value < row[f"{name}_high"]
    folds = pd.DataFrame([expected(scans) for _, scans in rows.groupby("fold")])
    for name in folds:
        assert row[f"{name}_mean"] == pytest.approx(folds[name].mean())
        assert row[f"{name}_sd"] == pytest.approx(folds[name].std())


def test_a_score_that_is_described_stands_in_every_form_of_the_tables(results, tmp_path):
    found = Compared(results)
    write_tables(found, tmp_path)
    numbers = pd.read_csv(tmp_path / "comparison.csv")
    for one in scores(results.classes):
        column, name = one.column, "comparison" if one.first else "details"
        assert numbers[[f"{column.key}{part}" for part in ("", "_low", "_high", "_mean", "_sd")]].notna().all(axis=None)
        assert f" {column.heading('text')} |" in (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        assert column.title.split()[-1] in (tmp_path / f"{name}.tex").read_text(encoding="utf-8")
        assert column.note in found.tables[name].said_on_page


def test_a_score_that_a_fold_has_no_scan_for_is_missing_there_alone(make):
    results = make(skills={"a": 1.0, "b": 0.5}, subjects=6, folds=3, epochs=1)
    fear = (results.predictions["expression"] == "fear") & (results.predictions["fold"] == 1)
    predictions = results.predictions[~fear]
    right = (predictions["expression"] == predictions["predicted"]).groupby(predictions["unit"])
    folds = results.folds.assign(
        n_test=results.folds["unit"].map(right.size()), accuracy=results.folds["unit"].map(right.mean())
    )
    table = comparison(replace(results, predictions=predictions, folds=folds)).set_index("method")
    recalls = [
        recall_score(scans["expression"], scans["predicted"], labels=["fear"], average=None)[0]
        for fold, scans in predictions[predictions["method"] == "a"].groupby("fold")
        if fold != 1
    ]
    assert table.loc["a", "recall_fear_mean"] == pytest.approx(np.mean(recalls))
    assert table.loc["a", "recall_happiness_sd"] >= 0.0


def test_costs_are_told_as_far_as_they_are_known(results):
    bare = comparison(results)
    assert bare[["train_seconds", "test_milliseconds", "peak_memory"]].isna().all(axis=None)
    assert "Seconds per run" in text(results)
    assert "Memory" not in text(results)
    memory = np.where(results.folds["method"] == "late", np.nan, 2.5e9 + 1e9 * (results.folds["fold"] == 2))
    full = timed(results, train_seconds=10.0, test_seconds=0.012 * results.folds["n_test"], peak_memory=memory)
    presented = text(full).set_index("Method")
    assert presented.loc["depth", ["Training, s", "Test, ms/scan", "Memory"]].tolist() == ["10.0", "12.0", "3.50 GB"]
    assert presented.loc["late", "Memory"] == "\N{EN DASH}"
    assert "Seconds per run" not in presented


def test_best_and_second_are_marked_the_lowest_error_and_the_highest_of_the_rest(results):
    found = Compared(results)
    table, pairs, marks = found.table, found.pairs, found.marks
    for name in set(SCORES) - {"ece"}:
        order = table.sort_values(name, ascending=name == "brier")["method"].tolist()
        assert marks.places[name][order[0]] == "best"
        assert "second" in marks.places[name].values()
    assert marks.best == "afnetm"
    assert list(marks.alike) == like_the_best("afnetm", pairs, control="afnetm")
    p = pairs[pairs["method_b"] == "afnetm"].set_index("method_a")["p_holm"]
    assert set(marks.alike) == {name for name in ("texture", "depth", "concat", "late") if not p[name] < 0.05}
    assert 0 < len(marks.alike) < 4
    presented = found.tables["comparison"]
    cells = dict(zip(presented.text["Method"], presented.text["Accuracy, % (95 %)"], strict=True))
    assert {name for name, cell in cells.items() if cell.endswith(" †")} == set(marks.alike)
    best = f"{100 * table['accuracy'].max():.1f}"
    assert f"| **{best}** (" in markdown(presented)
    assert markdown(presented).count("<u>") == 2
    assert markdown(found.tables["details"]).count("**") >= 16


def test_calibration_error_is_shown_and_not_ranked_and_why_is_told(results):
    found = Compared(results)
    assert "ece" not in found.marks.places
    details = found.tables["details"]
    place = [column.key for column in details.columns].index("ece")
    assert {row[place].place for row in details.rows} == {""}
    assert all(row[place].text == decimal(value) for row, value in zip(details.rows, found.table["ece"], strict=True))
    for told in (markdown(details), details.said_on_page, " ".join(details.paper_notes)):
        assert re.search("not (ranked|measured)[^.]* after temperature scaling", told)
    bare = replace(results, predictions=results.predictions.assign(**dict.fromkeys(SHARES, np.nan)))
    assert "temperature" not in markdown(Compared(bare).tables["details"])


def test_equal_scores_share_a_place_and_one_method_alone_has_none(results):
    table = pd.DataFrame({"method": list("abc"), **{name: [0.5, 0.7, 0.7] for name in SCORES}})
    pairs = pd.DataFrame(columns=["method_a", "method_b", "p_two_way"])
    marks = marked(results, table, pairs)
    assert marks.places["accuracy"] == {"a": "second", "b": "best", "c": "best"}
    assert marks.places["brier"] == {"a": "best", "b": "second", "c": "second"}
    alone = marked(results, table.iloc[:1], pairs)
    assert (alone.best, alone.legend, alone.places) == (None, "", {})


def test_a_mark_goes_around_the_score_alone():
    columns = [TableColumn(key="method", title="Method"), TableColumn(key="x", title="x")]
    score = Cell(text="71.3", ends=("66.0", "76.1"), mark="†", place="best")
    presented = Table(name="t", title="T", columns=columns, rows=[[Cell(text="m"), score]])
    assert "| m | **71.3** (66.0, 76.1) † |" in markdown(presented)
