"""Synthetic comparisons of two methods whose true difference is known: do the tests err as often as they say?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from reports.statistics.bootstrap import difference
from reports.statistics.fold_tests import corrected_t
from reports.statistics.multiple_testing import LEVEL
from reports.statistics.scores import mean
from reports.statistics.subject_tests import sign_flip, signed_rank


@dataclass(frozen=True, kw_only=True)
class People:
    """Two methods on the same subjects under repeated k-fold cross-validation.

    A scan's logit of being told right is `ease` plus normal effects: of its subject, of its method on that subject, and
    of its method's training for that fold; the first method's is higher by `lead`.

    Attributes:
        subjects: in all; in every repeat they are dealt out anew over the folds.
        scans: of each subject, tested once a repeat.
        folds: of a repeat; they divide the subjects evenly.
        repeats: of the cross-validation.
        ease: mean logit.
        by_subject: standard deviation of what makes a subject easy for both methods.
        by_method: standard deviation of what makes a subject easy for one method.
        by_training: standard deviation between training runs.
        lead: 0 where the methods are equal.
    """

    subjects: int = 60
    scans: int = 12
    folds: int = 10
    repeats: int = 10
    ease: float = 1.2
    by_subject: float = 0.7
    by_method: float = 0.5
    by_training: float = 0.0
    lead: float = 0.0


def compound_folds(
    experiments: int, folds: int, *, correlation: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Differences ``(experiments, folds)`` of equal methods, normal, every two folds correlated by `correlation`."""
    common = generator.normal(0.0, np.sqrt(correlation), (experiments, 1))
    return common + generator.normal(0.0, np.sqrt(1.0 - correlation), (experiments, folds))


def message(people: People, experiments: int, *, generator: np.random.Generator) -> tuple[NDArray[np.int64], ...]:
    """Scans told right, ``(experiments, 2, repeats, subjects)``, and each subject's fold, without the second axis."""
    shape = experiments, people.repeats, people.subjects
    part = np.broadcast_to(np.arange(people.subjects) % people.folds, shape)
    fold = generator.permuted(part, axis=-1)
    logit = people.ease + generator.normal(0.0, people.by_subject, (experiments, 1, 1, people.subjects))
    logit = logit + generator.normal(0.0, people.by_method, (experiments, 2, 1, people.subjects))
    by_run = generator.normal(0.0, people.by_training, (experiments, 2, people.repeats, people.folds))
    logit = logit + np.take_along_axis(by_run, fold[:, None], axis=-1)
    logit[:, 0] += people.lead
    return generator.binomial(people.scans, special.expit(logit)), fold


def rejections(people: People, experiments: int, *, seed: int) -> Mapping[str, float]:
    """The share of experiments in which each test says that the methods differ, and their mean difference.

    Returns:
        ``difference`` (of accuracy, a share of 1), and of experiments: ``naive_t`` (the paired t-test over folds, as if
        these were independent), ``corrected_t``, ``sign_flips``, ``signed_ranks``, and ``interval`` (that of the
        difference excludes zero).
    """
    generator = np.random.default_rng(seed)
    right, fold = message(people, experiments, generator=generator)
    gaps = right[:, 0] - right[:, 1]
    places = (np.arange(people.repeats)[:, None] * people.folds + fold).reshape(experiments, -1)
    at = places + np.arange(experiments)[:, None] * people.repeats * people.folds
    n_test = people.scans * people.subjects / people.folds
    folds = np.bincount(at.ravel(), gaps.ravel()).reshape(experiments, -1) / n_test
    sizes = {"n_train": n_test * (people.folds - 1), "n_test": n_test}
    of_subjects = people.scans * people.repeats
    subjects = gaps.sum(axis=1) / of_subjects
    totals = np.full(people.subjects, of_subjects)
    sums = [np.stack([np.stack([each, totals], axis=-1) for each in pair]) for pair in right.sum(axis=2)]
    return {
        "difference": float(gaps.mean() / people.scans),
        "naive_t": _share(stats.ttest_1samp(folds, 0.0, axis=-1).pvalue),
        "corrected_t": _share(corrected_t(folds, **sizes).p),
        "sign_flips": _share(sign_flip(subjects)),
        "signed_ranks": _share(signed_rank(subjects)),
        "interval": float(np.mean([difference(pair[0], pair[1], mean).excludes_zero for pair in sums])),
    }


def fold_rejections(experiments: int, *, folds: int, k: int, correlation: float, seed: int) -> Mapping[str, float]:
    """The same of the two tests over folds, for `compound_folds` of k-fold cross-validation."""
    generator = np.random.default_rng(seed)
    found = compound_folds(experiments, folds, correlation=correlation, generator=generator)
    return {
        "naive_t": _share(stats.ttest_1samp(found, 0.0, axis=-1).pvalue),
        "corrected_t": _share(corrected_t(found, n_train=k - 1, n_test=1).p),
    }


def _share(p: ArrayLike) -> float:
    return float(np.mean(np.asarray(p) < LEVEL))
