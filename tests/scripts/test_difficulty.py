"""The measure of difficulty: that it runs on a tiny dataset, and that what it reports is what it should be."""

import numpy as np
import pytest

from afnetm.data.rendering import render
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import GROUPS, IDEAL
from scripts.difficulty import cross_validate, features, main, measure


def test_features_have_one_row_of_each_modality_a_scan() -> None:
    scan = make_scan(seed=0, number=0, expression="anger", intensity=4, nuisance=IDEAL)
    texture, depth = features(render(scan, size=32))
    assert texture.shape == depth.shape == (3 * 32 * 32,)
    channels = texture.reshape(3, -1)
    np.testing.assert_allclose(channels.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(channels.std(axis=1), 1, atol=1e-2)
    assert np.isfinite(depth).all()


def test_what_separates_classes_is_found_and_what_names_subjects_is_not() -> None:
    rng = np.random.default_rng(0)
    people, labels = np.repeat(np.arange(15), 12), np.tile(np.repeat(np.arange(6), 2), 15)
    telling = np.eye(6)[labels] * 4 + rng.normal(size=(180, 6))
    naming = np.eye(15)[people] * 4 + rng.normal(size=(180, 15))
    assert (cross_validate([telling], labels, people) == labels).mean() > 0.8
    assert (cross_validate([naming], labels, people) == labels).mean() < 0.35
    assert (cross_validate([telling, naming], labels, people) == labels).mean() > 0.7


def test_six_perfect_people_are_better_than_chance() -> None:
    found = measure(subjects=6, intensities=(4,), size=32, seed=0, clean=True, without=tuple(GROUPS), workers=1)
    assert 1 / len(EXPRESSIONS) < found.both <= 1
    assert found.error > 0


def test_too_few_people_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--subjects", "3"])
    assert "at least 5" in capsys.readouterr().err
