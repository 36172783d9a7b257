"""Results as other programs and spreadsheets write them: read as the same, or refused for the true reason."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.data.outside import read_results
from reports.data.results import Results
from reports.schema import ReportError
from tests.reports.conftest import EXPRESSIONS, PROBABILITIES

Frames = tuple[pd.DataFrame, pd.DataFrame]
NEEDED = ["method", "fold", "n_train", "accuracy"]
ASKED = ["method", "fold", "scan", "subject", "expression", "predicted", *PROBABILITIES]
WORDS = dict(zip(EXPRESSIONS, ("Angry", "disgusted", "AF ", "Happy", "sad", "SU"), strict=True)) | {"fear": "afraid"}


@pytest.fixture(scope="module")
def plain(make) -> Frames:
    """Folds and predictions as docs/results.md asks for them; accuracies that no few decimals hold."""
    found = make(skills={"Émile": 0.5, "other": 1.5}, subjects=9, folds=3, intensities=(3,), epochs=1)
    return found.folds[NEEDED], found.predictions[ASKED]


@pytest.fixture(scope="module")
def expected(plain: Frames, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(plain, tmp_path_factory.mktemp("plain"), csv())


def csv(
    ending: str = "csv", *, encoding: str = "utf-8", start: str = "", mac: bool = False, **options: object
) -> Callable[..., Path]:
    """A writer of text: with pandas' options, something before the head, and other ends of lines."""

    def write(frame: pd.DataFrame, path: Path) -> Path:
        text = start + frame.to_csv(**({"index": False, "lineterminator": "\r" if mac else "\r\n"} | options))
        path.with_suffix(f".{ending}").write_bytes(text.encode(encoding))
        return path.with_suffix(f".{ending}")

    return write


def parquet(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def read(frames: Frames, folder: Path, write: Callable[..., Path]) -> Results:
    folds, predictions = (write(frame, folder / name) for frame, name in zip(frames, ("folds", "scans"), strict=True))
    return read_results(folds, predictions, created="today", with_faces=True)


def same(found: Results, expected: Results, *, rtol: float = 1e-12) -> None:
    pd.testing.assert_frame_equal(found.folds.drop(columns="suite"), expected.folds.drop(columns="suite"), rtol=rtol)
    pd.testing.assert_frame_equal(found.predictions, expected.predictions, rtol=rtol, atol=0.6e-3 if rtol > 1e-6 else 0)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (csv(sep=";"), ["separated by semicolons"]),
        (csv("tsv", sep="\t"), ["separated by tabs"]),
        (csv("txt", sep="\t"), ["separated by tabs"]),
        (csv(sep=";", start="sep=;\r\n"), ["separated by semicolons"]),
        (csv(sep=";", decimal=","), ["separated by semicolons", "decimal comma"]),
        (csv("tsv", sep="\t", decimal=",", encoding="utf-16"), ["UTF-16", "separated by tabs", "decimal comma"]),
        (csv(decimal=","), ["decimal comma"]),
        (csv(encoding="utf-8-sig"), []),
        (csv(encoding="utf-16"), ["UTF-16"]),
        (csv(encoding="utf-16-le"), ["UTF-16"]),
        (csv(encoding="utf-16-be"), ["UTF-16"]),
        (csv(encoding="utf-32"), ["UTF-32"]),
        (csv(encoding="cp1252"), ["Windows-1252"]),
        (csv(mac=True), []),
        (csv(index=True), []),
        (csv(quoting=1), []),
        (parquet, []),
    ],
)  # fmt: skip
def test_however_a_table_is_written_it_is_the_same(write, message, plain, expected, tmp_path):
    found = read(plain, tmp_path, write)
    same(found, expected)
    remarks = found.provenance.remarks
    assert all(any(word in remark for remark in remarks) for word in message), remarks
    assert bool(remarks) == bool(message)


def folds_with(**columns: Callable[[pd.DataFrame], object]) -> Callable[[Frames], Frames]:
    return lambda frames: (frames[0].assign(**columns), frames[1])


def scans_with(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Frames], Frames]:
    return lambda frames: (frames[0], change(frames[1]))


def worded(words: dict[str, str]) -> Callable[[Frames], Frames]:
    return scans_with(lambda p: p.assign(expression=p["expression"].map(words), predicted=p["predicted"].map(words)))


NUMBERS = {name: str((index * 5 + 2) % 6 + 1) for index, name in enumerate(EXPRESSIONS)}  # no order that is a habit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (folds_with(accuracy=lambda f: 100.0 * f["accuracy"]), "its accuracy is in percent"),
        (folds_with(accuracy=lambda f: f["accuracy"].map("{:.1%}".format)), "accuracy is rounded to 3 decimals"),
        (folds_with(accuracy=lambda f: f["accuracy"].map("{:.2%}".format)), "accuracy has percent signs"),
        (folds_with(accuracy=lambda f: f["accuracy"].round(3)), "accuracy is rounded to 3 decimals"),
        (folds_with(accuracy=lambda f: f["accuracy"].round(4).astype("float32")), "accuracy is rounded to 4 decimals"),
        (folds_with(accuracy=lambda f: f["accuracy"].where(f["fold"] > 0)), ""),
        (folds_with(accuracy=lambda f: np.inf), "its accuracy is infinite in 6 of 6 rows, taken as unknown"),
        (folds_with(n_train=lambda f: f["n_train"].astype(float)), ""),
        (lambda frames: tuple(frame.assign(fold=frame["fold"].astype(float)) for frame in frames), ""),
        (lambda frames: tuple(frame.rename(columns=str.upper) for frame in frames), "'METHOD' is its method"),
        (
            lambda frames: tuple(
                frame.rename(columns={"method": "Model", "fold": "CV fold", "accuracy": "Acc", "expression": "y_true",
                                      "predicted": "prediction", "scan": "image", "subject": "Person ID",
                                      "p_fear": "prob_Fear", "p_happiness": "P(happy)"})
                for frame in frames
            ),
            "'P(happy)' is its p_happiness",
        ),
        (worded(WORDS), ""),
        (worded({name: name.title() for name in EXPRESSIONS}), ""),
        (worded(NUMBERS), f"by its largest probabilities 1 {dict(map(reversed, NUMBERS.items()))['1']}"),
        (scans_with(lambda p: p.assign(**{name: 100.0 * p[name] for name in PROBABILITIES})), "probabilities are in"),
        (scans_with(lambda p: p.sample(frac=1.0, random_state=1)), ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [csv(), parquet])
