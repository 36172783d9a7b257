"""A small version of `nox -s calibrate`, and what the document says of the tests."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.plans.suite_files import suite_names
from reports.statistics.clustered import clustered
from reports.statistics.multiple_testing import LEVEL
from reports.statistics.robustness import Robustness
from reports.tables.guide import GUIDE, PRIMARY
from scripts.calibrate import DOCUMENT, EXPERIMENTS, Experiment, calibrated, design, designs, faults
from scripts.simulation import (
    People,
    compound_folds,
    fold_rejections,
    kept_message,
    kept_rejections,
    message,
    rejections,
)

STATED = DOCUMENT.read_text(encoding="utf-8")


def test_the_corrected_test_errs_as_it_says_where_folds_are_as_it_takes_them_to_be():
    found = fold_rejections(1_000, folds=100, k=10, correlation=0.1, seed=0)
    assert 0.03 <= found["corrected_t"] <= 0.07
    assert found["naive_t"] > 0.4


def test_simulated_folds_correlate_as_asked():
    found = compound_folds(20_000, 3, correlation=0.3, generator=np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(found.T), 0.7 * np.eye(3) + 0.3, atol=0.03)


def test_where_training_does_not_vary_tests_err_as_they_say_and_the_naive_one_far_more():
    found = rejections(People(), 400, seed=0)
    for test in ("two_way", "sign_flips", "signed_ranks"):
        assert 0.02 <= found[test] <= 0.09
    assert found["corrected_t"] <= 0.03
    assert found["naive_t"] >= 0.2
    assert abs(found["difference"]) < 0.004


@pytest.mark.parametrize("people", [people for people in designs() if people.repeats <= 10], ids=str)
def test_the_primary_test_keeps_its_level_where_trainings_vary_and_finds_more_than_the_corrected_one(people):
    """The designs of suites but of 100 repeats, which take long; of 600 experiments 5 % are 30, by chance up to 46."""
    equal = rejections(replace(people, by_training=0.3), 600, seed=1)
    assert equal["two_way"] <= 46 / 600
    different = rejections(replace(people, by_training=0.3, lead=0.6), 600, seed=2)
    assert different["two_way"] > different["corrected_t"]


def test_the_primary_test_of_relative_robustness_keeps_its_level_though_one_method_is_better_on_clean_scans():
    """A ratio; of 600 experiments 5 % are 30, by chance up to 46."""
    people = People(folds=3, repeats=3, by_training=0.3, lead=0.6)
    equal = kept_rejections(people, 600, kept=0.0, seed=1)
    assert equal["two_way"] <= 46 / 600
    assert abs(equal["difference"]) < 0.01
    different = kept_rejections(people, 600, kept=0.6, seed=2)
    assert different["two_way"] > 0.5
    assert different["difference"] == pytest.approx(0.11, abs=0.02)


def test_the_p_of_simulated_relative_robustness_is_the_report_s():
    """Where subjects are drawn anew and folds differ in size."""
    people = People(subjects=14, drawn=9, folds=4, repeats=3, by_training=0.3)
    clean, corrupted, who, fold = kept_message(people, 20, kept=1.0, generator=np.random.default_rng(3))
    repeat = np.repeat(np.arange(3), 9)
    rejected = 0
    for experiment in range(20):
        place = {"subject": who[experiment].ravel(), "repeat": repeat, "fold": fold[experiment].ravel(), "scans": 12}
        one, other = (
            Robustness(
                pd.DataFrame(place | {"clean": right.ravel(), "blur": kept.ravel()})
                .set_index(["subject", "repeat", "fold"])
                .astype(float)
            )
            for right, kept in zip(clean[experiment], corrupted[experiment], strict=True)
        )
        rejected += one.minus(other).p < LEVEL
    assert kept_rejections(people, 20, kept=1.0, seed=3)["two_way"] == pytest.approx(rejected / 20)
    assert rejected


def test_tests_on_subjects_call_equal_methods_different_where_trainings_vary():
    found = rejections(People(folds=3, repeats=3, by_training=0.3), 600, seed=0)
    assert min(found["sign_flips"], found["signed_ranks"]) > 0.13
    assert found["two_way"] < 0.08


def test_a_lead_is_found_more_often_than_by_the_corrected_test():
    found = rejections(People(lead=0.3), 200, seed=0)
    assert found["difference"] == pytest.approx(0.048, abs=0.008)
    assert found["two_way"] > found["corrected_t"] + 0.3


def test_the_simulation_s_p_is_the_report_s():
    """Where subjects are drawn anew and folds differ in size."""
    people = People(subjects=14, drawn=9, folds=4, repeats=3, by_training=0.3)
    right, who, fold = message(people, 50, generator=np.random.default_rng(3))
    rejected = 0
    for each, subject, part in zip(right, who, fold, strict=True):
        gaps = (each[0] - each[1]).ravel()
        scans, training = np.full(gaps.size, people.scans), part + 4 * np.arange(3)[:, None]
        influences = (gaps - gaps.mean()) / scans.sum()
        value = gaps.sum() / scans.sum()
        rejected += clustered(value, influences, subject.ravel(), training.ravel()).p < LEVEL
    assert rejections(people, 50, seed=3)["two_way"] == pytest.approx(rejected / 50)
    assert rejected


def test_every_subject_is_tested_once_a_repeat_in_folds_of_one_size():
    people = People(subjects=12, folds=4, repeats=3)
    right, who, fold = message(people, 5, generator=np.random.default_rng(0))
    assert right.shape == (5, 2, 3, 12)
    assert right.min() >= 0
    assert right.max() <= people.scans
    assert who.shape == fold.shape == (5, 3, 12)
    assert (np.sort(who) == np.arange(12)).all()
    assert all((np.bincount(each) == 3).all() for each in fold.reshape(-1, 12))


def test_drawn_subjects_are_others_in_every_repeat():
    _, who, _ = message(People(subjects=12, drawn=8, folds=4, repeats=3), 5, generator=np.random.default_rng(0))
    assert who.shape == (5, 3, 8)
    assert all(len(set(each)) == 8 for each in who.reshape(-1, 8))
    assert len({frozenset(each) for each in who.reshape(-1, 8)}) > 5


def test_a_design_is_what_the_suite_s_file_says():
    assert design("fusion") == People(subjects=60, folds=3, repeats=3, scans=12)
    assert design("quick") == People(subjects=40, folds=5, repeats=1, scans=12)
    assert design("bu3dfe-p2") == People(subjects=100, drawn=60, folds=10, repeats=10, scans=12)
    assert design("bu3dfe-all") == People(subjects=100, folds=10, repeats=1, scans=24)
    assert design("synthetic-bosphorus") == design("bosphorus")
    assert sorted(suite for suites in designs().values() for suite in suites) == suite_names()


def test_what_errs_too_often_is_named():
    experiment = Experiment(
        what="dice", run=lambda experiments, seed: {"naive_t": 0.2 + seed}, allowed={"naive_t": (0.0, 0.07)}
    )
    found = calibrated(experiment, batch=10, batches=2)
    assert faults(experiment, found) == ["dice: naive_t is 0.7000, allowed is 0 to 0.07"]
    weak = Experiment(what="dice", run=lambda experiments, seed: {"two_way": 0.2, "corrected_t": 0.2}, beats=True)
    assert faults(weak, calibrated(weak, batches=1)) == ["dice: two_way is 0.2000, corrected_t 0.2000"]


def test_the_document_says_what_the_page_says_and_has_every_experiment():
    plain = " ".join(STATED.split())
    assert PRIMARY in plain
    for question in GUIDE:
        assert f"| {question.asks} | {question.answer} | {question.assumes} |" in plain
        assert all(f"`{column}`" in plain for column in question.columns)
    for experiment in EXPERIMENTS:
        assert f"| {experiment.what} |" in plain


def test_the_document_s_table_has_no_row_that_may_not_be():
    """As `nox -s calibrate` wrote it: 6 % at most and more power, in every design of a suite."""
    lines = [line for line in STATED.splitlines() if "; training SD " in line]
    ratios = [line.strip("| ").split(" | ") for line in lines if line.startswith("| relative robustness")]
    rows = [line.strip("| ").split(" | ") for line in lines if not line.startswith("| relative robustness")]
    assert len(ratios) == 4
    assert len(rows) + len(ratios) == sum("training SD" in experiment.what for experiment in EXPERIMENTS)
    for what, _, two_way, corrected, *_ in rows:
        if what.endswith("lead 0"):
            assert float(two_way) <= 6.0
        else:
            assert float(two_way) > float(corrected)
    assert all(float(two_way) <= 6.0 for what, _, two_way, *_ in ratios if what.endswith("robustness lead 0"))
