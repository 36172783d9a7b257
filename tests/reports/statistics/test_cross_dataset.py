"""Cross-dataset accuracy, held to sums written out and to what must hold of any."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics.cross_dataset import cross_dataset


def answers(seed: int, *, repeats: int = 2, folds: int = 3, lacking: bool = False) -> pd.DataFrame:
    """A method's answers in two datasets of four and six subjects, of whom ``p0`` and ``p1`` are in both."""
    generator = np.random.default_rng(seed)
    rows = []
    for repeat in range(repeats):
        for fold in range(folds):
            for dataset, subjects, share in (("far", range(4), 0.4), ("near", (0, 1, 7, 8, 9, 10), 0.8)):
                if lacking and (repeat, fold, dataset) == (0, 0, "far"):
                    continue
                for subject in subjects:
                    scans = int(generator.integers(2, 9))
                    said = {"subject": f"p{subject}", "dataset": dataset, "scans": scans}
                    rows.append({"repeat": repeat, "fold": fold, **said, "hits": int(generator.binomial(scans, share))})
    return pd.DataFrame(rows)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_mean_weighs_datasets_alike(seed: int) -> None:
    given = answers(seed)
    found = cross_dataset(given, ["near", "far"])
    sums = given.groupby("dataset")[["hits", "scans"]].sum()
    shares = sums["hits"] / sums["scans"]
    assert found.accuracy("far").value == pytest.approx(shares["far"])
    assert found.accuracy("near").value == pytest.approx(shares["near"])
    assert found.mean.value == pytest.approx(shares.mean())


def test_its_error_is_that_of_two_way_clusters() -> None:
    """V = V_subjects + V_trainings - V_cells of the influences (hits - A scans) / all scans, written out."""
    given = answers(5)
    own = given[given["dataset"] == "near"].assign(training=lambda rows: rows["repeat"] * 10 + rows["fold"])
    mean = own["hits"].sum() / own["scans"].sum()
    own = own.assign(influence=(own["hits"] - mean * own["scans"]) / own["scans"].sum())

    def part(by: list[str]) -> float:
        sums = own.groupby(by)["influence"].sum()
        return float((sums**2).sum() * len(sums) / (len(sums) - 1))

    subjects, trainings, cells = part(["subject"]), part(["training"]), part(["subject", "training"])
    variance = max(subjects + trainings - cells, subjects, trainings)
    found = cross_dataset(given, ["near", "far"]).accuracy("near")
    assert found.error == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_a_method_minus_itself_is_nothing_and_of_two_the_sign_turns() -> None:
    one, other = (cross_dataset(answers(seed), ["near", "far"]) for seed in (1, 2))
    assert one.minus(one).value == 0.0
    assert one.minus(one).p == 1.0
    assert one.minus(other).value == pytest.approx(-other.minus(one).value)
    assert one.minus(other).value == pytest.approx(one.mean.value - other.mean.value)
    assert one.minus(other).error == pytest.approx(other.minus(one).error)


def test_a_training_that_was_not_tested_on_all_datasets_counts_for_nothing() -> None:
    given = answers(4, lacking=True)
    found = cross_dataset(given, ["near", "far"])
    whole = given[(given["repeat"] > 0) | (given["fold"] > 0)]
    pd.testing.assert_frame_equal(found.cells, cross_dataset(whole, ["near", "far"]).cells)
    assert len(cross_dataset(given[given["dataset"] == "near"], ["near", "far"]).cells) == 0


def test_without_a_training_there_is_no_interval_and_it_says_why() -> None:
    found = replace(cross_dataset(answers(0), ["near"]), cells=cross_dataset(answers(0), ["near"]).cells.iloc[:0])
    assert np.isnan(found.mean.value)
    assert found.mean.why == "no training run is tested on all datasets"
