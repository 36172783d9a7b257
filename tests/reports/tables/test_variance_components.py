"""What comes from training and what from choosing: recovered where it is known, and computed again another way."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from reports.tables.variance_components import components, components_table, variance_components

ROW = st.tuples(*[st.integers(0, 2)] * 5)


def frame(rows):
    return pd.DataFrame(rows, columns=["repeat", "fold", "search", "setting", "reseed", "accuracy"])


def simulated(generator, *, folds, choices, choosing, training, searches=4, reseeds=3):
    """Every fold has `choices` settings, each with an effect of its own; each search finds one of them by chance."""
    rows = []
    for fold in range(folds):
        scores = 0.6 + 0.1 * (fold % 3) + generator.normal(0.0, choosing, (choices, 1))
        scores = scores + generator.normal(0.0, training, (choices, reseeds + 1))
        for search, found in enumerate(generator.integers(0, choices, searches)):
            seeds = range(reseeds + 1 if search == 0 else 1)
            rows += [(0, fold, search, found, reseed, scores[found, reseed]) for reseed in seeds]
    return frame(rows)


@pytest.mark.parametrize(("choosing", "training"), [(0.03, 0.02), (0.01, 0.02), (0.02, 0.0)])
def test_known_components_are_recovered(choosing, training):
    generator = np.random.default_rng(4)
    found = components(simulated(generator, folds=1500, choices=2000, choosing=choosing, training=training))
    assert found.training == pytest.approx(training, rel=0.05, abs=1e-9)
    assert found.choosing == pytest.approx(choosing, rel=0.1)


def test_searches_that_choose_alike_share_one_run_and_its_variance():
    """With three settings to find, a third of all pairs are alike: these differ in nothing."""
    trainings = simulated(np.random.default_rng(5), folds=3000, choices=3, choosing=0.02, training=0.03)
    found = components(trainings)
    assert found.training == pytest.approx(0.03, rel=0.05)
    # Of two searches a third have no difference, the others that of two draws.
    assert found.choosing == pytest.approx(0.02 * np.sqrt(2 / 3), rel=0.1)


@pytest.mark.parametrize("training", [0.0, 0.02])
def test_no_choice_is_no_spread_of_choosing(training):
    trainings = simulated(np.random.default_rng(6), folds=5, choices=1, choosing=0.02, training=training)
    found = components(trainings)
    assert (found.choosing, found.cut) == (0.0, False)
    assert found.training == pytest.approx(training, rel=0.5)


def test_an_estimate_below_zero_is_cut_and_said_to_be():
    alike = [(0, 0, search, search, 0, 0.5 + 0.001 * search) for search in range(3)]
    found = components(frame([*alike, (0, 0, 0, 0, 1, 0.6), (0, 0, 0, 0, 2, 0.4)]))
    assert (found.choosing, found.cut) == (0.0, True)


def test_a_table_says_what_is_cut(small, tuned):
    results = tuned(small, searches=2, reseeds=3)
    alone = results.selection["reseed"] > 0
    spread = results.selection["accuracy"].where(~alone, results.selection["reseed"] / 4)
    table = components_table(replace(results, selection=results.selection.assign(accuracy=spread)))
    assert table.text.iloc[0, 3].startswith("cut at 0.00") == bool(table.numbers["cut"].iloc[0])
    assert table.numbers["cut"].any()
    assert list(table.text.columns)[1] == "Training (seed), points"


def test_training_is_the_mean_square_within_groups_of_an_analysis_of_variance():
    generator = np.random.default_rng(7)
    scores = generator.uniform(0.4, 0.9, (4, 5))
    rows = [(0, fold, 0, 0, reseed, scores[fold, reseed]) for fold, reseed in product(range(4), range(5))]
    between = 5 * np.var(scores.mean(axis=1), ddof=1)
    assert components(frame(rows)).training ** 2 == pytest.approx(between / f_oneway(*scores).statistic)


@settings(max_examples=60)
@given(st.dictionaries(ROW, st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_components_are_half_the_squared_differences_of_pairs(scores):
    # One search has one best trial a fold, and one training of a setting one accuracy.
    wins = {}
    for repeat, fold, search, setting, _ in scores:
        wins.setdefault((repeat, fold, search), setting)
    by_seed = {(*key[:2], *key[3:]): score for key, score in scores.items()}
    rows = [
        (*key, by_seed[(*key[:2], *key[3:])]) for key in scores if wins[key[:3]] == key[3]
    ]  # fmt: skip
    found = components(frame(rows))

    def pooled(groups):
        halves = [
            (len(group) - 1, np.mean([(a - b) ** 2 / 2 for a, b in combinations(group, 2)]))
            for group in groups
            if len(group) > 1
        ]
        return np.average([half for _, half in halves], weights=[n for n, _ in halves]) if halves else np.nan

    trainings, best_trials = {}, {}
    for repeat, fold, search, setting, reseed, accuracy in rows:
        trainings.setdefault((repeat, fold, setting), {})[reseed] = accuracy
        if reseed == 0:
            best_trials.setdefault((repeat, fold), {})[search] = (setting, accuracy)
    alone = pooled([list(group.values()) for group in trainings.values()])
    both = pooled([[accuracy for _, accuracy in group.values()] for group in best_trials.values()])
    pairs = [
        (len(group) - 1, np.mean([one[0] != other[0] for one, other in combinations(group.values(), 2)]))
        for group in best_trials.values()
        if len(group) > 1
    ]
    different = np.average([share for _, share in pairs], weights=[n for n, _ in pairs]) if pairs else np.nan
    np.testing.assert_allclose(found.training**2, alone, atol=1e-12)
    np.testing.assert_allclose(found.choosing**2, np.maximum(both - different * alone, 0.0), atol=1e-12)
    assert found.training_units == sum(len(group) for group in trainings.values() if len(group) > 1)
    assert found.choosing_units == sum(len(group) for group in best_trials.values() if len(group) > 1)


@pytest.mark.parametrize("selection", ["nested", "development"])
def test_alike_best_trial_are_known_by_their_studies(small, tuned, selection):
    results = tuned(small, selection=selection, searches=3, reseeds=2)
    table = variance_components(results)
    assert list(table["method"]) == ["plain", "afnetm"]
    assert list(table["training_units"]) == [6, 6]
    assert list(table["choosing_units"]) == [6, 6]
    alike = results.studies.assign(params='{"features": 64}')
    same = results.selection.copy()
    ordinary = same["reseed"] == 0
    same["accuracy"] = same["accuracy"].where(
        ~ordinary, same.groupby(["method", "repeat", "fold"])["accuracy"].transform("first")
    )
    spaces = {name: {"features": "32 to 512"} for name in ("plain", "afnetm")}
    plan = replace(results.provenance, search=replace(results.provenance.search, spaces=spaces))
    found = variance_components(replace(results, studies=alike, selection=same, provenance=plan))
    assert list(found["choosing"]) == [0.0, 0.0]
    assert not found["cut"].any()


def test_without_other_seeds_nothing_is_told_apart(small, tuned):
    table = components_table(tuned(small, searches=2, reseeds=0))
    assert table.numbers["training"].isna().all()
    assert table.numbers["choosing"].isna().all()
    assert table.text.iloc[0].tolist()[1:4] == ["\N{EN DASH}", "0", "\N{EN DASH}"]
