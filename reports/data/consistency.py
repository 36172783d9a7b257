"""Whether the tables of a result agree with one another and with an honest protocol."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.data.search import Search
from reports.schema import ReportError, probabilities


def check_plan(folds: pd.DataFrame, *, suite: str, methods: Sequence[str], done: int) -> None:
    """Raises `ReportError` unless `folds` holds the runs done, once each, of this suite and its methods."""
    if folds.empty:
        raise ReportError("folds: no row, allowed is at least one finished unit")
    if len(folds) != done:
        raise ReportError(f"folds: {len(folds)} rows, allowed is the number of runs done, {done}")
    for column, known in (("suite", [suite]), ("method", methods)):
        for value in folds[column].unique():
            if value not in known:
                raise ReportError(f"folds: column {column!r} is {value!r}, allowed: {', '.join(known)}")
    if (twice := folds["unit"].duplicated()).any():
        raise ReportError(f"folds: run {folds.loc[twice, 'unit'].iloc[0]!r} is there more than once, allowed is once")


def check_units(folds: pd.DataFrame, predictions: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Raises `ReportError` unless every prediction and every epoch belongs to a run of `folds`."""
    axes = ["unit", "method", "repeat", "fold"]
    runs = set(folds[axes].itertuples(index=False, name=None))
    for table, frame in (("predictions", predictions), ("curves", curves)):
        for row in frame[axes].drop_duplicates().itertuples(index=False, name=None):
            if row not in runs:
                raise ReportError(f"{table}: ({', '.join(axes)}) = {row}, allowed are the runs of folds")