def test_however_results_are_spelt_they_are_the_same(change, message, write, plain, expected, tmp_path):
    if write is parquet and "%" in str(change(plain)[0].get("accuracy", pd.Series([""])).iloc[0]):
        message = ""  # text in Parquet is read as in CSV
    found = read(change(plain), tmp_path, write)
    same(found, expected)
    assert message in " ".join(found.provenance.remarks)


def test_probabilities_of_three_decimals_sum_to_one_again(plain, expected, tmp_path):
    rounded = plain[1].assign(**plain[1][list(PROBABILITIES)].round(3))
    assert (rounded[list(PROBABILITIES)].sum(axis=1) - 1.0).abs().max() > 1e-3
    found = read((plain[0], rounded), tmp_path, csv())
    same(found, expected, rtol=1e-2)
    np.testing.assert_allclose(found.predictions[list(PROBABILITIES)].sum(axis=1), 1.0, rtol=1e-12)
    rounder = plain[1].assign(**plain[1][list(PROBABILITIES)].round(1))
    with pytest.raises(ReportError, match="do not sum to 1, allowed is 1 within 0.001"):
        read((plain[0], rounder), tmp_path, csv())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda frames: worded(NUMBERS)((frames[0], frames[1].drop(columns=list(PROBABILITIES)))),
            "expressions are numbers, and what '1' stands for is not said, as programs number them differently",
        ),
        (
            lambda frames: worded(NUMBERS)((frames[0], frames[1].assign(p_anger=1.0, p_fear=1.0))),
            "what '1' stands for is not said",
        ),
        (worded(WORDS | {"fear": "bored"}), "'expression' is 'bored', allowed are anger, disgust, fear, happiness"),
        (
            scans_with(lambda p: p.rename(columns={"expression": "label"}).assign(target="anger")),
            "columns 'label' and 'target' may each be 'expression', allowed is one, or one that is called 'expression'",
        ),
        (scans_with(lambda p: p.drop(columns="subject")), "'subject' is missing; needed: .*; it has: 'method', 'fold'"),
        (
            folds_with(accuracy=lambda f: f["accuracy"].round(3) + 0.001),
            "accuracy of run .* is 0.*, allowed is what its predictions give, 0.*, rounded to 3 decimals or more, or",
        ),
        (folds_with(accuracy=lambda f: f["accuracy"].round(2)), "allowed is what its predictions give"),
        (folds_with(accuracy=lambda f: f["accuracy"].round(2).map("{:.0%}".format)), "allowed is what its predictions"),
        (folds_with(n_train=lambda f: "1.000"), "'n_train' is '1.000' in row 0, allowed is a whole number"),
        (folds_with(n_train=lambda f: "1,440"), "'n_train' is '1,440' in row 0, .* no mark between thousands"),
        (folds_with(seconds=lambda f: "1,440"), "'seconds' is '1,440' in row 0, .* no mark between thousands"),
        (folds_with(seconds=lambda f: "1.440,5"), "'seconds' is '1.440,5' in row 0"),
        (folds_with(seconds=lambda f: "71 %"), "'seconds' is '71 %' in row 0, allowed is a number"),
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_refused_in_one_line(change, message, plain, tmp_path):
    with pytest.raises(ReportError, match=message) as refused:
        read(change(plain), tmp_path, csv())
    assert str(refused.value).isprintable()


def test_the_column_that_is_called_so_goes_before_others_that_may_be(plain, expected, tmp_path):
    more = plain[1].assign(label="anger", Prediction="anger", image=1)
    same(read((plain[0], more), tmp_path, csv()), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"method fold n_train\nA 0 10\n", "column 'method' is missing; .*; it has: 'method fold n_train'"),
        (b"method,fold,n_train,seconds\nA,0,10,1,5\n", r"line 2 has 5 cells, the first line 4 \(.* by commas\)"),
        (b"method;fold;n_train\nA;0;10;9\n", r"line 2 has 4 cells, the first line 3 \(.* by semicolons\)"),
        (b"method,fold,fold,n_train\nA,0,0,9\n", "column 'fold' is there 2 times, allowed is once"),
        (b"method,fold,n_train\n\x81,0,9\n", "neither UTF-8 nor UTF-16 nor Windows-1252"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_taken_apart_is_told_why(content, message, plain, tmp_path):
    (tmp_path / "folds.csv").write_bytes(content)
    with pytest.raises(ReportError, match=message) as refused:
        read_results(tmp_path / "folds.csv", csv()(plain[1], tmp_path / "scans"), created="")
    assert re.match(r"(folds.csv: |'/)", str(refused.value))
