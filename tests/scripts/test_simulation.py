"""A small version of `nox -s calibrate`, and what the document says of the tests."""

import numpy as np
import pytest

from reports.tables.guide import GUIDE, PRIMARY
from scripts.calibrate import DOCUMENT, EXPERIMENTS, Experiment, calibrated, faults
from scripts.simulation import People, compound_folds, fold_rejections, message, rejections

STATED = DOCUMENT.read_text(encoding="utf-8")


def test_the_corrected_test_errs_as_it_says_where_folds_are_as_it_takes_them_to_be():
    found = fold_rejections(1_000, folds=100, k=10, correlation=0.1, seed=0)
    assert 0.03 <= found["corrected_t"] <= 0.07
    assert found["naive_t"] > 0.4


def test_simulated_folds_correlate_as_asked():
    found = compound_folds(20_000, 3, correlation=0.3, generator=np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(found.T), 0.7 * np.eye(3) + 0.3, atol=0.03)


def test_over_subjects_tests_err_as_they_say_and_the_naive_one_far_more():
    found = rejections(People(), 400, seed=0)
    for test in ("sign_flips", "signed_ranks", "interval"):
        assert 0.02 <= found[test] <= 0.09
    assert found["corrected_t"] <= 0.03
    assert found["naive_t"] >= 0.2
    assert abs(found["difference"]) < 0.004


def test_a_lead_is_found_over_subjects_more_often_than_over_folds():
    found = rejections(People(lead=0.3), 200, seed=0)
    assert found["difference"] == pytest.approx(0.048, abs=0.008)
    assert found["sign_flips"] > found["corrected_t"] + 0.3


def test_every_subject_is_tested_once_a_repeat_in_folds_of_one_size():
    people = People(subjects=12, folds=4, repeats=3)
    right, fold = message(people, 5, generator=np.random.default_rng(0))
    assert right.shape == (5, 2, 3, 12)
    assert right.min() >= 0
    assert right.max() <= people.scans
    assert fold.shape == (5, 3, 12)
    assert all((np.bincount(each) == 3).all() for each in fold.reshape(-1, 12))


def test_what_errs_too_often_is_named():
    experiment = Experiment(
        what="dice", run=lambda experiments, seed: {"naive_t": 0.2 + seed}, allowed={"naive_t": (0.0, 0.07)}
    )
    found = calibrated(experiment, batch=10, batches=2)
    assert faults(experiment, found) == ["dice: naive_t is 0.7000, allowed is 0 to 0.07"]


def test_the_document_says_what_the_page_says_and_has_every_experiment():
    plain = " ".join(STATED.split())
    assert PRIMARY in plain
    for question in GUIDE:
        assert f"| {question.asks} | {question.answer} | {question.assumes} |" in plain
        assert all(f"`{column}`" in plain for column in question.columns)
    for experiment in EXPERIMENTS:
        assert f"| {experiment.what} |" in plain
