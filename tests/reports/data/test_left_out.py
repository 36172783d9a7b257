"""Two files of which a part cannot be used: that part is left out and named, and all else is as without it."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.data.outside import read_results
from reports.data.results import Results
from reports.data.usable import UNIT
from reports.page.page import write_report
from reports.tables.comparison import comparison
from tests.reports.conftest import PROBABILITIES
from tests.reports.page.test_page import read

Frames = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def given(make: Callable[..., Results]) -> Frames:
    found = make(skills={"plain": 0.5, "afnetm": 1.5}, subjects=9, folds=3, intensities=(3,), epochs=1)
    return found.folds.drop(columns=["unit", "macro_f1"]), found.predictions.drop(columns="unit")


def of(frame: pd.DataFrame, method: str = "plain", fold: int = 1) -> "pd.Series[bool]":
    return (frame["method"] == method) & (frame["fold"] == fold)


def read_back(frames: Frames, folder: Path) -> Results:
    folder.mkdir(exist_ok=True)
    for frame, name in zip(frames, ("folds", "scans"), strict=True):
        frame.to_csv(folder / f"{name}.csv", index=False)
    return read_results(folder / "folds.csv", folder / "scans.csv", created="today", with_faces=True)


def empty(predictions: pd.DataFrame, column: str, rows: int) -> pd.DataFrame:
    values = predictions[column].astype(object)
    values[values.index[of(predictions)][:rows]] = None
    return predictions.assign(**{column: values})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda f, p: (f, p[~of(p)]), "scans.csv has no scan of it"),
        (lambda f, p: (f.assign(accuracy=f["accuracy"].mask(of(f))), p[~of(p)]), "scans.csv has no scan of it"),
        (lambda f, p: (f[~of(f)], p), "folds.csv has no row of it"),
        (lambda f, p: (f, empty(p, "predicted", 1)), "1 of its 18 predictions is empty"),
        (lambda f, p: (f, empty(p, "predicted", 18)), "18 of its 18 predictions are empty"),
    ],
)
def test_a_fold_that_one_file_lacks_is_left_out(change, why: str, given: Frames, tmp_path: Path) -> None:
    found = read_back(change(*given), tmp_path / "given")
    expected = read_back((given[0][~of(given[0])], given[1][~of(given[1])]), tmp_path / "without")
    (one,) = found.provenance.left_out
    assert (one.place, one.what, one.reason) == ("plain, repeat 0, fold 1", UNIT, why)
    pd.testing.assert_frame_equal(found.folds, expected.folds)
    pd.testing.assert_frame_equal(found.predictions, expected.predictions)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda p: p.drop(columns=["p_fear", "p_anger"]), "p_anger and p_fear are missing"),
        (lambda p: empty(p, "p_fear", 2), "2 scans have none, or not all"),
        (lambda p: p.assign(p_fear=p["p_fear"].mask(of(p), np.inf)), "18 scans have none, or not all"),
    ],
)
def test_probabilities_of_a_method_that_has_not_all_are_left_out(
    change, why: str, given: Frames, tmp_path: Path
) -> None:
    found, expected = read_back((given[0], change(given[1])), tmp_path / "given"), read_back(given, tmp_path / "whole")
    left_out = {one.method: (one.place, one.what, one.reason) for one in found.provenance.left_out}
    assert left_out["plain"] == ("plain", "probabilities", why)
    methods = list(left_out)
    assert found.predictions.loc[found.predictions["method"].isin(methods), list(PROBABILITIES)].isna().all(axis=None)
    one, other = (comparison(results).set_index("method") for results in (found, expected))
    pd.testing.assert_frame_equal(one.filter(regex="^(accuracy|recall)"), other.filter(regex="^(accuracy|recall)"))
    assert one["ece"].isna().tolist() == [method in methods for method in one.index]


@pytest.mark.usefixtures("sketched")
def test_the_page_names_what_is_left_out_and_how_files_were_read(given: Frames, tmp_path: Path) -> None:
    folds, predictions = given
    change = predictions.rename(columns={"expression": "label"})[~of(predictions)]
    change = change.drop(columns="p_fear")
    results = read_back((folds.assign(accuracy=folds["accuracy"].round(3)), change), tmp_path)
    page = write_report(results, tmp_path / "report")
    formatted, text = read(page).text, (page.parent / "report.md").read_text(encoding="utf-8")
    for words in (formatted, text.replace("\\", "")):
        assert "left out, namely plain, repeat 0, fold 1: the whole fold (scans.csv has no scan of it); " in words
        assert "plain: probabilities (p_fear is missing)" in words
        assert "folds.csv: its accuracy is rounded to 3 decimals: the exact one is computed from predictions." in words
        assert "scans.csv: 'label' is its expression." in words
        assert "nan" not in re.split(r"\W+", words)
    assert "| plain | 0 | 1 | the whole fold | scans.csv has no scan of it |" in text
    assert "| afnetm | all | all | probabilities | p\\_fear is missing |" in text
