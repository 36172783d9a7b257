"""Brier score and calibration error against scikit-learn's and a plain loop over bins."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from reports.statistics.clustered import Cells
from reports.statistics.scores import BINS, Grouped, ece, mean
from tests.reports.conftest import EXPRESSIONS


def grouped(predictions):
    return Grouped(predictions, sorted(predictions["subject"].unique()), EXPRESSIONS)


@pytest.fixture(scope="module")
def late(results):
    return results.predictions[results.predictions["method"] == "late"]


def test_brier_score_is_that_of_scikit_learn(late):
    sums = grouped(late).brier
    shares = late[[f"p_{name}" for name in EXPRESSIONS]].to_numpy()
    expected = brier_score_loss(late["expression"], shares, labels=list(EXPRESSIONS), scale_by_half=False)
    assert float(mean(sums.sum(axis=0))) == pytest.approx(expected)


def test_calibration_error_is_the_plain_loop_over_bins(late):
    sums = grouped(late).confidences
    confidence = late[[f"p_{name}" for name in EXPRESSIONS]].max(axis=1).to_numpy()
    right = (late["expression"] == late["predicted"]).to_numpy()
    expected = 0.0
    for low in np.arange(BINS) / BINS:
        inside = (confidence >= low) & (confidence < low + 1 / BINS)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert float(ece(sums.sum(axis=0))) == pytest.approx(expected)


def test_certainty_that_is_right_is_perfect(late):
    sure = late.assign(**{f"p_{name}": (late["predicted"] == name) * 1.0 for name in EXPRESSIONS})
    sure = sure[sure["expression"] == sure["predicted"]]
    assert float(ece(grouped(sure).confidences.sum(axis=0))) == 0.0
    assert float(mean(grouped(sure).brier.sum(axis=0))) == 0.0


def test_intervals_hold_their_value(late):
    cells = Cells(late, EXPRESSIONS)
    for found in (cells.estimate(cells.grouped.brier, mean), cells.estimate(cells.grouped.confidences, ece)):
        assert 0.0 < found.interval.low < found.value < found.interval.high < 1.0
