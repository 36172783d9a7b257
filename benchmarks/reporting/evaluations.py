"""Stored evaluations as the tables that a report reads of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.records.manifest import ListedRun
from benchmarks.records.store import Store
from benchmarks.reporting.evidence import importance
from benchmarks.reporting.sound import DAMAGED, message
from reports.data.usable import LeftOut
from reports.schema import probabilities
from reports.statistics.scores import BINS, bins

_SUMS = ["scans", "hits", "confidence", "texture"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A stored evaluation, as far as it can be used.

    Attributes:
        result: ``result.json``.
        answers: a row a subject and severity (`reports.schema.EVALUATIONS`), or of another dataset a row a subject
            (`reports.schema.CROSS_DATASET`), but for where it belongs.
        corruption: a row a severity (`reports.schema.CORRUPTIONS`); none of another dataset.
        confidences: ``(severities, BINS, 3)``, what scans' confidences add up to, how many are right, and scans, as in
            `reports.statistics.scores.Grouped.confidences`; none of another dataset.
        left_out: parts that cannot be used; none, as it is of one piece.
    """

    result: Mapping[str, Any]
    answers: pd.DataFrame
    corruption: pd.DataFrame
    confidences: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, BINS, 3)))
    left_out: Sequence[LeftOut] = field(default_factory=list)


def read_evaluation(listed: ListedRun, store: Store) -> Evaluation | LeftOut:
    """The stored evaluation of that key, or why it cannot be used."""
    of = partial(LeftOut, method=listed.method, repeat=listed.repeat, fold=listed.fold)
    try:
        result = store.result(listed.key)
        frame = store.predictions(listed.key).to_pandas(ignore_metadata=True)
        weights = importance(store.folder(listed.key), scans=len(frame))
        if listed.dataset:
            return Evaluation(result, _sums(frame.assign(dataset=listed.dataset), weights, ["dataset"]), pd.DataFrame())
        corrupted = frame.assign(corruption=listed.corruption, severity=frame["severity"].astype("int64"))
        answers = _sums(corrupted, weights, ["corruption", "severity"])
        return Evaluation(result, answers, _corruption(result), _confidences(corrupted))
    except DAMAGED as error:
        return of(what=f"evaluation on {listed.evaluated_on}", reason=f"it cannot be read: {message(error)}")


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Evaluations of a suite: the tables `Results.evaluations` and `Results.cross_dataset`, with the key of each row's
    record as its ``unit``, `Results.corruptions` and `Results.calibration`; records by key; and what cannot be used.
    """

    answers: pd.DataFrame
    corruptions: pd.DataFrame
    calibration: pd.DataFrame
    cross_dataset: pd.DataFrame
    records: Mapping[str, Mapping[str, Any]]
    left_out: Sequence[LeftOut]


def read_evaluations(
    listed_runs: Sequence[ListedRun], store: Store, done: set[str], used: set[tuple[str, int, int]]
) -> Evaluations:
    """The finished evaluations of a suite.

    Args:
        listed_runs: the suite's evaluations.
        store: with their records.
        done: keys of those that are finished.
        used: method, repeat and fold of the runs that are reported: what was evaluated of others is passed over.
    """
    read = [
        (listed, read_evaluation(listed, store))
        for listed in listed_runs
        if listed.key in done and (listed.method, listed.repeat, listed.fold) in used
    ]
    lost = [one for _, one in read if isinstance(one, LeftOut)]
    sound = [(listed, one) for listed, one in read if isinstance(one, Evaluation)]
    corruptions = _concatenated([one.corruption for _, one in sound])
    if len(corruptions):
        corruptions = corruptions.drop_duplicates(["corruption", "severity"], ignore_index=True)
    return Evaluations(
        _concatenated([_placed(*one) for one in sound if one[0].corruption]),
        corruptions,
        _calibration(sound),
        _concatenated([_placed(*one) for one in sound if one[0].dataset]),
        {listed.key: one.result for listed, one in sound},
        lost,
    )


def _concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    there = [frame for frame in frames if len(frame)]
    return pd.concat(there, ignore_index=True) if there else pd.DataFrame()


def _placed(listed: ListedRun, one: Evaluation) -> pd.DataFrame:
    return one.answers.assign(unit=listed.key, method=listed.method, repeat=listed.repeat, fold=listed.fold)


def _sums(frame: pd.DataFrame, weights: dict[str, Any], by: list[str]) -> pd.DataFrame:
    """A row a subject, and in it for each value of the columns `by`; what all its scans add up to."""
    shares = frame[probabilities(frame)]
    answers = frame[["subject", *by]].assign(
        scans=1,
        hits=(frame["expression"] == frame["predicted"]).astype("int64"),
        confidence=shares.max(axis=1) if len(shares.columns) else np.nan,
        texture=weights.get("texture", np.nan),
    )
    sums = answers.groupby(["subject", *by], sort=True)[_SUMS]
    # Of numbers that a record has not, there is no sum.
    return sums.sum(min_count=1).astype({"scans": "int64", "hits": "int64"}).reset_index()


def _confidences(frame: pd.DataFrame) -> NDArray[np.float64]:
    shares, severity = frame[probabilities(frame)], frame["severity"].to_numpy() - 1
    confidence = shares.max(axis=1).to_numpy(np.float64) if len(shares.columns) else np.full(len(frame), np.nan)
    right = (frame["expression"] == frame["predicted"]).to_numpy(np.float64)
    count = int(severity.max()) + 1
    place = severity * BINS + bins(confidence)
    sums = [np.bincount(place, of, count * BINS) for of in (confidence, right, np.ones(len(frame)))]
    return np.stack(sums, axis=-1, dtype=np.float64).reshape(count, BINS, 3)


def _calibration(sound: Sequence[tuple[ListedRun, Evaluation]]) -> pd.DataFrame:
    """`Results.calibration`: sums over trainings, without bins in which nothing is."""
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    for listed, one in sound:
        if listed.corruption:
            key = listed.method, listed.corruption
            sums[key] = one.confidences + sums[key] if key in sums else one.confidences
    frames = []
    for (method, name), found in sums.items():
        severity, place = np.nonzero(found[..., 2])
        confidence, hits, scans = found[severity, place].T
        said = {"method": method, "corruption": name, "severity": severity + 1, "bin": place}
        counts = {"scans": scans.astype(np.int64), "hits": hits.astype(np.int64)}
        frames.append(pd.DataFrame(said | counts | {"confidence": confidence}))
    return _concatenated(frames)


def _corruption(result: dict[str, Any]) -> pd.DataFrame:
    said, about = result["evaluation"], result["corruption"]
    return pd.DataFrame(
        {
            "corruption": str(said["corruption"]),
            "title": str(about["title"]),
            "group": str(about["group"]),
            "severity": np.arange(1, len(said["severities"]) + 1),
            "value": np.asarray(said["severities"], np.float64),
        }
    )
