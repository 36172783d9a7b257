"""Stored evaluations as the tables that a report reads of them.

Thousands are read for a report: each as arrays, and all of them put into one table at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.records.manifest import ListedRun
from benchmarks.records.store import Store
from benchmarks.reporting.evidence import importance
from benchmarks.reporting.sound import DAMAGED, message
from reports.data.usable import LeftOut
from reports.schema import probabilities
from reports.statistics.scores import BINS, bins


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A stored evaluation, as far as it can be used.

    Attributes:
        result: ``result.json``.
        answers: columns ``(n,)`` with a row a subject and severity (`reports.schema.EVALUATIONS`), or of another
            dataset a row a subject (`reports.schema.CROSS_DATASET`), but for where it belongs.
        corruption: a row a severity (`reports.schema.CORRUPTIONS`), by corruption and severity; none of another
            dataset.
        confidences: ``(severities, BINS, 3)``, what scans' confidences add up to, how many are right, and scans, as in
            `reports.statistics.scores.Grouped.confidences`; none of another dataset.
        left_out: parts that cannot be used; none, as it is of one piece.
    """

    result: Mapping[str, Any]
    answers: Mapping[str, NDArray[Any]]
    corruption: Mapping[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    confidences: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, BINS, 3)))
    left_out: Sequence[LeftOut] = field(default_factory=list)


def read_evaluation(listed: ListedRun, store: Store) -> Evaluation | LeftOut:
    """The stored evaluation of that key, or why it cannot be used."""
    of = partial(LeftOut, method=listed.method, repeat=listed.repeat, fold=listed.fold)
    try:
        result = store.result(listed.key)
        scans = _scans(store.predictions(listed.key))
        weights = importance(store.folder(listed.key), scans=len(scans.right)).get("texture")
        if listed.dataset:
            return Evaluation(result, _answers(scans, weights, np.ones(len(scans.right), np.int64)))
        corruption, severity = _corruption(result), scans.severity
        if severity is None or not ((severity >= 1) & (severity <= len(corruption))).all():
            raise ValueError(f"severities are not from 1 to {len(corruption)}")
        answers = _answers(scans, weights, severity)
        return Evaluation(result, answers, corruption, _confidences(scans, severity, len(corruption)))
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
    corruptions: dict[tuple[str, int], dict[str, Any]] = {}
    for _, one in sound:
        for place, row in one.corruption.items():
            corruptions.setdefault(place, row)
    return Evaluations(
        _placed([one for one in sound if one[0].corruption], "corruption"),
        pd.DataFrame(list(corruptions.values())),
        _calibration(sound),
        _placed([one for one in sound if one[0].dataset], "dataset"),
        {listed.key: one.result for listed, one in sound},
        lost,
    )


def _placed(sound: Sequence[tuple[ListedRun, Evaluation]], evaluated_on: str) -> pd.DataFrame:
    """The answers of all of them, each row saying whose it is."""
    if not sound:
        return pd.DataFrame()
    lengths = [len(one.answers["subject"]) for _, one in sound]
    columns = {name: np.concatenate([one.answers[name] for _, one in sound]) for name in sound[0][1].answers}
    for name, of in (("unit", "key"), *((name, name) for name in ("method", "repeat", "fold", evaluated_on))):
        columns[name] = pd.Series([getattr(listed, of) for listed, _ in sound]).repeat(lengths).to_numpy()
    return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class _Scans:
    """The tested scans of an evaluation.

    Attributes:
        subjects: names, sorted.
        subject: ``(n,)``, which of them each scan is of.
        right: ``(n,)`` bool.
        confidence: ``(n,)``, the highest probability; NaN where none is known.
        severity: ``(n,)``, None of another dataset.
    """

    subjects: NDArray[np.object_]
    subject: NDArray[np.int64]
    right: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    severity: NDArray[np.int64] | None


def _scans(table: pa.Table) -> _Scans:
    """The scans of ``predictions.parquet``.

    Raises:
        KeyError, ValueError, pyarrow.ArrowException: it has not what it must have.
    """
    named = table["subject"].combine_chunks().dictionary_encode()
    subjects = np.array(named.dictionary.to_pylist(), np.object_)
    if named.null_count or not all(isinstance(name, str) for name in subjects):
        raise ValueError("subjects are not named")
    order = np.argsort(subjects)
    shares = [table[name].to_numpy() for name in probabilities(table.column_names)]
    right = pc.fill_null(pc.equal(table["expression"], table["predicted"]), False)
    return _Scans(
        subjects[order],
        np.argsort(order)[named.indices.to_numpy()],
        right.to_numpy(),
        np.fmax.reduce(np.stack(shares), dtype=np.float64) if shares else np.full(table.num_rows, np.nan),
        table["severity"].cast(pa.int64()).to_numpy() if "severity" in table.column_names else None,
    )


def _answers(
    scans: _Scans, texture: NDArray[np.float64] | None, severity: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """A row a subject and severity, what all its scans add up to; of numbers that a record has not there is no sum."""
    count = int(severity.max(initial=1))
    place = scans.subject * count + severity - 1
    size = len(scans.subjects) * count
    number = np.bincount(place, minlength=size)
    there = number > 0

    def total(values: NDArray[np.float64] | None) -> NDArray[np.float64]:
        if values is None:
            return np.full(int(there.sum()), np.nan)
        known = ~np.isnan(values)
        sums = np.bincount(place[known], values[known], size)
        return np.where(np.bincount(place[known], minlength=size) > 0, sums, np.nan)[there]

    return {
        "subject": np.repeat(scans.subjects, count)[there],
        "severity": np.tile(np.arange(1, count + 1), len(scans.subjects))[there],
        "scans": number[there],
        "hits": np.bincount(place[scans.right], minlength=size)[there],
        "confidence": total(scans.confidence),
        "texture": total(texture),
    }


def _confidences(scans: _Scans, severity: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    place = (severity - 1) * BINS + bins(scans.confidence)
    sums = [np.bincount(place, of, count * BINS) for of in (scans.confidence, scans.right, np.ones(len(place)))]
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
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _corruption(result: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    name, about = str(result["evaluation"]["corruption"]), result["corruption"]
    said = {"corruption": name, "title": str(about["title"]), "group": str(about["group"])}
    return {
        (name, severity): said | {"severity": severity, "value": float(value)}
        for severity, value in enumerate(result["evaluation"]["severities"], 1)
    }
