"""Results from elsewhere: two files that any program can write, and what can be computed of them.

What is in them, and what may be missing, is said in docs/results.md. Every report has such files beside it.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from reports.data.pseudonyms import PREFIXES, is_pseudonym
from reports.data.reading import read_table
from reports.data.results import Provenance, Results
from reports.schema import FOLDS, PREDICTIONS, Column, ReportError, checked
from reports.statistics.scores import accuracy, confusions, macro_f1

_PLACE = ["method", "repeat", "fold"]
#: Columns that must be there: what the others hold can be computed, or stays unknown.
_FOLDS = ("method", "fold", "n_train")
_PREDICTIONS = ("method", "fold", "scan", "subject", "expression", "predicted")
#: What is known of a method.
_CARD = {"version": "unknown", "summary": "", "source": "", "hyperparameters": {}}


def read_results(
    folds_file: Path, predictions_file: Path, *, created: str, control: str | None = None, with_faces: bool = False
) -> Results:
    """The results in a file of folds and one of predictions.

    Methods are in the order of their first rows in `folds_file`. Of the cohort nothing is known but what was tested, so
    its subjects may not be named; of how results were made, nothing at all.

    Args:
        folds_file: a row a training and its test (`reports.schema.FOLDS`), CSV or Parquet.
        predictions_file: a row a scan that one of them tested (`reports.schema.PREDICTIONS`), CSV or Parquet.
        created: printed as it is.
        control: the method that the others are compared with; the first if None.
        with_faces: whether subjects may be named all the same.

    Raises:
        ReportError: a file cannot be read, lacks a column, or contradicts itself or the other: one line.
    """
    table, folds_hash = read_table(folds_file, FOLDS)
    folds = _checked(folds_file.name, table, FOLDS, needed=_FOLDS, key=_PLACE)
    methods = list(dict.fromkeys(table["method"]))
    table, predictions_hash = read_table(predictions_file, PREDICTIONS)
    predictions = _checked(predictions_file.name, table, PREDICTIONS, needed=_PREDICTIONS, key=[*_PLACE, "scan"])
    try:
        folds, predictions = _with_units(folds, predictions)
        folds = _with_scores(folds, predictions)
        folds = folds.assign(suite=folds.get("suite", folds_file.stem))
        predictions = predictions.assign(intensity=predictions.get("intensity", 0))
        secret = _secret(predictions)
        plan = Provenance(
            suite=folds["suite"].iloc[0],
            description=f"Reported from {folds_file.name} and {predictions_file.name}; how they came about is unknown.",
            suite_toml="",
            cohort=_cohort(predictions),
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
            methods=dict.fromkeys(methods, _CARD),
            control=control,
            with_faces=with_faces,
            secret=secret,
            files=[
                (folds_file.name, folds_hash),
                (predictions_file.name, predictions_hash if with_faces or secret is None else ""),
            ],
        )
        return Results(folds=folds, predictions=predictions, curves=pd.DataFrame(), provenance=plan)
    except ReportError as error:
        raise ReportError(f"{folds_file.name} and {predictions_file.name}: {error}") from None


def _checked(
    name: str, table: pd.DataFrame, columns: Mapping[str, Column], *, needed: Sequence[str], key: Sequence[str]
) -> pd.DataFrame:
    """The table as far as it goes: `needed` columns are there, none is wrong; all is of repeat 0 if it has none."""
    for column in needed:
        if column not in table.columns:
            raise ReportError(f"{name}: column {column!r} is missing; needed: {', '.join(needed)}")
    if table.empty:
        raise ReportError(f"{name}: no row, allowed is at least one")
    if "repeat" not in table.columns:
        table = table.assign(repeat=0)
    return checked(name, table, {of: column for of, column in columns.items() if of in table.columns}, key=key)


def _with_units(folds: pd.DataFrame, predictions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with a name for each unit: that of `folds`, if it has any, or one made of method, repeat and fold."""
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


def _with_scores(folds: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """`folds` with the scores that predictions give, where it has none, and seconds where it has both their parts."""
    units = sorted(predictions["unit"].unique())
    if (bare := ~folds["unit"].isin(units)).any():
        raise ReportError(
            f"folds: unit {folds.loc[bare, 'unit'].iloc[0]!r} has no predictions, allowed is at least one"
        )
    counts = confusions(predictions, units, by="unit")
    found = {"n_test": counts.sum(axis=(1, 2)), "accuracy": accuracy(counts), "macro_f1": macro_f1(counts)}
    given = {name: folds["unit"].map(dict(zip(units, scores.tolist(), strict=True))) for name, scores in found.items()}
    wrong = (folds.get("macro_f1", given["macro_f1"]) - given["macro_f1"]).abs() > 1e-6
    if wrong.any():
        row = int(np.argmax(wrong))
        said = f"macro_f1 of unit {folds['unit'].iloc[row]!r} is {folds['macro_f1'].iloc[row]}"
        raise ReportError(f"folds: {said}, allowed is what its predictions give, {given['macro_f1'].iloc[row]}")
    if "seconds" not in folds.columns and {"train_seconds", "test_seconds"} <= set(folds.columns):
        given["seconds"] = folds["train_seconds"] + folds["test_seconds"]
    return folds.assign(**{name: values for name, values in given.items() if name not in folds.columns})


def _cohort(predictions: pd.DataFrame) -> dict[str, object]:
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
    """What pseudonyms are made with, anew for every report; None where all have pseudonyms already."""
    veiled = all(is_pseudonym(word, column=column) for column in PREFIXES for word in predictions[column].unique())
    return None if veiled else secrets.token_hex()
