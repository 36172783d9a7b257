"""Synthetic comparisons of two methods whose true difference is known: do the tests err as often as they say?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from reports.statistics.clustered import two_way
from reports.statistics.fold_tests import corrected_t
from reports.statistics.multiple_testing import LEVEL
from reports.statistics.subject_tests import sign_flip, signed_rank

#: Mean logit of still classifying a scan correctly once it is corrupted: 0.7 of them, about.
KEPT = 0.9


@dataclass(frozen=True, kw_only=True)
class People:
    """Two methods on the same subjects under repeated k-fold cross-validation.

    A scan's logit of being classified correctly is `ease` plus normal effects: of its subject, of its method on that
    subject, and of its method's training for that fold; the first method's is higher by `lead`.

    Attributes:
        subjects: in all; in every repeat they are dealt out anew over the folds.
        drawn: how many of them take part in a repeat, drawn anew in each; None for all.
        scans: of each subject, tested once a repeat.
        folds: of a repeat; their sizes differ by one subject at most.
        repeats: of the cross-validation.
        ease: mean logit.
        by_subject: standard deviation of what makes a subject easy for both methods.
        by_method: standard deviation of what makes a subject easy for one method.
        by_training: standard deviation between training runs.
        lead: 0 where the methods are equal.
    """

    subjects: int = 60
    drawn: int | None = None
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
    """Correctly classified scans in each place of each repeat; there are as many places as subjects take part.

    Returns:
        counts ``(experiments, 2, repeats, places)``; and, without the second axis, whose they are, and in which fold.
    """
    everyone = experiments, people.repeats, people.subjects
    who = np.broadcast_to(np.arange(people.subjects), everyone)
    if people.drawn is not None:
        who = generator.permuted(who, axis=-1)[..., : people.drawn]
    part = np.broadcast_to(np.arange(who.shape[-1]) % people.folds, who.shape)
    fold = generator.permuted(part, axis=-1)
    logit = people.ease + generator.normal(0.0, people.by_subject, (experiments, 1, 1, people.subjects))
    logit = logit + generator.normal(0.0, people.by_method, (experiments, 2, 1, people.subjects))
    logit[:, 0] += people.lead
    logit = np.take_along_axis(logit, who[:, None], axis=-1)
    by_run = generator.normal(0.0, people.by_training, (experiments, 2, people.repeats, people.folds))
    logit = logit + np.take_along_axis(by_run, fold[:, None], axis=-1)
    return generator.binomial(people.scans, special.expit(logit)), who, fold


def rejections(people: People, experiments: int, *, seed: int) -> Mapping[str, float]:
    """The share of experiments in which each test says that the methods differ, and their mean difference.

    Returns:
        ``difference`` (of accuracy, a share of 1), and of experiments: ``naive_t`` (the paired t-test over folds, as if
        these were independent), ``corrected_t``, ``sign_flips``, ``signed_ranks``, and ``two_way``, the primary test.
    """
    right, who, fold = message(people, experiments, generator=np.random.default_rng(seed))
    gaps = ((right[:, 0] - right[:, 1]) / people.scans).reshape(experiments, -1)
    runs = people.repeats * people.folds
    training = (np.arange(people.repeats)[:, None] * people.folds + fold).reshape(experiments, -1)
    subject = who.reshape(experiments, -1)

    places = _sums(np.ones_like(gaps), training, runs)
    folds = _sums(gaps, training, runs) / places
    sizes = {"n_train": gaps.shape[1] / people.repeats - places.mean(), "n_test": places.mean()}
    times = _sums(np.ones_like(gaps), subject, people.subjects)
    subjects = np.divide(_sums(gaps, subject, people.subjects), times, out=np.zeros_like(times), where=times > 0)
    return {
        "difference": float(gaps.mean()),
        "naive_t": _share(_t_test(folds)),
        "corrected_t": _share(corrected_t(folds, **sizes).p),
        "sign_flips": _share(sign_flip(subjects)),
        "signed_ranks": _share(signed_rank(subjects)),
        "two_way": _share(_two_way(gaps, subject, training, tested=times > 0)),
    }


def _two_way(
    gaps: NDArray[np.float64], subject: NDArray[np.int64], training: NDArray[np.int64], *, tested: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The primary test's p ``(experiments,)`` of cells' gaps ``(experiments, C)``; NaN where nothing varies."""
    mean = gaps.mean(axis=1)
    return _p(mean, (gaps - mean[:, None]) / gaps.shape[1], subject, training, tested=tested)


