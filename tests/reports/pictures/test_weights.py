"""How fusion weighed: only differences within a training are told, and they are those of the records."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from reports.pictures.weights import followed, nuisance_factors, shifts, weights
from reports.schema import ReportError


@pytest.fixture(scope="module")
def weighed(small):
    """Texture counts 4 points less where it failed, 2 more where depth did; each training has a balance of its own."""
    generator = np.random.default_rng(3)
    scans = np.sort(small.predictions["scan"].unique())
    recorded = pd.DataFrame(
        {
            "scan": scans,
            "nuisance_texture_failure": generator.integers(0, 2, len(scans)).astype(float),
            "nuisance_depth_failure": generator.integers(0, 2, len(scans)).astype(float),
            "nuisance_texture_failure_kind": generator.integers(0, 4, len(scans)).astype(float),
            "nuisance_blur_mm": generator.uniform(0.0, 3.0, len(scans)),
            "nuisance_landmark_jitter_mm": 1.5,
        }
    )
    rows = small.predictions.query("method == 'afnetm'")[["method", "repeat", "fold", "scan"]].merge(
        recorded, on="scan"
    )
    own = 0.3 + 0.3 * rows["fold"] - 0.04 * rows["nuisance_texture_failure"] + 0.02 * rows["nuisance_depth_failure"]
    return replace(small, importances=rows.assign(texture=own, depth=1.0 - own), nuisance_factors=recorded)


def test_shifts_are_to_the_mean_of_each_training(weighed):
    found = shifts(weighed).set_index(["fold", "group"])["shift"]
    for fold in (0, 1):
        assert found[fold, "texture failed"] - found[fold, "both sound"] == pytest.approx(-0.04)
        assert found[fold, "depth failed"] - found[fold, "both sound"] == pytest.approx(0.02)
        assert found[fold, "both failed"] - found[fold, "both sound"] == pytest.approx(-0.02)


def test_a_training_s_own_balance_changes_nothing(weighed):
    moved = weighed.importances.assign(texture=weighed.importances["texture"] + 0.1 * weighed.importances["fold"])
    other = replace(weighed, importances=moved)
    pd.testing.assert_frame_equal(shifts(other), shifts(weighed))
    pd.testing.assert_frame_equal(followed(other), followed(weighed))


def test_correlations_are_scipy_s(weighed):
    table = weighed.importances.merge(weighed.nuisance_factors, on="scan").query("fold == 1")
    found = followed(weighed).query("fold == 1").set_index("factor")["rho"]
    assert set(found.index) == {"texture_failure", "depth_failure", "blur_mm"}  # no kind, nothing that is the same
    for factor, rho in found.items():
        assert rho == pytest.approx(spearmanr(table["texture"], table[f"nuisance_{factor}"]).statistic)


def test_pictures_say_their_numbers(weighed):
    moved, rho = shifts(weighed), followed(weighed)
    picture = weights(moved, "afnetm")
    mean = 100 * moved.query("group == 'depth failed'")["shift"].mean()
    assert f"depth failed +{mean:.1f}" in picture.alt
    strongest = rho.groupby("factor")["rho"].mean().abs().idxmax().replace("_", " ")
    assert f"nuisance factors: {strongest} " in nuisance_factors(rho, "afnetm").alt


def test_without_levels_expressions_are_left(weighed):
    bare = replace(weighed, nuisance_factors=pd.DataFrame())
    assert set(shifts(bare)["group"]) == {"anger", "disgust", "fear", "happiness", "sadness", "surprise"}
    assert followed(bare).empty


def test_a_method_that_weighs_all_scans_of_a_training_alike_is_not_shown(weighed):
    alike = replace(weighed, importances=weighed.importances.assign(texture=0.4 + 0.1 * weighed.importances["fold"]))
    assert shifts(alike).empty
    assert followed(alike).empty


def test_without_weights_there_is_nothing_to_show(small):
    assert shifts(small).empty
    assert followed(small).empty


def test_weights_of_a_scan_that_was_not_tested_are_refused(weighed):
    strange = weighed.importances.assign(scan="nobody")
    with pytest.raises(ReportError, match="importances: .*'nobody'.*allowed are those of predictions"):
        replace(weighed, importances=strange.head(1))
