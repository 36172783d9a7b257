"""Scores of sums against scikit-learn's of scans."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import confusion_matrix, f1_score, recall_score

from reports.statistics.scores import Grouped, balanced_accuracy, macro_f1, recalls
from tests.reports.conftest import EXPRESSIONS

LABELS = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 5))


@given(LABELS, st.randoms(use_true_random=False))
def test_macro_f1_is_that_of_scikit_learn(true, random):
    message = np.array([random.randrange(6) for _ in true])
    counts = confusion_matrix(true, message, labels=range(6))
    assert float(macro_f1(counts)) == pytest.approx(f1_score(true, message, average="macro"), abs=1e-12)


@given(LABELS, st.randoms(use_true_random=False))
def test_recalls_are_those_of_scikit_learn_and_missing_for_a_class_that_is_not_there(true, random):
    message = np.where(np.isin([random.randrange(6) for _ in true], true), true, true[0])
    counts = confusion_matrix(true, message, labels=range(6))
    there = np.unique(true)
    expected = np.full(6, np.nan)
    expected[there] = recall_score(true, message, labels=there, average=None, zero_division=0.0)
    np.testing.assert_allclose(recalls(counts), expected)
    average = recall_score(true, message, labels=there, average="macro", zero_division=0.0)
    assert float(balanced_accuracy(counts)) == pytest.approx(average)


def test_confusions_count_each_scan_of_each_subject_once(results):
    predictions = results.predictions[results.predictions["method"] == "late"]
    subjects = sorted(predictions["subject"].unique())
    grouped = Grouped(predictions, subjects, EXPRESSIONS)
    for index in (0, 7, 23):
        own = predictions[predictions["subject"] == subjects[index]]
        expected = confusion_matrix(own["expression"], own["predicted"], labels=EXPRESSIONS)
        np.testing.assert_array_equal(grouped.confusions[index], expected)
        assert grouped.hits[index].tolist() == [np.trace(expected), expected.sum()]
        assert grouped.of_class("fear")[index].tolist() == [expected[2, 2], expected[2].sum()]
