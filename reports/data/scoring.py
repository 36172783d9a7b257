"""The scores that predictions give, against those that a file of folds says they have."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from reports.data.numbers import places
from reports.data.spelling import classes_of
from reports.schema import FOLDS, Column, ReportError
from reports.statistics.scores import Grouped, macro_f1, mean

#: What can be computed of predictions, and so may be missing, all of it or in some rows.
_COMPUTED = {name: replace(FOLDS[name], optional=True) for name in ("n_test", "accuracy", "macro_f1")}
#: The columns of a file of folds.
GIVEN: Mapping[str, Column] = {**FOLDS, **_COMPUTED}
_EXACT = 1e-6


def with_scores(folds: pd.DataFrame, predictions: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """`folds` with the exact scores, and what was rounded in it; seconds too, where it has both their parts.

    Args:
        folds: with a column ``unit``; some of `_COMPUTED` may be missing.
        predictions: with the same runs.

    Raises:
        ReportError: a score is not what the predictions give, exactly or rounded to 3 decimals or more.
    """
    runs = sorted(predictions["unit"].unique())
    if (bare := ~folds["unit"].isin(runs)).any():
        name = folds.loc[bare, "unit"].iloc[0]
        raise ReportError(f"folds: run {name!r} has no predictions, allowed are runs of predictions")
    grouped = Grouped(predictions, runs, classes_of(predictions), by="unit")
    hits = grouped.hits
    found = {"n_test": hits[:, 1], "accuracy": mean(hits), "macro_f1": macro_f1(grouped.confusions)}
    given: dict[str, pd.Series[float]] = {}
    remarks = []
    for name, scores in found.items():
        exact = folds["unit"].map(dict(zip(runs, scores.tolist(), strict=True)))
        given[name], rounded = _agreed(name, folds, exact)
        if rounded:
            remarks.append(f"its {name} is rounded to {rounded} decimals: the exact one is computed from predictions")
    if "seconds" not in folds.columns and {"train_seconds", "test_seconds"} <= set(folds.columns):
        given["seconds"] = folds["train_seconds"] + folds["test_seconds"]
    return folds.assign(**given), remarks


def _agreed(name: str, folds: pd.DataFrame, exact: "pd.Series[float]") -> tuple["pd.Series[float]", int | None]:
    """Score that both agree on, and to how many decimals it had been rounded if it had."""
    if name not in folds.columns or folds[name].isna().all():
        return exact, None
    said = folds[name]
    gap = (said - exact).abs()
    decimals = places(said) if name != "n_test" else None
    half = _EXACT if decimals is None else max(_EXACT, 0.5 * 10.0**-decimals + 1e-9)
    if (wrong := gap > half).any():
        row = int(np.argmax(wrong))
        where = f"folds: {name} of run {folds['unit'].iloc[row]!r} is {said.iloc[row]:.6g}"
        raise ReportError(
            f"{where}, allowed is what its predictions give, {exact.iloc[row]:.6g}"
            + ("" if name == "n_test" else ", rounded to 3 decimals or more, or an empty cell")
        )
    rounded = gap > _EXACT
    return said.where(~rounded & said.notna(), exact).astype(exact.dtype), decimals if rounded.any() else None
