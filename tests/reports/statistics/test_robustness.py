"""Relative robustness, held to sums written out and to what must hold of any."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics.clustered import estimate_labelled
from reports.statistics.robustness import Robustness, answers

CELL = ["subject", "repeat", "fold"]


def tables(seed: int, *, subjects: int = 8, folds: int = 4, scans: int = 6) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions on clean scans, and evaluations on two corruptions of three and one severities."""
    generator = np.random.default_rng(seed)
    predictions, evaluations = [], []
    for subject in range(subjects):
        place = {"subject": f"s{subject}", "repeat": 0, "fold": subject % folds}
        for scan in range(scans):
            said = "fear" if generator.random() < 0.8 else "anger"
            predictions.append(place | {"scan": f"{subject}-{scan}", "expression": "fear", "predicted": said})
        for corruption, severities in (("blur", 3), ("gone", 1)):
            for severity in range(1, severities + 1):
                hits = int(generator.binomial(scans, 0.8 - 0.2 * severity))
                evaluations.append(
                    place | {"corruption": corruption, "severity": severity, "scans": scans, "hits": hits}
                )
    return pd.DataFrame(predictions), pd.DataFrame(evaluations)


def by_hand(predictions: pd.DataFrame, evaluations: pd.DataFrame) -> float:
    clean = (predictions["expression"] == predictions["predicted"]).mean()
    ratios = []
    for _, own in evaluations.groupby("corruption"):
        shares = [each["hits"].sum() / each["scans"].sum() for _, each in own.groupby("severity")]
        ratios.append(np.mean(shares) / clean)
    return float(np.mean(ratios))


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_it_is_the_mean_over_corruptions_of_the_share_that_is_kept(seed: int) -> None:
    predictions, evaluations = tables(seed)
    found = answers(predictions, evaluations).robustness(["blur", "gone"])
    assert found.relative.value == pytest.approx(by_hand(predictions, evaluations))
    assert found.relative.value == pytest.approx(found.corrupted.value / found.clean.value)
    assert found.accuracy("gone").value == pytest.approx(
        evaluations.loc[evaluations["corruption"] == "gone", "hits"].sum() / len(predictions)
    )


def test_its_error_is_that_of_a_ratio_of_sums() -> None:
    """By the formula of survey sampling: influences (y - R x) / sum(x) of each cell, summed by training run."""
    predictions, evaluations = tables(3)
    found = answers(predictions, evaluations).robustness(["gone"])
    clean = (predictions["expression"] == predictions["predicted"]).groupby(predictions["fold"]).sum()
    kept = evaluations[evaluations["corruption"] == "gone"].groupby("fold")["hits"].sum()
    ratio = kept.sum() / clean.sum()
    influences = (kept - ratio * clean) / clean.sum()
    variance = (influences**2).sum() * len(clean) / (len(clean) - 1)
    assert found.relative.value == pytest.approx(ratio)
    assert found.relative.error == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert found.relative.freedom == pytest.approx(len(clean) - 1)


def test_a_method_does_not_differ_from_itself() -> None:
    found = answers(*tables(1)).robustness(["blur", "gone"])
    gap = found.minus(found)
    assert (gap.value, gap.error, gap.p) == (0.0, 0.0, 1.0)


def test_a_difference_is_that_of_both_methods_over_the_cells_that_both_have() -> None:
    one, other = (answers(*tables(seed)).robustness(["blur", "gone"]) for seed in (1, 2))
    shared = Robustness(other.cells.iloc[:6])
    same = Robustness(one.cells.loc[shared.cells.index])
    assert one.minus(shared).value == pytest.approx(same.relative.value - shared.relative.value)


def test_a_training_that_was_not_evaluated_on_all_of_them_counts_for_nothing() -> None:
    predictions, evaluations = tables(5)
    lacking = evaluations[(evaluations["fold"] != 0) | (evaluations["corruption"] != "gone")]
    found = answers(predictions, lacking).robustness(["blur", "gone"])
    assert set(found.cells.index.get_level_values("fold")) == {1, 2, 3}
    assert len(answers(predictions, lacking).robustness(["blur"]).cells) == 8
    assert np.isnan(answers(predictions, lacking.iloc[:0]).robustness(["blur"]).relative.value)


def test_accuracy_at_a_severity_is_the_share_of_all_its_scans_with_the_error_of_the_trainings_evaluated_on_it() -> None:
    predictions, evaluations = tables(7)
    blurred = (evaluations["corruption"] == "blur") & (evaluations["severity"] == 2)
    found = answers(predictions, evaluations[~blurred | (evaluations["fold"] != 1)]).at_severities
    own = evaluations[blurred & (evaluations["fold"] != 1)]
    assert set(found) == {("blur", 1), ("blur", 2), ("blur", 3), ("gone", 1)}
    assert found["blur", 2].value == pytest.approx(own["hits"].sum() / own["scans"].sum())
    alone = estimate_labelled(
        own.set_index(CELL)[["hits", "scans"]], lambda sums: sums[..., 0] / sums[..., 1], bounds=(0.0, 1.0)
    )
    assert found["blur", 2].interval == pytest.approx(alone.interval)
    assert answers(predictions, evaluations.iloc[:0]).at_severities == {}
