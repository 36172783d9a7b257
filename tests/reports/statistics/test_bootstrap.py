"""The intervals against slow, plain recomputations, and against what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit
from scipy.stats import mannwhitneyu
from sklearn.metrics import accuracy_score, f1_score

from reports.statistics.bootstrap import difference, draws, improvement, interval
from reports.statistics.scores import Grouped, macro_f1, mean
from tests.reports.conftest import EXPRESSIONS

SCORES = [
    ("hits", mean, accuracy_score),
    ("confusions", macro_f1, lambda true, message: f1_score(true, message, average="macro")),
]


@pytest.mark.parametrize(("of", "score", "reference"), SCORES)
def test_interval_is_the_plain_loop_over_resampled_scans(results, of, score, reference):
    predictions = results.predictions[results.predictions["method"] == "concat"]
    subjects = sorted(predictions["subject"].unique())
    scans = {name: rows[["expression", "predicted"]].to_numpy() for name, rows in predictions.groupby("subject")}
    sums = getattr(Grouped(predictions, subjects, EXPRESSIONS), of)
    found = interval(sums, score)
    resampled = []
    for times in draws(len(subjects))[:400]:
        chosen = [scans[name] for name, often in zip(subjects, times, strict=True) for _ in range(int(often))]
        resampled.append(reference(*np.concatenate(chosen).T))
    vectorised = score(np.tensordot(draws(len(subjects))[:400], sums, axes=1))
    np.testing.assert_allclose(vectorised, resampled, atol=1e-12)
    assert found.value == pytest.approx(reference(predictions["expression"], predictions["predicted"]))
    # 400 of the 10,000 resamples give the same ends up to their own noise.
    np.testing.assert_allclose([found.low, found.high], np.quantile(resampled, (0.025, 0.975)), atol=0.02)


def test_every_resample_holds_as_many_subjects_as_there_are():
    times = draws(13)
    assert times.shape == (10_000, 13)
    assert (times.sum(axis=1) == 13).all()
    np.testing.assert_allclose(times.mean(axis=0), 1.0, atol=0.05)


def test_pairing_by_subject_narrows_the_difference():
    generator = np.random.default_rng(3)
    ease = expit(generator.normal(0.0, 2.0, 40))
    right = generator.binomial(24, ease), generator.binomial(24, ease)
    first, second = (np.array([[hits, 24] for hits in hit]) for hit in right)
    apart = interval(first, mean)
    gap = difference(first, second, mean)
    assert gap.high - gap.low < 0.6 * (apart.high - apart.low)


def test_one_subject_has_no_interval():
    found = interval(np.array([[3, 4]]), mean)
    assert found.value == 0.75
    assert np.isnan([found.low, found.high]).all()
    assert not found.excludes_zero


@settings(max_examples=20)
@given(hnp.arrays(np.int64, st.tuples(st.integers(2, 12), st.just(6), st.just(6)), elements=st.integers(0, 9)))
def test_ends_enclose_shares(counts):
    counts[:, 0, 0] += 1
    found = interval(counts, macro_f1)
    assert 0.0 <= found.low <= found.high <= 1.0


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """24 subjects of 12 scans with normal effects: 93 % in a trial of 600, a little short of 95."""
    generator = np.random.default_rng(24)
    truth = expit(generator.normal(0.5, 0.9, 1_000_000)).mean()
    hits = 0
    for _ in range(300):
        right = generator.binomial(12, expit(generator.normal(0.5, 0.9, 24)))
        found = interval(np.array([[hit, 12] for hit in right]), mean)
        hits += found.low <= truth <= found.high
    assert 0.89 <= hits / 300 <= 0.975


def test_intervals_cover_the_truth_where_subjects_are_drawn_anew_in_every_repeat():
    """As above, 24 of 40 people drawn in each of 5 repeats: some are tested five times, some never."""
    generator = np.random.default_rng(25)
    truth = expit(generator.normal(0.5, 0.9, 1_000_000)).mean()
    hits = 0
    for _ in range(200):
        ease = expit(generator.normal(0.5, 0.9, 40))
        times = np.sum([generator.permutation(40) < 24 for _ in range(5)], axis=0)
        tested = times > 0
        right = generator.binomial(12 * times[tested], ease[tested])
        counts = np.array([[hit, scans] for hit, scans in zip(right, 12 * times[tested], strict=True)])
        found = interval(counts, mean)
        hits += found.low <= truth <= found.high
    assert 0.89 <= hits / 200 <= 0.985


def test_a_difference_over_drawn_subjects_is_the_plain_loop_over_resampled_scans(make):
    results = make(subjects=14, drawn=8, repeats=3, folds=4, epochs=1)
    rows = results.predictions
    found = results.pairing.pair("afnetm", "late").accuracy
    right = rows.assign(right=rows["expression"] == rows["predicted"])
    means = right.groupby("method")["right"].mean()
    assert found.value == pytest.approx(means["afnetm"] - means["late"])
    sums = right.groupby(["subject", "method"])["right"].agg(["sum", "size"]).unstack("method")
    resampled = []
    for times in draws(len(sums))[:500]:
        hits, scans = (sums[name].mul(times, axis=0).sum() for name in ("sum", "size"))
        resampled.append((hits / scans)["afnetm"] - (hits / scans)["late"])
    np.testing.assert_allclose([found.low, found.high], np.quantile(resampled, (0.025, 0.975)), atol=0.025)


DIFFERENCES = hnp.arrays(np.float64, st.integers(2, 30), elements=st.sampled_from([-0.5, -0.25, 0.0, 0.25, 0.5]))


@settings(max_examples=30)
@given(DIFFERENCES)
def test_probability_of_improvement_is_that_of_rliable_with_subjects_for_tasks(differences):
    """There the mean over tasks of Mann and Whitney's U over the number of pairs of runs; here tasks have one run."""
    found = improvement(differences)
    each = [mannwhitneyu([one], [0.0]).statistic for one in differences]
    assert found.value == pytest.approx(np.mean(each))
    assert 0.0 <= found.low <= found.high <= 1.0
    turned = improvement(-differences)
    assert [turned.value, turned.low, turned.high] == pytest.approx(
        [1.0 - found.value, 1.0 - found.high, 1.0 - found.low]
    )
