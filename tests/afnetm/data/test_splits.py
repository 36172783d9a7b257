import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from afnetm.data.splits import complete_subjects, subject_folds
from afnetm.errors import UserError


@st.composite
def datasets(draw):
    """Subjects with unequal numbers of scans in shuffled order, every class with several subjects; and folds."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(4, 25))
    classes = draw(st.integers(1, 6))
    subjects, strata = [], []
    for subject in range(count):
        present = rng.random(classes) < 0.9
        for one in np.flatnonzero(present):
            scans = int(rng.integers(1, 5))
            subjects += [f"p{subject}"] * scans
            strata += [f"c{one}"] * scans
    order = rng.permutation(len(subjects))
    assume(len(set(subjects)) >= 2)
    folds = draw(st.integers(2, len(set(subjects))))
    return np.array(subjects)[order], np.array(strata)[order], folds


def _folds_or_reject(subjects, strata, **options):
    """Random small datasets may have a class that only one fold has: then there is an error, tested apart."""
    try:
        return subject_folds(subjects, strata, **options)
    except UserError:
        assume(False)


@given(datasets(), st.integers(1, 3), st.integers(0, 1000))
def test_no_subject_on_both_sides_and_every_scan_tested_once_a_repeat(dataset, repeats, seed):
    subjects, strata, folds = dataset
    splits = _folds_or_reject(subjects, strata, folds=folds, repeats=repeats, seed=seed)
    assert [(split.repeat, split.fold) for split in splits] == [(r, f) for r in range(repeats) for f in range(folds)]
    tested = np.zeros((repeats, len(subjects)), int)
    for split in splits:
        assert not set(subjects[split.train]) & set(subjects[split.test])
        np.testing.assert_array_equal(np.sort(np.concatenate([split.train, split.test])), np.arange(len(subjects)))
        assert set(strata[split.train]) == set(strata)
        tested[split.repeat, split.test] += 1
    assert (tested == 1).all()


@given(datasets(), st.integers(0, 1000))
def test_folds_have_equally_many_subjects_to_within_one(dataset, seed):
    subjects, strata, folds = dataset
    splits = _folds_or_reject(subjects, strata, folds=folds, repeats=1, seed=seed)
    sizes = [len(set(subjects[split.test])) for split in splits]
    assert max(sizes) - min(sizes) <= 1


@given(datasets(), st.integers(0, 1000))
def test_the_seed_decides_and_more_repeats_change_nothing(dataset, seed):
    subjects, strata, folds = dataset
    few = _folds_or_reject(subjects, strata, folds=folds, repeats=2, seed=seed)
    many = _folds_or_reject(subjects, strata, folds=folds, repeats=4, seed=seed)
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.test, other.test)


@given(datasets(), st.integers(0, 1000))
def test_the_order_of_scans_does_not_matter(dataset, seed):
    subjects, strata, folds = dataset
    splits = _folds_or_reject(subjects, strata, folds=folds, repeats=1, seed=seed)
    order = np.argsort(subjects, kind="stable")
    for split, other in zip(
        splits, subject_folds(subjects[order], strata[order], folds=folds, repeats=1, seed=seed), strict=True
    ):
        assert set(subjects[split.test]) == set(subjects[order][other.test])


def test_repeats_and_seeds_differ():
    subjects = [f"p{k // 6:02d}" for k in range(120)]
    strata = [f"c{k % 6}" for k in range(120)]
    partitions = [
        frozenset(frozenset(split.test.tolist()) for split in splits[repeat * 5 : repeat * 5 + 5])
        for splits in (subject_folds(subjects, strata, folds=5, repeats=10, seed=seed) for seed in (0, 1))
        for repeat in range(10)
    ]
    assert len(set(partitions)) == 20


def test_every_subject_meets_every_other_now_and_then():
    subjects = [f"p{k // 6:02d}" for k in range(60)]
    strata = [f"c{k % 6}" for k in range(60)]
    multi = np.zeros((10, 10))
    for split in subject_folds(subjects, strata, folds=5, repeats=400, seed=3):
        one, other = np.unique(split.test // 6)
        multi[one, other] += 1
    # Each of the 45 pairs shares one of the 5 folds with probability 1/9.
    assert np.abs(multi[np.triu_indices(10, 1)] / 400 - 1 / 9).max() < 0.06


def test_classes_are_spread_better_than_by_chance():
    rng = np.random.default_rng(0)
    subjects, strata = [], []
    for subject in range(60):
        for one in rng.choice(6, size=rng.integers(3, 25)):
            subjects.append(f"p{subject:02d}")
            strata.append(f"c{one}")

    def unevenness(tests):
        counts = np.array([[np.sum(np.array(strata)[test] == f"c{one}") for one in range(6)] for test in tests])
        return counts.std(0).mean(), np.ptp(counts.sum(1))

    ours = unevenness([split.test for split in subject_folds(subjects, strata, folds=10, repeats=1, seed=0)])
    chance = unevenness(
        [test for _, test in GroupKFold(10, shuffle=True, random_state=0).split(subjects, None, subjects)]
    )
    assert ours[0] < 0.6 * chance[0]
    assert ours[1] < 0.3 * chance[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 5}, r"folds: 5 \(allowed: 2 to 4, the number of subjects\)"),
        ({"folds": 1}, r"folds: 1 \(allowed: 2 to 4"),
        ({"repeats": 0}, r"repeats: 0 \(allowed: 1 or more\)"),
        ({"seed": -1}, r"seed: -1 \(allowed: 0 or more\)"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    subjects = ["a", "b", "c", "d"]
    with pytest.raises(UserError, match=message):
        subject_folds(subjects, ["x"] * 4, **({"folds": 2, "repeats": 1, "seed": 0} | options))


def test_a_class_that_a_training_fold_lacks_is_named():
    subjects = ["a", "a", "b", "b", "c", "c"]
    strata = ["fear", "anger", "anger", "anger", "anger", "anger"]
    with pytest.raises(UserError, match=r"class fear: none of its scans is left for training in repeat 0, fold \d"):
        subject_folds(subjects, strata, folds=3, repeats=1, seed=0)


@given(datasets(), st.data(), st.booleans(), st.integers(0, 1000))
def test_so_many_are_drawn_and_each_of_their_scans_is_tested_once_a_repeat(dataset, data, redraw, seed):
    subjects, strata, folds = dataset
    drawn = data.draw(st.integers(folds, len(set(subjects))))
    splits = _folds_or_reject(subjects, strata, folds=folds, repeats=3, seed=seed, drawn=drawn, redraw=redraw)
    taking_part = []
    for repeat in range(3):
        own = [split for split in splits if split.repeat == repeat]
        chosen = set(subjects[own[0].train]) | set(subjects[own[0].test])
        taking_part.append(chosen)
        assert len(chosen) == drawn
        theirs = np.flatnonzero(np.isin(subjects, list(chosen)))
        np.testing.assert_array_equal(np.sort(np.concatenate([split.test for split in own])), theirs)
        sizes = [len(set(subjects[split.test])) for split in own]
        assert max(sizes) - min(sizes) <= 1
        for split in own:
            assert not set(subjects[split.train]) & set(subjects[split.test])
            np.testing.assert_array_equal(np.sort(np.concatenate([split.train, split.test])), theirs)
            assert set(strata[split.train]) == set(strata)
    if not redraw:
        assert taking_part[0] == taking_part[1] == taking_part[2]


@given(datasets(), st.data(), st.booleans(), st.integers(0, 1000))
def test_a_repeat_of_drawn_subjects_depends_on_the_seed_and_its_number_only(dataset, data, redraw, seed):
    subjects, strata, folds = dataset
    drawn = data.draw(st.integers(folds, len(set(subjects))))
    options = {"folds": folds, "seed": seed, "drawn": drawn}
    many = _folds_or_reject(subjects, strata, repeats=4, redraw=redraw, **options)
    few = subject_folds(subjects, strata, repeats=2, redraw=redraw, **options)
    first = subject_folds(subjects, strata, repeats=1, redraw=not redraw, **options)
    for one, other in [*zip(few, many, strict=False), *zip(first, many, strict=False)]:
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.test, other.test)


def test_everybody_drawn_is_nobody_left_out():
    subjects = [f"p{k // 6:02d}" for k in range(60)]
    strata = [f"c{k % 6}" for k in range(60)]
    plain = subject_folds(subjects, strata, folds=5, repeats=3, seed=1)
    drawn = subject_folds(subjects, strata, folds=5, repeats=3, seed=1, drawn=10, redraw=True)
    for one, other in zip(plain, drawn, strict=True):
        np.testing.assert_array_equal(one.test, other.test)


def test_every_subject_is_drawn_equally_often():
    subjects = [f"p{k:02d}" for k in range(25)]
    splits = subject_folds(subjects, ["c"] * 25, folds=5, repeats=1000, seed=2, drawn=15, redraw=True)
    times = np.zeros(25)
    for split in splits:
        times[split.test] += 1
    # Each is drawn with probability 0.6: 1000 draws have a standard deviation of 15.5.
    assert np.abs(times - 600).max() < 65


@pytest.mark.parametrize("drawn", [4, 8])
def test_a_number_drawn_out_of_range_is_refused(drawn):
    with pytest.raises(UserError, match=rf"subjects: {drawn} \(allowed: 5, the folds, to 7, the subjects there are\)"):
        subject_folds([f"p{k}" for k in range(7)], ["c"] * 7, folds=5, repeats=1, seed=0, drawn=drawn)


@given(datasets(), st.data())
def test_complete_subjects_have_every_kind_that_is_needed(dataset, data):
    subjects, strata, _ = dataset
    needed = data.draw(st.sets(st.sampled_from([f"c{k}" for k in range(6)])))
    complete = complete_subjects(subjects.tolist(), strata.tolist(), needed=needed)
    for subject in set(subjects):
        assert (subject in complete) == all(np.any((subjects == subject) & (strata == kind)) for kind in needed)
