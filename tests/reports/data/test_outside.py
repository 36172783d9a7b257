"""Results from elsewhere: a report's own tables given back, as little as there must be, and what is refused."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

import reports
from reports.data.outside import read_results
from reports.data.pseudonyms import pseudonymous
from reports.page.page import write_report
from reports.pictures.hardest import hardest_table
from reports.pictures.pareto import cost
from reports.schema import FOLDS, PREDICTIONS, ReportError
from reports.tables.compared import Compared, write_tables
from reports.tables.comparison import comparison
from tests.reports.conftest import PROBABILITIES
from tests.reports.page.test_page import files, read

pytestmark = pytest.mark.usefixtures("sketched")

LEAST = {
    "folds": ["method", "fold", "n_train"],
    "predictions": ["method", "fold", "scan", "subject", "expression", "predicted"],
}


def scores(predictions):
    true, message = predictions["expression"], predictions["predicted"]
    return pd.Series(
        {
            "n_test": len(true),
            "accuracy": accuracy_score(true, message),
            "macro_f1": f1_score(true, message, average="macro"),
        }
    )


def honest(results, **columns):
    """The results with the macro-F1 that is theirs, and other columns of folds."""
    found = results.predictions.groupby("unit")[["expression", "predicted"]].apply(scores)["macro_f1"]
    return replace(results, folds=results.folds.assign(macro_f1=results.folds["unit"].map(found), **columns))


def tables(results, folder):
    folder.mkdir()
    write_tables(Compared(results), folder)
    return folder


def given(folder, *, folds, predictions):
    """Both tables as files; where they are."""
    folds.to_csv(folder / "folds.csv", index=False)
    predictions.to_parquet(folder / "predictions.parquet")
    return folder / "folds.csv", folder / "predictions.parquet"


def least(results, folder):
    return given(folder, folds=results.folds[LEAST["folds"]], predictions=results.predictions[LEAST["predictions"]])


@pytest.fixture(scope="module")
def small(small):
    return honest(small)


@pytest.fixture(scope="module")
def page(small, tmp_path_factory):
    """Of files that hold no more than they must."""
    folder = tmp_path_factory.mktemp("least")
    return write_report(read_results(*least(small, folder), created="today"), folder / "report")


def whole(make, drop):
    return make(skills={"plain": 0.5, "afnetm": 1.5, "Émile": 1.0}, subjects=6, folds=2, repeats=2, epochs=1)


def with_gaps(make, drop):
    """Costs known of some runs; one run that has not finished; no intensities."""
    part = drop(make(skills={"b": 0.5, "a": 1.5}, subjects=6, folds=3, intensities=(0,), epochs=1), method="b", fold=1)
    known = [np.nan, *range(1, len(part.folds))]
    part.folds["flops"] = part.folds["flops"].where(part.folds["fold"] == 0)
    return replace(part, folds=part.folds.assign(peak_memory=known, train_seconds=known, test_seconds=0.1, seed=known))


def under_pseudonyms(make, drop):
    part = make(skills={"=1+1": 0.5, "'quoted'": 1.5, "\N{FULLWIDTH EQUALS SIGN}x": 1.0}, subjects=6, folds=2, epochs=1)
    plan = replace(part.provenance, dataset={**part.provenance.dataset, "shareable": False}, secret=None)
    return replace(part, predictions=pseudonymous(part.predictions, secret="known"), provenance=plan)


@pytest.mark.parametrize("kind", [whole, with_gaps, under_pseudonyms])
def test_a_report_s_tables_given_back_are_its_tables_again(kind, make, drop, tmp_path):
    before = honest(kind(make, drop))
    first = tables(before, tmp_path / "first")
    again = read_results(
        first / "folds.csv",
        first / "predictions.parquet",
        created="today",
        control=before.control,
        with_faces=before.provenance.named,
    )
    assert (again.methods, again.provenance.suite) == (before.methods, "quick")
    second = files(tables(again, tmp_path / "second"))
    for name, content in files(first).items():
        if name != "notices.txt" and not (name.endswith((".md", ".tex")) and "notices.txt" in files(first)):
            # No file tells whether faces are synthetic.
            assert content.replace(b", synthetic faces", b"") == second[name], name
    assert set(files(first)) - {"notices.txt"} == set(second) - {"notices.txt"}


def test_whatever_can_be_computed_need_not_be_there(small, tmp_path):
    found = read_results(*least(small, tmp_path), created="today")
    assert found.methods == ["afnetm", "plain"]
    assert found.provenance.suite == "folds"
    for row in found.folds.to_dict("records"):
        own = found.predictions[found.predictions["unit"] == row["unit"]]
        assert {name: row[name] for name in ("n_test", "accuracy", "macro_f1")} == pytest.approx(dict(scores(own)))
    assert found.folds[["seed", "seconds", "parameters", "flops"]].isna().all(axis=None)
    assert found.predictions[list(PROBABILITIES)].isna().all(axis=None)
    parts = small.folds.assign(train_seconds=3.0, test_seconds=0.5).drop(columns="seconds")
    timed = read_results(*given(tmp_path, folds=parts, predictions=small.predictions), created="today")
    assert set(timed.folds["seconds"]) == {3.5}


def test_what_nobody_knows_is_a_dash_and_no_picture_and_the_page_says_where_it_came_from(page, small):
    formatted, document = read(page), (page.parent / "report.md").read_text(encoding="utf-8")
    for text in (formatted.text, document):
        assert "nan" not in re.split(r"\W+", text)
        assert "None" not in text
        assert "Unknown: reported from files" in text
        assert "Whether methods were tuned is not known." in text
        assert f"{len(small.folds)} of" not in text
    assert {"figures/parameters.svg", "figures/seconds.svg"}.isdisjoint(files(page.parent))
    assert "| \N{EN DASH} | \N{EN DASH} |" in (page.parent / "tables" / "comparison.md").read_text(encoding="utf-8")
    assert not any("Pareto" in word for word in formatted.words)


def test_methods_without_probabilities_or_costs_stand_beside_those_with(make, tmp_path):
    full = honest(make(skills={"plain": 0.5, "afnetm": 1.5, "third": 1.0}, subjects=6, folds=2, epochs=1))
    bare = full.predictions.copy()
    bare.loc[bare["method"] == "plain", list(PROBABILITIES)] = np.nan
    folds = full.folds.assign(parameters=full.folds["parameters"].where(full.folds["method"] != "plain"))
    part = read_results(*given(tmp_path, folds=folds, predictions=bare), created="today", with_faces=True)
    found, whole = (comparison(one).set_index("method") for one in (part, full))
    assert found.loc["plain", ["ece", "brier", "brier_low", "parameters"]].isna().all()
    others = ["afnetm", "third"]
    columns = ["accuracy", "accuracy_low", "ece", "ece_high", "brier_sd", "parameters", "flops"]
    pd.testing.assert_frame_equal(found.loc[others, columns], whole.loc[others, columns], check_dtype=False)
    assert found.loc["plain", "accuracy"] == whole.loc["plain", "accuracy"]
    words = cost(comparison(part), "parameters", title="parameters", control="afnetm").alt
    assert ("plain" in words, "third" in words) == (False, True)


def test_nobody_is_named_unless_asked_for(page, small, tmp_path):
    names = set(small.predictions["subject"]) | set(small.predictions["scan"])
    formatted = pd.read_parquet(page.parent / "tables" / "predictions.parquet")
    assert names.isdisjoint(formatted["subject"])
    assert names.isdisjoint(formatted["scan"])
    words = set(re.split(r"[^\w]+", page.read_text(encoding="utf-8")))
    assert names.isdisjoint(words)
    assert words & set(formatted["scan"])  # the hardest, whom the table beside the page has as well
    hidden, named = (read_results(*least(small, tmp_path), created="today", with_faces=one) for one in (False, True))
    rows = hardest_table(hidden).text
    assert all(scans.is_monotonic_increasing for _, scans in rows.groupby("Wrong")["Scan"])  # not in the names' order
    assert set(hardest_table(named).text["Scan"]) <= names
    digests = [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name, _ in named.provenance.files]
    assert [digest for _, digest in named.provenance.files] == digests
    assert [digest for _, digest in hidden.provenance.files] == [digests[0], ""]


def without(table, column):
    return lambda folds, predictions: (
        (folds.drop(columns=column), predictions) if table == "folds" else (folds, predictions.drop(columns=column))
    )


def with_cell(table, column, value):
    def change(folds, predictions):
        of = folds if table == "folds" else predictions
        values = of[column].astype(object).tolist()
        values[3] = value
        changed = of.assign(**{column: pd.Series(values).infer_objects()})
        return (changed, predictions) if table == "folds" else (folds, changed)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("folds", "n_train"), "folds.csv: column 'n_train' is missing; needed: method, fold, n_train"),
        (without("predictions", "subject"), "predictions.parquet: column 'subject' is missing; needed: method"),
        (lambda f, p: (f.iloc[:0], p), "folds.csv: no row"),
        (lambda f, p: (f, p.iloc[:0]), "predictions.parquet: no row"),
        (with_cell("folds", "n_train", "many"), "folds.csv: column 'n_train' is 'many' in row 3, allowed is a whole"),
        (with_cell("folds", "accuracy", 1.2), "folds.csv: column 'accuracy' is 1.2 in row 3, .* from 0 to 1"),
        (with_cell("folds", "accuracy", 71.3), "accuracy of run .* is .*, allowed is what its predictions give"),
        (with_cell("folds", "method", ""), "folds.csv: column 'method' is '', allowed is printable text"),
        (with_cell("folds", "n_train", np.nan), r"folds.csv: column 'n_train' is empty \(NaN\) in row 3"),
        (with_cell("folds", "n_test", 7), "n_test of run .* is 7, allowed is what its predictions give, 48"),
        (with_cell("predictions", "predicted", "bored"), "column 'predicted' is 'bored', allowed are anger"),
        (with_cell("predictions", "scan", None), r"predictions.parquet: column 'scan' is empty \(NaN\) in row 3"),
        (with_cell("predictions", "p_fear", 0.999), "probabilities of scan .* do not sum to 1, allowed is 1"),
        (with_cell("predictions", "method", "afnet"), "method 'afnet' is not in folds.csv, allowed are .* plain"),
        (lambda f, p: (pd.concat([f, f.iloc[:1]]), p), r"folds.csv: .* = \(afnetm, 0, 0\) is there more than once"),
        (lambda f, p: (f, pd.concat([p, p.iloc[:1]])), r"predictions.parquet: .* is there more than once"),
        (lambda f, p: (f, p.replace({"unit": {p["unit"][0]: "?"}})), "folds.csv and .*: run .* has no predictions"),
        (lambda f, p: (f, p.assign(predicted=None)), "nothing can be used: afnetm, repeat 0, fold 0: 48 of its 48"),
        (with_cell("folds", "accuracy", 0.123), "accuracy of run .* is 0.123, allowed is what its predictions give"),
        (with_cell("folds", "macro_f1", 0.123), "macro_f1 of run .* is 0.123, allowed is what its predictions give"),
        (with_cell("folds", "suite", "other"), "column 'suite' is 'other', allowed: quick"),
    ],
)  # fmt: skip
def test_files_that_contradict_themselves_or_one_another_are_refused_in_one_line(small, change, message, tmp_path):
    folds, predictions = change(small.folds, small.predictions)
    with pytest.raises(ReportError, match=message) as refused:
        read_results(*given(tmp_path, folds=folds, predictions=predictions), created="today")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"predicted": "bored"}, "column 'predicted' is 'bored', allowed are anger, .*surprise, contempt and neutral$"),
        ({"predicted": "hapiness"}, "column 'predicted' is 'hapiness', allowed are anger, .*; did you mean happiness?"),
        ({"expression": "sadnes"}, "column 'expression' is 'sadnes', allowed are anger, .*; did you mean sadness?"),
    ],
)
def test_a_word_that_is_no_class_is_none_without_probabilities_either(small, changed, message, tmp_path):
    folds, predictions = small.folds[LEAST["folds"]], small.predictions[LEAST["predictions"]]
    scan = predictions["scan"] == predictions["scan"].iloc[3]
    files = given(
        tmp_path,
        folds=folds,
        predictions=predictions.assign(**{name: predictions[name].mask(scan, word) for name, word in changed.items()}),
    )
    with pytest.raises(ReportError, match=message):
        read_results(*files, created="today")


def test_classes_of_ones_own_need_no_probabilities(small, tmp_path):
    folds, predictions = small.folds[LEAST["folds"]], small.predictions[LEAST["predictions"]]
    named = predictions.replace({"anger": "bored", "fear": "pain"})
    found = read_results(*given(tmp_path, folds=folds, predictions=named), created="today")
    assert found.classes == ("disgust", "happiness", "sadness", "surprise", "bored", "pain")


def test_the_documentation_names_every_column():
    text = (Path(reports.__file__).parents[1] / "docs" / "results.md").read_text(encoding="utf-8")
    assert {name for name in [*FOLDS, *PREDICTIONS] if f"`{name}`" not in text} == set()


def test_a_control_that_is_not_there_is_refused(small, tmp_path):
    with pytest.raises(ReportError, match="control: 'late' is not in the comparison, allowed: afnetm, plain"):
        read_results(*given(tmp_path, folds=small.folds, predictions=small.predictions), created="", control="late")
