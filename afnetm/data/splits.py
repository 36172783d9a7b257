"""Splits: which scans train and which test. A subject is on one side only, always, or the numbers mean nothing."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.errors import UserError
from afnetm.seeding import derive_seed, stream


@dataclass(frozen=True, eq=False)
class Split:
    """One training and its test.

    Attributes:
        repeat: 0 to repeats - 1.
        fold: 0 to folds - 1.
        train: ascending indices of the scans to train on; a scan whose subject was not drawn is on neither side.
        test: ascending indices of the scans to test on, of other subjects.
    """

    repeat: int
    fold: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]


def subject_folds(
    subjects: Sequence[str],
    strata: Sequence[str],
    *,
    folds: int,
    repeats: int,
    seed: int,
    drawn: int | None = None,
    redraw: bool = False,
) -> list[Split]:
    """Repeated subject-independent k-fold cross-validation: in every repeat each scan is tested exactly once.

    All subjects take part, or `drawn` of them, drawn at random; then the scans of the others are on neither side.

    Folds have as many subjects as each other, to within one, and, as far as subjects with unequal scans allow, the
    same share of every stratum. A repeat depends on the seed and its own number only, not on how many there are.

    scikit-learn's splitters each hold one half: `GroupKFold` evens out subjects but not strata, `StratifiedGroupKFold`
    strata but not subjects, and it shuffles only subjects with like counts.

    Args:
        subjects: the subject of each of ``n`` scans.
        strata: the class of each scan, such as its expression.
        folds: at least 2, at most the number of subjects, or of those drawn.
        repeats: at least 1.
        seed: at least 0.
        drawn: how many subjects take part; None for all.
        redraw: whether they are drawn anew in every repeat. The first repeat is the same either way.

    Returns:
        ``repeats * folds`` splits, repeat by repeat.

    Raises:
        UserError: a number out of range, or a class that a training fold would lack.
    """
    names, subject = np.unique(np.asarray(subjects), return_inverse=True)
    classes, stratum = np.unique(np.asarray(strata), return_inverse=True)
    if repeats < 1:
        raise UserError(f"repeats: {repeats} (allowed: 1 or more)")
    if seed < 0:
        raise UserError(f"seed: {seed} (allowed: 0 or more)")
    if not 2 <= folds <= len(names):
        raise UserError(f"folds: {folds} (allowed: 2 to {len(names)}, the number of subjects)")
    if drawn is not None and not folds <= drawn <= len(names):
        raise UserError(f"subjects: {drawn} (allowed: {folds}, the folds, to {len(names)}, the subjects there are)")
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (subject, stratum), 1)

    splits = []
    for repeat in range(repeats):
        chosen = _draw(len(names), drawn, seed=seed, repeat=repeat if redraw else 0)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repeat,)))
        total = counts[chosen].sum(0)
        fold_of_subject = np.full(len(names), -1)
        fold_of_subject[chosen] = _assign(counts[chosen] / np.where(total > 0, total, 1), folds, rng)
        fold_of_scan = fold_of_subject[subject]
        for fold in range(folds):
            test, train = fold_of_scan == fold, (fold_of_scan >= 0) & (fold_of_scan != fold)
            lacking = np.setdiff1d(np.arange(len(classes)), stratum[train])
            if lacking.size:
                raise UserError(
                    f"class {classes[lacking[0]]}: none of its scans is left for training in repeat {repeat}, fold "
                    f"{fold} (allowed: scans of it in at least two folds, so of two subjects or more, or fewer folds)"
                )
            splits.append(Split(repeat, fold, np.flatnonzero(train), np.flatnonzero(test)))
    return splits


def groups_of(subjects: Sequence[str], values: Sequence[str]) -> NDArray[np.str_]:
    """The group of each scan, people's sessions say, called as the first of its subjects, whatever `values` call it.

    >>> groups_of(["s1", "s2", "s3", "s2"], ["Ada", "Ada", "Ben", "Ada"]).tolist()
    ['s1', 's1', 's3', 's1']

    Raises:
        UserError: a value is empty, or a subject has two, so that it would be in two groups.
    """
    of: dict[str, str] = {}
    for subject, value in zip(subjects, values, strict=True):
        if not value:
            raise UserError(f"a scan of subject '{subject}' has none (allowed: one for every scan)")
        if of.setdefault(subject, value) != value:
            raise UserError(f"subject '{subject}' has '{of[subject]}' and '{value}' (allowed: one for all its scans)")
    first: dict[str, str] = {}
    for subject in sorted(of):
        first.setdefault(of[subject], subject)
    return np.array([first[value] for value in values], dtype=str)


def complete_subjects(subjects: Sequence[str], kinds: Sequence[Hashable], *, needed: Iterable[Hashable]) -> set[str]:
    """The subjects who have at least one scan of every kind in `needed`; `kinds` says which each scan is of.

    >>> sorted(complete_subjects(["a", "a", "b"], ["fear", "anger", "fear"], needed=["fear", "anger"]))
    ['a']
    """
    needed = set(needed)
    found: dict[str, set[Hashable]] = {}
    for subject, kind in zip(subjects, kinds, strict=True):
        found.setdefault(subject, set()).add(kind)
    return {subject for subject, theirs in found.items() if needed <= theirs}


def _draw(count: int, drawn: int | None, *, seed: int, repeat: int) -> NDArray[np.intp]:
    """Ascending numbers of the subjects that take part, of 0 to ``count - 1``."""
    if drawn is None:
        return np.arange(count)
    rng = np.random.default_rng(derive_seed(use="subjects", seed=seed, repeat=repeat))
    return np.sort(rng.permutation(count)[:drawn])


def _assign(shares: NDArray[np.float64], folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The fold of each subject, given its share of every class ``(subjects, classes)``.

    Greedy: subjects in random order, those with most scans first, each to the fold with a free place that it unbalances
    least, by the sum of squared shares over folds and classes.
    """
    count = len(shares)
    order = rng.permutation(count)
    order = order[np.argsort(-shares[order].sum(1), kind="stable")]
    # The folds that get a subject more than the others, where the number of subjects is no multiple, are drawn too.
    places = rng.permutation(np.arange(folds) < count % folds) + count // folds
    load = np.zeros((folds, shares.shape[1]))
    fold_of_subject = np.empty(count, np.intp)
    for one in order:
        unbalance = ((2 * load + shares[one]) * shares[one]).sum(1)
        fold = np.where(places > 0, unbalance, np.inf).argmin()
        fold_of_subject[one] = fold
        load[fold] += shares[one]
        places[fold] -= 1
    return fold_of_subject


def hold_out(subjects: Sequence[str], index: NDArray[np.intp], *, share: float, seed: int) -> list[NDArray[np.intp]]:
    """Cuts training scans in two by subjects: those to train on, and those of the held-out subjects, both ascending.

    Args:
        subjects: the subject of each of ``n`` scans.
        index: the training scans.
        share: of their subjects who are held out, to the nearest whole one, but at least one; 0 for none.
        seed: decides who.

    Raises:
        UserError: nobody would be left to train on.
    """
    if share == 0.0:
        return [index, index[:0]]
    own = np.asarray(subjects)[index]
    names = np.unique(own)
    count = max(1, round(share * len(names)))
    if count >= len(names):
        raise UserError(f"held_out = {share}: of {len(names)} training subjects nobody would be left to train on")
    away = np.isin(own, stream(seed, "held out").permutation(names)[:count])
    return [index[~away], index[away]]
