"""Matching of folds and predictions of two files, and what of them cannot be used."""

import numpy as np
import pandas as pd

from reports.data.numbers import places
from reports.data.spelling import in_order, is_number, named_in
from reports.data.usable import LeftOut
from reports.formats import names
from reports.schema import PROBABILITY, ReportError, probabilities

_PLACE = ["method", "repeat", "fold"]
#: The most that a probability may lack that is rounded to 3 decimals.
_ROUNDED = 0.0005


def with_expressions(file: str, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Predictions with the expressions' names for their numbers, and which number is which.

    Programs number them differently. What a number stands for is known where a prediction is always the expression
    with the largest probability; else it is not.

    Raises:
        ReportError: it is not.
    """
    both = ["expression", "predicted"]
    words = set(pd.concat([table[name] for name in both]).dropna().unique())
    numbers = {word for word in words if isinstance(word, str) and is_number(word)}
    if not numbers:
        return table, []
    order = _numbered(table)
    if unknown := sorted(words - set(order), key=str):
        raise ReportError(
            f"{file}: expressions are numbers, and what {unknown[0]!r} stands for is not said, as programs number them "
            f"differently; allowed are their names, or numbers beside probabilities that tell them"
        )
    message = ", ".join(f"{number} {name}" for number, name in sorted(order.items()))
    named = {name: table[name].map(order, na_action="ignore").astype("str") for name in both}
    return table.assign(**named), [f"its expressions are numbers, by its largest probabilities {message}"]


def _numbered(table: pd.DataFrame) -> dict[str, str]:
    """Expressions by their numbers, as far as probabilities tell; none where they contradict one another."""
    if not (columns := probabilities(table)):
        return {}
    shares = table[columns]
    top = shares.eq(shares.max(axis=1), axis=0)
    clear = top.sum(axis=1) == 1
    classes = np.array([name.removeprefix(PROBABILITY) for name in columns])
    largest = pd.Series(classes[top.to_numpy().argmax(axis=1)], index=table.index)
    pairs = pd.DataFrame({"number": table["predicted"], "name": largest})[clear].dropna().drop_duplicates()
    alone = not pairs["number"].duplicated().any() and not pairs["name"].duplicated().any()
    return dict(zip(pairs["number"], pairs["name"], strict=True)) if alone else {}


def matched(
    folds: pd.DataFrame, predictions: pd.DataFrame, *, files: tuple[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[LeftOut]]:
    """The folds that have predictions, all of them, and these; and the others.

    Args:
        folds: method, repeat and fold are checked.
        predictions: the same; ``lacking`` is 1 where a prediction is not there.
        files: the names of both.

    Raises:
        ReportError: a method has predictions and no fold, as one that is spelt otherwise, or nothing is left.
    """
    for method in predictions["method"].unique():
        if method not in set(folds["method"]):
            known = ", ".join(folds["method"].unique())
            raise ReportError(f"{files[1]}: method {method!r} is not in {files[0]}, allowed are those there: {known}")
    counts = predictions.groupby(_PLACE)["lacking"].agg(["sum", "size"]).reset_index()
    has, tested = (set(_places(frame)) for frame in (folds, predictions))
    reasons = {
        place: f"{empty} of its {scans} predictions {'is' if empty == 1 else 'are'} empty"
        for place, empty, scans in zip(_places(counts), counts["sum"], counts["size"], strict=True)
        if empty
    }
    reasons |= dict.fromkeys(has - tested, f"{files[1]} has no scan of it")
    reasons |= dict.fromkeys(tested - has, f"{files[0]} has no row of it")
    left_out = [
        LeftOut(method=method, repeat=repeat, fold=fold, reason=why)
        for (method, repeat, fold), why in sorted(reasons.items())
    ]
    kept = [frame[[place not in reasons for place in _places(frame)]] for frame in (folds, predictions)]
    if kept[0].empty:
        raise ReportError(f"{files[0]} and {files[1]}: nothing can be used: {left_out[0].place}: {left_out[0].reason}")
    return kept[0], kept[1], left_out


def _places(frame: pd.DataFrame) -> list[tuple[str, int, int]]:
    return list(zip(*(frame[name].tolist() for name in _PLACE), strict=True))


def with_lacking(table: pd.DataFrame) -> pd.DataFrame:
    """Predictions with an empty column for every known class whose probability is not there though others' are."""
    needed = [f"{PROBABILITY}{name}" for name in in_order(named_in(table, known=True))]
    return table.reindex(columns=[*dict.fromkeys([*table, *needed])]) if probabilities(table) else table


def with_probabilities(predictions: pd.DataFrame) -> tuple[pd.DataFrame, list[LeftOut], list[str]]:
    """Predictions with the probabilities of methods that have all of them, which methods have some, what was rounded.

    Probabilities that are rounded to 3 decimals are scaled to sum to 1.
    """
    shares = predictions[probabilities(predictions)]
    scans = shares.notna().groupby(predictions["method"]).mean()
    partly = scans[(scans > 0.0).any(axis=1) & (scans < 1.0).any(axis=1)]
    left_out = []
    for method, known in partly.iterrows():
        gone = known.index[known == 0.0].tolist()
        lacking = int(shares[predictions["method"] == method].isna().any(axis=1).sum())
        are = "is" if len(gone) == 1 else "are"
        why = f"{names(gone)} {are} missing" if gone else f"{lacking} scans have none, or not all"
        left_out.append(LeftOut(method=str(method), what="probabilities", reason=why))
    shares = shares.mask(predictions["method"].isin(partly.index))
    sums = shares.sum(axis=1, min_count=1)
    off = (sums - 1.0).abs().max()
    if not 1e-3 < off <= _ROUNDED * len(shares.columns) + 1e-9 or any(places(shares[name]) != 3 for name in shares):
        return predictions.assign(**shares), left_out, []
    scaled = shares.div(sums, axis=0)
    return predictions.assign(**scaled), left_out, ["its probabilities, rounded to 3 decimals, are scaled to sum to 1"]
