"""Results from elsewhere: two files that any program can write, and what can be computed of them.

What is in them, and what may be missing, is said in docs/results.md. Every report has such files beside it.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from reports.data.matching import matched, with_expressions, with_lacking, with_probabilities
from reports.data.pseudonyms import PREFIXES, is_pseudonym
from reports.data.reading import Given, read_table
from reports.data.results import Provenance, Results
from reports.data.scoring import GIVEN, with_scores
from reports.data.spelling import check_classes, classes_of
from reports.schema import PREDICTIONS, Column, ReportError, checked, predictions_of

_PLACE = ["method", "repeat", "fold"]
#: Columns that must be there: what the others hold can be computed, or stays unknown.
_FOLDS = ("method", "fold", "n_train")
_PREDICTIONS = ("method", "fold", "scan", "subject", "expression", "predicted")
#: Whether a prediction is not there, 0 or 1.
_LACKING = {"lacking": Column(kind="integer")}
#: What is known of a method.
_ABOUT = {"version": "unknown", "summary": "", "source": "", "hyperparameters": {}}


def read_results(
    folds_file: Path, predictions_file: Path, *, created: str, control: str | None = None, with_faces: bool = False
) -> Results:
    """The results in a file of folds and one of predictions.

    Methods are in the order of their first rows in `folds_file`. Of the dataset nothing is known but what was tested,
    so its subjects may not be named; of how results were made, nothing at all. What cannot be used of a method or one
    of its folds is left out and named (`Provenance.left_out`).

    Args:
        folds_file: a row a training and its test (`reports.data.scoring.GIVEN`); text or Parquet.
        predictions_file: a row a scan that one of them tested (`reports.schema.PREDICTIONS`), the same.
        created: printed as it is.
        control: the method that the others are compared with; the first if None.
        with_faces: whether subjects may be named all the same.

    Raises:
        ReportError: a file cannot be read, lacks a column, or contradicts itself or the other: one line.
    """
    given, answers = read_table(folds_file, GIVEN), read_table(predictions_file, PREDICTIONS)
    table = _needed(given, _FOLDS)
    methods = list(dict.fromkeys(table["method"]))
    folds = _checked(given.name, table, GIVEN, key=_PLACE)
    table, numbered = with_expressions(answers.name, _needed(answers, _PREDICTIONS))
    table = with_lacking(table)
    lacking = table["predicted"].isna()
    check_classes(answers.name, table)
    classes = classes_of(table)
    marked = table.assign(predicted=table["predicted"].fillna(classes[0]), lacking=lacking.astype("int64"))
    predictions = _checked(answers.name, marked, predictions_of(classes) | _LACKING, key=[*_PLACE, "scan"])
    folds, predictions, left_out = matched(folds, predictions, files=(given.name, answers.name))
    predictions, unsure, rounded = with_probabilities(predictions)
    try:
        folds, predictions = _with_units(folds, predictions)
        folds, exact = with_scores(folds, predictions)
        folds = folds.assign(suite=folds.get("suite", folds_file.stem))
        predictions = predictions.assign(intensity=predictions.get("intensity", 0))
        secret = _secret(predictions)
        plan = Provenance(
            suite=folds["suite"].iloc[0],
            description=f"Reported from {folds_file.name} and {predictions_file.name}; how they came about is unknown.",
            suite_toml="",
            dataset=_dataset(predictions),
            protocol={"folds": folds["fold"].nunique(), "repeats": folds["repeat"].nunique()},
            versions={},
            hardware=[],
            commits=[],
            devices=[],
            planned=len(folds),
            done=len(folds),
            failed=[],
            created=created,
            synthetic=False,
            methods=dict.fromkeys(methods, _ABOUT),
            control=control,
            with_faces=with_faces,
            secret=secret,
            files=[(given.name, given.digest), (answers.name, answers.digest if with_faces or secret is None else "")],
            remarks=[
                f"{file.name}: {'; '.join(remarks)}."
                for file, remarks in (
                    (given, [*given.remarks, *exact]),
                    (answers, [*answers.remarks, *numbered, *rounded]),
                )
                if remarks
            ],
            left_out=[*left_out, *unsure],
        )
        return Results(folds=folds, predictions=predictions, curves=pd.DataFrame(), provenance=plan)
    except ReportError as error:
        raise ReportError(f"{folds_file.name} and {predictions_file.name}: {error}") from None


def _needed(given: Given, needed: Sequence[str]) -> pd.DataFrame:
    """The table if it has rows and these columns; all is of repeat 0 if it does not say."""
    for column in needed:
        if column not in given.frame.columns:
            has = ", ".join(map(repr, given.head[:20]))
            raise ReportError(f"{given.name}: column {column!r} is missing; needed: {', '.join(needed)}; it has: {has}")
    if given.frame.empty:
        raise ReportError(f"{given.name}: no row, allowed is at least one")
    return given.frame if "repeat" in given.frame.columns else given.frame.assign(repeat=0)


def _checked(name: str, table: pd.DataFrame, columns: Mapping[str, Column], *, key: Sequence[str]) -> pd.DataFrame:
    """The table as far as it goes: nothing in it is wrong."""
    return checked(name, table, {of: column for of, column in columns.items() if of in table.columns}, key=key)


def _with_units(folds: pd.DataFrame, predictions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with a name for each run: that of `folds`, if it has any, or one made of method, repeat and fold."""
    if "unit" not in folds.columns:
        places = folds[_PLACE].itertuples(index=False, name=None)
        folds = folds.assign(unit=[f"{method} {repeat}-{fold}" for method, repeat, fold in places])
        predictions = predictions.drop(columns="unit", errors="ignore")
    if "unit" not in predictions.columns:
        predictions = predictions.merge(folds[[*_PLACE, "unit"]], on=_PLACE, how="left")
        if (strange := predictions["unit"].isna()).any():
            place = next(predictions.loc[strange, _PLACE].itertuples(index=False, name=None))
            raise ReportError(f"predictions: ({', '.join(_PLACE)}) = {place}, allowed are the rows of folds")
    return folds, predictions


def _dataset(predictions: pd.DataFrame) -> dict[str, object]:
    scans = predictions.drop_duplicates("scan")
    return {
        "name": "",
        "scans": len(scans),
        "subjects": scans["subject"].nunique(),
        "classes": scans["expression"].value_counts().sort_index().to_dict(),
        "size": None,
        "fingerprint": "",
        "shareable": False,
        "source": {},
    }


def _secret(predictions: pd.DataFrame) -> str | None:
    """Secret that pseudonyms are made with, another for every report; None where all have pseudonyms already."""
    veiled = all(is_pseudonym(word, column=column) for column in PREFIXES for word in predictions[column].unique())
    return None if veiled else secrets.token_hex()
