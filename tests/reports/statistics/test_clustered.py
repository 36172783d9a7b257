"""Two-way clustered errors against scipy's t-tests, matrices and resampling, and against what they promise."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from sklearn.metrics import f1_score

from reports.statistics.clustered import Cells, Estimate, clustered, estimate
from reports.statistics.multiple_testing import LEVEL
from reports.statistics.scores import macro_f1, mean
from tests.reports.conftest import EXPRESSIONS


def of_gaps(gaps, scans, subject, training):
    """The mean difference of cells with so many scans more right, of so many."""
    value = gaps.sum() / scans.sum()
    return clustered(float(value), (gaps - value * scans) / scans.sum(), subject, training)


def by_matrices(influences, subject, training):
    """The same variance as a quadratic form over all pairs of cells that share a subject, a training, or both."""

    def term(same):
        clusters = len(np.unique(same, axis=0))
        return clusters / (clusters - 1) * (influences @ same @ influences)

    subjects, trainings = (np.equal.outer(of, of).astype(float) for of in (subject, training))
    terms = term(subjects), term(trainings), term(subjects * trainings)
    return terms, max(terms[0] + terms[1] - terms[2], terms[0], terms[1])


def test_with_one_repeat_it_is_the_t_test_over_folds(make):
    for seed in range(5):
        results = make(subjects=30, folds=5, epochs=1, seed=seed)
        found = results.pairing.pair("late", "concat").accuracy
        accuracy = results.folds.pivot(index="fold", columns="method", values="accuracy")
        plain = stats.ttest_rel(accuracy["late"], accuracy["concat"])
        low, high = plain.confidence_interval()
        assert found.p == pytest.approx(plain.pvalue)
        assert [found.interval.low, found.interval.high] == pytest.approx([low, high])
        assert found.freedom == 4


@pytest.mark.parametrize("drawn", [None, 9])
def test_with_several_repeats_it_is_the_three_sums_over_all_pairs_of_cells(make, drawn):
    results = make(subjects=14, drawn=drawn, repeats=3, folds=4, epochs=1)  # 14 or 9 over 4: folds of several sizes
    rows = results.predictions.assign(right=results.predictions.eval("expression == predicted") * 1.0)
    cells = rows.groupby(["subject", "repeat", "fold", "method"])["right"].agg(["sum", "size"]).unstack("method")
    gap = (cells["sum"]["late"] - cells["sum"]["depth"]).to_numpy()
    scans = cells["size"]["late"].to_numpy()
    value = gap.sum() / scans.sum()
    index = cells.index.to_frame()
    training = (10 * index["repeat"] + index["fold"]).to_numpy()
    terms, variance = by_matrices((gap - value * scans) / scans.sum(), index["subject"].to_numpy(), training)
    sizes = index["subject"].nunique() - 1, len(np.unique(training)) - 1, len(index) - 1
    found = results.pairing.pair("late", "depth").accuracy
    assert found.value == pytest.approx(value)
    assert found.error**2 == pytest.approx(variance)
    spread = sum(term**2 / size for term, size in zip(terms, sizes, strict=True))
    assert found.freedom == pytest.approx(variance**2 / spread)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(value) / found.error, found.freedom))


@st.composite
def cells(draw):
    """Any design, runs missing: gaps and scans of cells, whose they are and where they were tested."""
    subjects, folds, repeats = draw(st.integers(1, 7)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    subject, repeat = (axis.ravel() for axis in np.indices((subjects, repeats)))
    fold = np.stack([generator.permutation(subjects) % folds for _ in range(repeats)], axis=1).ravel()
    kept = generator.random(subject.size) < draw(st.sampled_from([0.5, 1.0]))
    scans = generator.integers(1, 4, subject.size)
    lead = draw(st.sampled_from([-1.0, 0.0, 0.7, 1.0]))
    gaps = np.where(generator.random(subject.size) < abs(lead), np.sign(lead) * scans, generator.integers(-1, 2))
    found = (gaps.astype(np.int64), scans, subject, 10 * repeat + fold)
    assume(kept.any())
    return tuple(each[kept] for each in found)


@settings(max_examples=300, deadline=None)
@given(cells())
def test_an_interval_excludes_zero_where_the_test_rejects_and_nowhere_else(some):
    found = of_gaps(*some)
    assert found.interval.excludes_zero == (found.p < LEVEL)
    assert np.isnan(found.p) or 0.0 < found.p <= 1.0
    assert np.isnan(found.interval.low) == np.isnan(found.interval.high) == bool(found.why)
    if not found.why:
        assert found.error > 0.0
        assert found.interval.low <= found.value <= found.interval.high


@settings(max_examples=100, deadline=None)
@given(cells(), st.integers(0, 1000))
def test_names_and_order_of_subjects_and_trainings_do_not_matter_and_signs_turn_it_round(some, seed):
    gaps, scans, subject, training = some
    order = np.random.default_rng(seed).permutation(len(gaps))
    one, other = of_gaps(*some), of_gaps(-gaps[order], scans[order], 99 - subject[order], 7 * training[order])
    assert [other.error, other.freedom, other.p] == pytest.approx([one.error, one.freedom, one.p], nan_ok=True)
    assert other.value == -one.value


@settings(max_examples=100, deadline=None)
@given(cells())
def test_the_error_is_no_smaller_than_that_over_either_kind_of_cluster_alone(some):
    gaps, scans, subject, training = some
    found = of_gaps(*some)
    nested = len(np.unique(subject)) == len(subject) or len(np.unique(training)) == len(training)
    if not (found.why or nested):
        value = gaps.sum() / scans.sum()
        (subjects, trainings, _), _ = by_matrices((gaps - value * scans) / scans.sum(), subject, training)
        assert found.error**2 >= max(subjects, trainings) * (1 - 1e-9)


def test_one_subject_a_fold_is_the_t_test_over_subjects_in_one_repeat_and_in_several():
    generator = np.random.default_rng(0)
    gaps = generator.integers(-3, 5, (9, 4))
    subject, repeat = np.indices(gaps.shape)
    for repeats in (1, 4):
        some = (each[:, :repeats].ravel() for each in (gaps, np.full(gaps.shape, 12), subject, 100 * repeat + subject))
        plain = stats.ttest_1samp(gaps[:, :repeats].mean(axis=1), 0.0)
        assert of_gaps(*some).p == pytest.approx(plain.pvalue)


@pytest.mark.parametrize(
    ("gaps", "subject", "training", "p", "why"),
    [
        ([0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 1, 1], 1.0, "nothing varies between the training runs"),
        ([2, 2, 2, 2], [0, 1, 2, 3], [0, 0, 1, 1], np.nan, "nothing varies between the training runs"),
        ([1, 3, 2, 2], [0, 1, 2, 3], [0, 0, 1, 1], np.nan, "nothing varies between the training runs"),
        ([1, -1, 2, -2], [0, 1, 2, 3], [0, 0, 1, 1], 1.0, "nothing varies between the training runs"),
        ([1, 3], [0, 1], [0, 0], np.nan, "only one training run is finished"),
        ([1, 3], [0, 0], [0, 1], np.nan, "only one subject is tested"),
    ],
)
def test_where_nothing_can_be_told_no_difference_is_called_certain(gaps, subject, training, p, why):
    found = of_gaps(np.array(gaps), np.full(len(gaps), 12), np.array(subject), np.array(training))
    assert found.p == pytest.approx(p, nan_ok=True)
    assert np.isnan([found.interval.low, found.interval.high, found.detectable()]).all()
    assert not found.interval.excludes_zero
    assert found.why == why


def test_two_folds_have_one_degree_of_freedom():
    found = of_gaps(np.array([1, 2, 4, 6]), np.full(4, 12), np.arange(4), np.array([0, 0, 1, 1]))
    assert found.freedom == 1
    assert found.p == pytest.approx(stats.ttest_1samp([3, 10], 0.0).pvalue)


def test_the_error_of_any_score_is_what_resampling_subjects_shows():
    """Each subject in a fold of its own, so that there is no other way for scores to vary."""
    generator = np.random.default_rng(4)
    counts = generator.poisson(np.eye(4) * generator.uniform(2.0, 9.0, (60, 1, 1)) + 0.6)
    found = estimate(counts, macro_f1, np.arange(60), np.arange(60))
    resampled = [macro_f1(counts[generator.integers(0, 60, 60)].sum(axis=0)) for _ in range(4_000)]
    assert found.error == pytest.approx(np.std(resampled), rel=0.08)


def test_a_score_of_predictions_is_scikit_learn_s(results):
    late = results.predictions[results.predictions["method"] == "late"]
    cells = Cells(late, EXPRESSIONS)
    found = cells.estimate(cells.grouped.confusions, macro_f1)
    assert found.value == pytest.approx(f1_score(late["expression"], late["predicted"], average="macro"))
    assert found.interval.low < found.value < found.interval.high
    right = late["expression"] == late["predicted"]
    assert cells.accuracy.value == pytest.approx(right.mean())
    folds = right.groupby(late["fold"]).mean()  # five of five subjects each, one of four: nearly the plain one
    assert cells.accuracy.error == pytest.approx(folds.std() / np.sqrt(5), rel=0.1)


def test_no_interval_leaves_the_range_of_its_score():
    right = np.array([[12, 12]] * 5 + [[9, 12]])
    found = estimate(right, mean, np.arange(6), np.arange(6)).interval
    assert found.high == 1.0
    assert 0.0 < found.low < found.value


def test_a_score_that_subjects_or_trainings_say_nothing_of_is_over_the_others():
    """Of a class, say, that two subjects have no scan of."""
    hits = np.array([[3, 4], [2, 4], [0, 0], [4, 4], [0, 0], [1, 4]])
    training = np.array([0, 0, 1, 1, 2, 2])
    found = estimate(hits, mean, np.arange(6), training)
    kept = hits[:, 1] > 0
    assert found == estimate(hits[kept], mean, np.arange(4), training[kept])


def test_intervals_cover_the_truth_though_trainings_vary_and_subjects_are_drawn_anew():
    """24 of 40 people drawn in each of 5 repeats of 6 folds; a training's luck is as large as a subject's."""
    generator = np.random.default_rng(25)
    truth = expit(generator.normal(0.5, np.hypot(0.9, 0.9), 1_000_000)).mean()
    hits, rounds = 0, 400
    for _ in range(rounds):
        ease, luck = generator.normal(0.5, 0.9, 40), generator.normal(0.0, 0.9, (5, 6))
        subject = np.stack([generator.permutation(40)[:24] for _ in range(5)])
        fold = np.broadcast_to(np.arange(24) % 6, (5, 24))
        right = generator.binomial(12, expit(ease[subject] + np.take_along_axis(luck, fold, axis=1)))
        sums = np.stack([right.ravel(), np.full(right.size, 12)], axis=-1)
        training = (fold + 6 * np.arange(5)[:, None]).ravel()
        found = estimate(sums, mean, subject.ravel(), training).interval
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / rounds <= 0.98


@pytest.mark.parametrize(("folds", "level"), [(2, 0.05), (5, 0.0125), (10, 0.05)])
def test_a_detectable_difference_is_detected_four_times_in_five(folds, level):
    smallest = Estimate(0.0, 1.0 / np.sqrt(folds), folds - 1).detectable(level)
    drawn = np.random.default_rng(folds).normal(smallest, 1.0, (20_000, folds))
    assert np.mean(stats.ttest_1samp(drawn, 0.0, axis=1).pvalue < level) == pytest.approx(0.8, abs=0.01)


def test_a_single_training_run_has_the_t_test_over_subjects_where_the_protocol_has_no_other():
    rng = np.random.default_rng(3)
    gaps, scans = rng.integers(-3, 4, 9), np.full(9, 12)
    influences = (gaps - gaps.sum() / scans.sum() * scans) / scans.sum()
    given = float(gaps.sum() / scans.sum()), influences, np.arange(9), np.zeros(9, np.int64)
    found, expected = clustered(*given, single=True), stats.ttest_1samp(gaps / scans, 0.0)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert clustered(*given).why == "only one training run is finished"
    assert clustered(*(part[:1] if np.ndim(part) else part for part in given), single=True).why.startswith(
        "only one su"
    )
