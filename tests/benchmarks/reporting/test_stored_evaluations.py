"""Stored evaluations as tables, held to pandas' own sums; what is damaged in one is said in a line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.records.home import Home
from benchmarks.records.manifest import ListedRun
from benchmarks.records.store import Record, Store
from benchmarks.reporting.evaluations import read_evaluations
from reports.statistics.scores import BINS, bins

SEVERITIES = (0.5, 1.5, 2.5)
CLASSES = ("anger", "fear")
_SUMS = ["scans", "hits", "confidence", "texture"]


def drawn(seed: int, scans: int = 40) -> tuple[pd.DataFrame, np.ndarray]:
    """Predictions in no order, of subjects some of whom lack a severity, and weights of texture and depth."""
    generator = np.random.default_rng(seed)
    shares = generator.dirichlet(np.ones(2), scans)
    frame = pd.DataFrame(
        {
            "scan": [f"scan-{number}" for number in range(scans)],
            "subject": generator.choice(["s2", "s10", "S1"], scans),
            "expression": generator.choice(CLASSES, scans),
            "intensity": 4,
            "predicted": np.take(CLASSES, shares.argmax(axis=1)),
            "p_anger": shares[:, 0],
            "p_fear": shares[:, 1],
            "severity": generator.integers(1, len(SEVERITIES) + 1, scans),
        }
    )
    texture = generator.random(scans).astype(np.float32)
    return frame, np.stack([texture, 1 - texture], axis=1)


def write(home: Home, key: str, predictions: pd.DataFrame, weights: np.ndarray | None) -> ListedRun:
    """Stores an evaluation of the method late on the corruption blur."""
    said = {"corruption": "blur", "severities": list(SEVERITIES), "seed": 0}
    about = {"title": "Blur", "group": "texture", "unit": "px"}
    result: dict[str, Any] = {"method": "late", "evaluation": said, "corruption": about, "accuracy": 0.5}
    outputs = {} if weights is None else {"importance": weights}
    Store(home).write(key, Record(result, predictions, pd.DataFrame({"severity": [1]}), outputs))
    return ListedRun(key, "late", 0, int(key[-1]), corruption="blur")


def read(home: Home, listed: list[ListedRun]) -> Any:
    used = {(one.method, one.repeat, one.fold) for one in listed}
    return read_evaluations(listed, Store(home), {one.key for one in listed}, used)


def test_answers_and_calibration_are_pandas_sums_of_the_scans(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = {f"{fold}" * 20: drawn(fold) for fold in range(3)}
    listed = [write(home, key, frame, weights) for key, (frame, weights) in made.items()]
    found = read(home, listed)
    assert not found.left_out
    scans = pd.concat(
        [
            frame.assign(unit=key, texture=weights[:, 0], scans=1, hits=frame["expression"] == frame["predicted"])
            for key, (frame, weights) in made.items()
        ]
    )
    scans["confidence"] = scans[["p_anger", "p_fear"]].max(axis=1)
    cell = ["unit", "subject", "severity"]
    expected = scans.groupby(cell)[_SUMS].sum().astype(np.float64)
    pd.testing.assert_frame_equal(
        found.answers.set_index(cell)[_SUMS].astype(np.float64).sort_index(), expected, check_exact=False
    )
    assert set(found.answers["fold"]) == {0, 1, 2}
    binned = scans.assign(bin=bins(scans["confidence"].to_numpy()))
    expected = binned.groupby(["severity", "bin"])[["scans", "hits", "confidence"]].sum().astype(np.float64)
    calibration = found.calibration.set_index(["severity", "bin"])[["scans", "hits", "confidence"]]
    pd.testing.assert_frame_equal(calibration.astype(np.float64).sort_index(), expected, check_exact=False)
    assert found.calibration["bin"].max() < BINS
    assert found.corruptions["value"].tolist() == list(SEVERITIES)


def test_of_numbers_that_a_record_has_not_there_is_no_sum(tmp_path: Path) -> None:
    frame, _ = drawn(0)
    found = read(Home(tmp_path), [write(Home(tmp_path), "0" * 20, frame.drop(columns=["p_anger", "p_fear"]), None)])
    assert found.answers[["confidence", "texture"]].isna().all(axis=None)
    assert found.answers["scans"].sum() == len(frame)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"severity": 0}, "severities are not from 1 to 3"),
        ({"severity": 4}, "severities are not from 1 to 3"),
        ({"severity": "high"}, "ArrowInvalid"),
        ({"subject": None}, "subjects are not named"),
        ({"subject": 7}, "subjects are not named"),
        ({"p_fear": "much"}, "Error"),
    ],
)
def test_what_is_damaged_is_left_out_with_its_reason_and_costs_no_other(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    home = Home(tmp_path)
    frame, weights = drawn(0)
    sound, damaged = write(home, "0" * 20, frame, weights), write(home, "1" * 20, frame.assign(**change), weights)
    found = read(home, [damaged, sound])
    (lost,) = found.left_out
    assert (lost.method, lost.fold, lost.what) == ("late", 1, "evaluation on blur")
    assert reason in lost.reason
    assert set(found.answers["unit"]) == {sound.key}
