"""The tables say what the records say, and hostile names stay text in each of them."""

import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from reports.data.results import Axis
from reports.markup import markdown, write_csv
from reports.pictures.per_method import by_intensity
from reports.tables.compared import Compared, write_tables
from reports.tables.comparison import comparison

FOLDS = (
    "suite,method,repeat,fold,seed,unit,n_train,n_test,accuracy,macro_f1,seconds,parameters,flops,"
    "train_seconds,test_seconds,peak_memory"
)
PREDICTIONS = (
    "unit,method,repeat,fold,scan,subject,expression,intensity,predicted,"
    "p_anger,p_disgust,p_fear,p_happiness,p_sadness,p_surprise"
)


def test_comparison_is_what_the_records_give(results):
    table = comparison(results).set_index("method")
    assert list(table.index) == ["texture", "depth", "concat", "late", "afnetm"]
    for method, rows in results.predictions.groupby("method"):
        row = table.loc[method]
        folds = results.folds[results.folds["method"] == method]
        assert row["accuracy"] == pytest.approx(accuracy_score(rows["expression"], rows["predicted"]))
        assert row["macro_f1"] == pytest.approx(f1_score(rows["expression"], rows["predicted"], average="macro"))
        assert row["accuracy_mean"] == pytest.approx(np.mean(folds["accuracy"]))
        assert row["accuracy_sd"] == pytest.approx(np.std(folds["accuracy"], ddof=1))
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
        assert row["units"] == 5
    assert np.isnan(table.loc["afnetm", "difference"])
    gap = table.loc["late", "accuracy"] - table.loc["afnetm", "accuracy"]
    assert table.loc["late", "difference"] == pytest.approx(gap)


def test_files_have_the_promised_columns_and_values(results, tmp_path):
    write_tables(Compared(results), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "folds.csv", "predictions.parquet", "comparison.csv", "comparison.md", "comparison.tex",
        "details.csv", "details.md", "details.tex", "pairwise.csv", "pairwise.md", "pairwise.tex",
        "comparison-compact.tex",
    }  # fmt: skip
    folds = pd.read_csv(tmp_path / "folds.csv", dtype={"unit": "str"})
    assert ",".join(folds.columns) == FOLDS
    assert list(dict.fromkeys(folds["method"])) == results.methods
    folds = folds.sort_values(["method", "fold"], ignore_index=True)
    pd.testing.assert_frame_equal(folds, results.folds, check_exact=True)
    predictions = pd.read_parquet(tmp_path / "predictions.parquet")
    assert ",".join(predictions.columns) == PREDICTIONS
    pd.testing.assert_frame_equal(predictions, results.predictions[predictions.columns], check_exact=True)


def test_accuracy_by_intensity(results):
    table = by_intensity(results)
    rows = results.predictions.query("method == 'late' and intensity == 4")
    row = table.query("method == 'late' and intensity == 4").iloc[0]
    assert row["scans"] == len(rows)
    assert row["accuracy"] == pytest.approx(np.mean(rows["expression"] == rows["predicted"]))
    assert row["low"] < row["accuracy"] < row["high"]


def test_unknown_intensities_give_no_row(make):
    assert by_intensity(make(skills={"late": 1.0}, subjects=4, folds=2, intensities=(0,), epochs=1)).empty


def test_a_formula_is_only_text_to_a_spreadsheet(make, tmp_path):
    evil = '=HYPERLINK("http://x";"y"), @SUM(1)'
    results = make(skills={evil: 1.0, "+1": 0.5, "plain": 0.5}, subjects=4, folds=2, epochs=1)
    write_tables(Compared(results), tmp_path)
    for name in ("folds.csv", "comparison.csv", "details.csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["method"] for row in rows} == {f"'{evil}", "'+1", "plain"}


def test_numbers_in_csv_stay_numbers_and_text_that_is_one_too(tmp_path):
    evil = ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\uff1d1"]
    table = pd.DataFrame({"text": [*evil, "-0.5", "-1e-05", "a=b"], "number": -1.5})
    write_csv(table, tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [*(f"'{text.strip()}" for text in evil), "-0.5", "-1e-05", "a=b"]
    assert {row["number"] for row in rows} == {"-1.5"}


def test_markdown_of_a_hostile_name_is_one_cell(make):
    evil = "<script>alert(1)</script>|[x](http://y) *z* `w`"
    results = make(skills={"plain": 0.5, evil: 1.0}, subjects=4, folds=2, epochs=1)
    lines = markdown(Compared(results).tables["comparison"]).splitlines()
    assert lines[3].startswith(r"| &lt;script&gt;alert(1)&lt;/script&gt;\|\[x\](http://y) \*z\* \`w\` | ")
    assert lines[3].replace(r"\|", "").count("|") == lines[0].count("|") == lines[1].count("|")


def test_incomplete_and_mixed_records_are_told_of_in_every_table_that_they_touch(results, drop, tuned, tmp_path):
    part = drop(results, method="late", fold=0)
    plan = replace(part.provenance, commits=["a" * 40, "b" * 40], axes={"dropout": Axis(title="dropout")})
    part = tuned(replace(part, provenance=plan), searches=2, reseeds=1)
    write_tables(Compared(part), tmp_path)
    names = {"comparison", "details", "pairwise", "ablation", "tuning", "parameters", "spread"}
    assert {path.stem for path in tmp_path.glob("*.md")} == names
    assert {path.stem for path in tmp_path.glob("*.tex")} == names | {"comparison-compact"}
    for message in ("Incomplete: 24 of 25", "Unequal: ", "Mixed: runs were made with more than one commit of the code"):
        for path in [*tmp_path.glob("*.md"), *tmp_path.glob("*.tex"), tmp_path / "notices.txt"]:
            assert message in path.read_text(encoding="utf-8"), path.name


def test_whole_records_need_no_notice(results, tmp_path):
    write_tables(Compared(results), tmp_path)
    assert not (tmp_path / "notices.txt").exists()


def test_a_method_with_one_fold_has_no_spread(make):
    found = Compared(make(skills={"late": 1.0}, subjects=6, folds=1, epochs=1))
    assert np.isnan(found.table["accuracy_sd"].iloc[0])
    presented = found.tables["comparison"].text.iloc[0]
    assert presented["Folds, %"].endswith("± \N{EN DASH}")
    assert presented.iloc[4] == "\N{EN DASH}"
