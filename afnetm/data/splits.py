"""Splits: which scans train and which test. A subject is on one side only, always, or the numbers mean nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.errors import UserError


@dataclass(frozen=True, eq=False)
class Split:
    """One training and its test.

    Attributes:
        repeat: 0 to repeats - 1.
        fold: 0 to folds - 1.
        train: ascending indices of the scans to train on.
        test: ascending indices of the scans to test on, of other subjects.
    """

    repeat: int
    fold: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]


def subject_folds(
    subjects: Sequence[str], strata: Sequence[str], *, folds: int, repeats: int, seed: int
) -> list[Split]:
    """Repeated subject-independent k-fold cross-validation: in every repeat each scan is tested exactly once.

    Folds have as many subjects as each other, to within one, and, as far as subjects with unequal scans allow, the
    same share of every stratum. A repeat depends on the seed and its own number only, not on how many there are.

    scikit-learn's splitters each hold one half: `GroupKFold` evens out subjects but not strata, `StratifiedGroupKFold`
    strata but not subjects, and it shuffles only subjects with like counts.

    Args:
        subjects: the subject of each of ``n`` scans.
        strata: the class of each scan, such as its expression.
        folds: at least 2, at most the number of subjects.
        repeats: at least 1.
        seed: at least 0.

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
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (subject, stratum), 1)

    splits = []
    for repeat in range(repeats):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repeat,)))
        fold_of_scan = _assign(counts / counts.sum(0), folds, rng)[subject]
        for fold in range(folds):
            test = fold_of_scan == fold
            lacking = np.setdiff1d(np.arange(len(classes)), stratum[~test])
            if lacking.size:
                raise UserError(
                    f"class {classes[lacking[0]]}: no scan of it is left to train on in repeat {repeat}, fold {fold} "
                    f"(allowed: scans of it in at least two folds, so of two subjects or more, or fewer folds)"
                )
            splits.append(Split(repeat, fold, np.flatnonzero(~test), np.flatnonzero(test)))
    return splits


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