def check_scores(folds: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Raises `ReportError` unless predictions give the folds' sizes and accuracies, and probabilities sum to 1.

    A method may have none, but not some.
    """
    right = (predictions["expression"] == predictions["predicted"]).groupby(predictions["unit"])
    n_test = folds["unit"].map(right.size()).fillna(0).astype("int64")
    accuracy = folds["unit"].map(right.mean()).fillna(0.0)
    wrong_size = n_test != folds["n_test"]
    wrong_accuracy = ~np.isclose(accuracy, folds["accuracy"], rtol=0.0, atol=1e-6)
    for column, found, wrong in (("n_test", n_test, wrong_size), ("accuracy", accuracy, wrong_accuracy)):
        if wrong.any():
            row = int(np.argmax(wrong))
            said = f"folds: {column} of run {folds['unit'].iloc[row]!r} is {folds[column].iloc[row]}"
            raise ReportError(f"{said}, allowed is what its predictions give, {found.iloc[row]}")
    shares = predictions[probabilities(predictions)]
    known = shares.notna().groupby(predictions["method"]).mean()
    if (partly := (known > 0.0).any(axis=1) & (known < 1.0).any(axis=1)).any():
        where = f"method {partly.idxmax()!r} has some probabilities, not others"
        raise ReportError(f"predictions: {where}, allowed are those of all its scans and expressions, or none")
    off = (shares.sum(axis=1, min_count=1) - 1.0).abs() > 1e-3
    if off.any():
        row = int(np.argmax(off))
        where = f"scan {predictions['scan'].iloc[row]!r} in run {predictions['unit'].iloc[row]!r}"
        raise ReportError(f"predictions: probabilities of {where} do not sum to 1, allowed is 1 within 0.001")


def check_protocol(folds: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Raises `ReportError` unless methods share each fold's test scans and no subject is in two folds of a repeat.

    Paired comparison needs the first, honest numbers the second: a subject tested in two folds was trained on in both.
    """
    scans = predictions[["scan", "subject", "expression", "intensity"]].drop_duplicates()
    if (twice := scans["scan"].duplicated()).any():
        name = scans.loc[twice, "scan"].iloc[0]
        raise ReportError(f"predictions: scan {name!r} has two subjects, expressions or intensities, allowed is one")
    placed = predictions[["repeat", "subject", "fold"]].drop_duplicates()
    if (twice := placed.duplicated(["repeat", "subject"])).any():
        row = placed[twice].iloc[0]
        where = f"subject {row['subject']!r} is tested in two folds of repeat {row['repeat']}"
        raise ReportError(f"predictions: {where}, allowed is one")
    tested = predictions.groupby(["repeat", "fold", "scan"]).size().rename("times").reset_index()
    methods = folds.groupby(["repeat", "fold"]).size().rename("methods").reset_index()
    tested = tested.merge(methods, on=["repeat", "fold"])
    if (unequal := tested["times"] != tested["methods"]).any():
        row = tested[unequal].iloc[0]
        where = f"scan {row['scan']!r} of repeat {row['repeat']}, fold {row['fold']}"
        allowed = f"allowed is all {row['methods']} that finished the fold"
        raise ReportError(f"predictions: {where} is tested by {row['times']} methods, {allowed}")


def check_studies(studies: pd.DataFrame, search: Search | None, *, methods: Sequence[str]) -> None:
    """Raises `ReportError` unless `studies` are what `search` gives, each best trial within what was searched."""
    if studies.empty:
        return
    if search is None or search.params_file:
        why = "nothing was searched" if search is None else "settings were given in a file"
        raise ReportError(f"studies: {len(studies)} rows, allowed is none where {why}")
    if (twice := studies["study"].duplicated()).any():
        name = studies.loc[twice, "study"].iloc[0]
        raise ReportError(f"studies: study {name!r} is there more than once, allowed is once")
    for row in studies.to_dict("records"):
        where = f"study {row['study']!r}"
        if row["method"] not in methods:
            raise ReportError(f"studies: method of {where} is {row['method']!r}, allowed: {', '.join(methods)}")
        place = (row["repeat"], row["fold"])
        if place != (-1, -1) if search.selection == "development" else min(place) < 0:
            allowed = "(-1, -1)" if search.selection == "development" else "an outer fold's"
            raise ReportError(
                f"studies: (repeat, fold) of {where} is {place}, allowed is {allowed}: {search.selection}"
            )
        searched = search.spaces.get(row["method"], {})
        for name in _object(row["params"], where):
            if name not in searched:
                allowed = f"allowed is what was searched: {', '.join(searched)}"
                raise ReportError(f"studies: params of {where} has {name!r}, {allowed}")


def check_selection(selection: pd.DataFrame, studies: pd.DataFrame, folds: pd.DataFrame, search: Search | None) -> None:
    """Raises `ReportError` unless `selection` is about best trials of `studies`, the suite's own as in `folds`."""
    if selection.empty:
        return
    at = ["method", "repeat", "fold"]
    nested = search is not None and search.selection == "nested"
    key = [*at, "search"] if nested else ["method", "search"]
    known = set(studies[key].itertuples(index=False, name=None))
    for place in selection[key].drop_duplicates().itertuples(index=False, name=None):
        if place not in known:
            raise ReportError(f"selection: ({', '.join(key)}) = {place}, allowed are those of studies")
    own = selection[(selection["search"] == 0) & (selection["reseed"] == 0)].merge(folds, on=at, suffixes=("", "_own"))
    wrong = (own["accuracy"] - own["accuracy_own"]).abs() > 1e-6
    if wrong.any():
        row = own[wrong].iloc[0]
        where = f"accuracy of run {row['unit']!r} is {row['accuracy']}"
        raise ReportError(f"selection: {where}, allowed is that of folds, {row['accuracy_own']}")


def _object(text: str, where: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ReportError(f"studies: params of {where} is {text!r}, allowed is a JSON object")
    return found


def check_evidence(importances: pd.DataFrame, maps: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Raises `ReportError` unless every weight belongs to a tested scan, and every map to a method with results."""
    key = ["method", "repeat", "fold", "scan"]
    if not importances.empty:
        tested = importances[key].merge(predictions[key], on=key, how="left", indicator=True)
        if (strange := tested["_merge"] != "both").any():
            row = tuple(tested.loc[strange, key].iloc[0])
            raise ReportError(f"importances: ({', '.join(key)}) = {row}, allowed are those of predictions")
    known = set(predictions["method"].unique())
    for method in maps["method"].unique():
        if method not in known:
            raise ReportError(f"maps: method {method!r} has no predictions, allowed are methods that have")


def check_evaluations(evaluations: pd.DataFrame, corruptions: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Raises `ReportError` unless the scans of every evaluation are those that its training run tested."""
    if evaluations.empty:
        return
    key = ["method", "repeat", "fold", "subject"]
    tested = predictions.groupby(key).size().rename("tested").reset_index()
    found = evaluations.merge(tested, on=key, how="left")
    wrong = found["scans"] != found["tested"]
    if (strange := wrong | (found["hits"] > found["scans"])).any():
        row = found[strange].iloc[0]
        where = ", ".join(str(row[name]) for name in (*key, "corruption", "severity"))
        raise ReportError(
            f"evaluations: ({where}) has {row['hits']} hits of {row['scans']}, allowed of {row['tested']}"
        )
    known = corruptions[["corruption", "severity"]]
    if len(evaluations.merge(known, on=list(known.columns))) < len(evaluations):
        raise ReportError("evaluations: a corruption and severity is not in corruptions, allowed are those")


def check_calibration(calibration: pd.DataFrame, evaluations: pd.DataFrame) -> None:
    """Raises `ReportError` unless the scans in all bins of confidence are those of the evaluations."""
    if calibration.empty:
        return
    key = ["method", "corruption", "severity"]
    sums = ["scans", "hits"]
    found, allowed = (frame.groupby(key)[sums].sum() for frame in (calibration, evaluations))
    if (wrong := (found != allowed.reindex(found.index)).any(axis=1)).any():
        place = found.index[wrong][0]
        scans, hits = found.loc[place]
        where = ", ".join(map(str, place))
        raise ReportError(f"calibration: ({where}) has {hits} hits of {scans} scans, allowed are those of evaluations")


def check_cross_dataset(cross_dataset: pd.DataFrame, datasets: Sequence[str]) -> None:
    """Raises `ReportError` unless all methods were tested on the same scans of other datasets, in each training."""
    if cross_dataset.empty:
        return
    if unknown := sorted(set(cross_dataset["dataset"]) - set(datasets)):
        raise ReportError(f"cross_dataset: dataset {unknown[0]!r}, allowed: {', '.join(datasets)}")
    if (wrong := cross_dataset["hits"] > cross_dataset["scans"]).any():
        row = cross_dataset[wrong].iloc[0]
        raise ReportError(f"cross_dataset: {row['hits']} hits of {row['scans']} scans of subject {row['subject']!r}")
    place = ["repeat", "fold", "dataset"]
    methods = cross_dataset.groupby(place)["method"].transform("nunique")
    alike = cross_dataset.groupby([*place, "subject", "scans"])["method"].transform("nunique")
    if (differing := alike < methods).any():
        repeat, fold, name = cross_dataset.loc[differing, place].iloc[0]
        raise ReportError(
            f"cross_dataset: methods of repeat {repeat}, fold {fold} were tested on other scans of {name!r}"
        )