def _p(
    value: NDArray[np.float64],
    influences: NDArray[np.float64],
    subject: NDArray[np.int64],
    training: NDArray[np.int64],
    *,
    tested: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The same of values ``(experiments,)`` and the influences of cells on them, ``(experiments, C)``."""
    runs, cells = int(training.max()) + 1, influences.shape[1]
    sums = _sums(influences, subject, tested.shape[1]), _sums(influences, training, runs)
    count = tested.sum(axis=1)
    found = two_way(*sums, influences, np.stack([count, np.full_like(count, runs), np.full_like(count, cells)], axis=1))
    error = np.where(found.variance > 1e-18, np.sqrt(found.variance), np.nan)
    return np.asarray(2.0 * stats.t.sf(np.abs(value) / error, found.freedom))


def kept_message(
    people: People, experiments: int, *, kept: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], ...]:
    """`message`, and second how many of these scans are still correctly classified once they are corrupted.

    One is with a probability whose logit is `KEPT` plus normal effects of the method on the subject and of its training
    run, of the same standard deviations as for clean scans but independent of these; the first method's is higher by
    `kept`. So relative robustness is the same for both where `kept` is 0, whatever they get right of clean scans.
    """
    clean, who, fold = message(people, experiments, generator=generator)
    logit = KEPT + generator.normal(0.0, people.by_method, (experiments, 2, 1, people.subjects))
    logit[:, 0] += kept
    by_run = generator.normal(0.0, people.by_training, (experiments, 2, people.repeats, people.folds))
    logit = np.take_along_axis(logit, who[:, None], axis=-1) + np.take_along_axis(by_run, fold[:, None], axis=-1)
    return clean, generator.binomial(clean, special.expit(logit)), who, fold


def kept_rejections(people: People, experiments: int, *, kept: float, seed: int) -> Mapping[str, float]:
    """`rejections` by the primary test on relative robustness, a ratio of sums (`reports.statistics.robustness`)."""
    generator = np.random.default_rng(seed)
    clean, corrupted, who, fold = kept_message(people, experiments, kept=kept, generator=generator)
    clean, corrupted = (counts.reshape(experiments, 2, -1) for counts in (clean, corrupted))
    sums = clean.sum(axis=-1, keepdims=True)
    ratios = corrupted.sum(axis=-1, keepdims=True) / sums
    influences = (corrupted - ratios * clean) / sums
    gaps, subject = ratios[:, 0, 0] - ratios[:, 1, 0], who.reshape(experiments, -1)
    training = (np.arange(people.repeats)[:, None] * people.folds + fold).reshape(experiments, -1)
    tested = _sums(np.ones(subject.shape), subject, people.subjects) > 0
    p = _p(gaps, influences[:, 0] - influences[:, 1], subject, training, tested=tested)
    return {"difference": float(gaps.mean()), "two_way": _share(p)}


def fold_rejections(experiments: int, *, folds: int, k: int, correlation: float, seed: int) -> Mapping[str, float]:
    """The same of the two tests over folds, for `compound_folds` of k-fold cross-validation."""
    generator = np.random.default_rng(seed)
    found = compound_folds(experiments, folds, correlation=correlation, generator=generator)
    return {
        "naive_t": _share(_t_test(found)),
        "corrected_t": _share(corrected_t(found, n_train=k - 1, n_test=1).p),
    }


def _t_test(folds: NDArray[np.float64]) -> NDArray[np.float64]:
    """As if folds were independent; NaN where none differs from another."""
    return np.asarray(corrected_t(folds, n_train=np.inf, n_test=1.0).p)


def _sums(values: NDArray[np.float64], cluster: NDArray[np.int64], clusters: int) -> NDArray[np.float64]:
    """``(experiments, clusters)`` of values ``(experiments, C)``."""
    at = cluster + np.arange(len(values))[:, None] * clusters
    found = np.bincount(at.ravel(), values.ravel(), len(values) * clusters).astype(np.float64)
    return found.reshape(len(values), clusters)


def _share(p: ArrayLike) -> float:
    return float(np.mean(np.asarray(p) < LEVEL))
