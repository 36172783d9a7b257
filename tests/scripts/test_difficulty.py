"""The measure of difficulty: that it runs on a tiny dataset, and that what it reports is what it should be."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from afnetm.data.scan import EXPRESSIONS
from afnetm.data.synthetic.making import make_scan
from afnetm.data.synthetic.nuisance import GROUPS, IDEAL
from scripts.difficulty import Classifier, Measured, Row, features, linear, main, measured, network, written


def scans(*, telling: float, shape: tuple[int, ...]) -> Measured:
    """Blocks ``told`` (of the label) and ``known`` (of the subject) of 15 subjects with 12 scans each."""
    rng = np.random.default_rng(0)
    people, labels = np.repeat(np.arange(15), 12), np.tile(np.repeat(np.arange(6), 2), 15)
    size = int(np.prod(shape))

    def block(kinds: NDArray[np.int64]) -> NDArray[np.float32]:
        means = rng.normal(size=(kinds.max() + 1, size)) * telling
        return (means[kinds] + rng.normal(size=(180, size))).reshape(180, *shape).astype(np.float32)

    return Measured({"told": block(labels), "known": block(people)}, labels, people)


def test_features_are_blocks_of_a_size() -> None:
    scan = make_scan(seed=0, number=0, expression="anger", intensity=4, nuisance=IDEAL)
    found = features(scan, size=32)
    assert {name: block.shape for name, block in found.items()} == {
        "texture": (3, 32, 32),
        "depth": (3, 32, 32),
        "masks": (4, 32, 32),
        "landmarks": (83, 3),
    }
    np.testing.assert_allclose(found["texture"].mean(axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(found["texture"].std(axis=(1, 2)), 1, atol=1e-2)
    assert set(np.unique(found["masks"])) == {0, 1}
    assert all(np.isfinite(block).all() for block in found.values())


@pytest.mark.parametrize("classify", [linear, network])
@pytest.mark.parametrize("shape", [(3, 16, 16), (20, 3)])
def test_what_separates_classes_is_found_and_what_names_subjects_is_not(
    classify: Classifier, shape: tuple[int, ...]
) -> None:
    made = scans(telling=2.0, shape=shape)
    assert made.accuracy(classify, ("told",))[0] > 0.6
    assert made.accuracy(classify, ("known",))[0] < 0.35
    assert made.accuracy(classify, ("told", "known"))[0] > 0.5


def test_six_perfect_people_are_better_than_chance() -> None:
    found = measured(Row(title="perfect", without=tuple(GROUPS)), subjects=6, intensities=(4,), size=32, seed=0)
    accuracy, error = found.accuracy(linear, ("texture", "depth"))
    assert 1 / len(EXPRESSIONS) < accuracy <= 1
    assert error > 0


def test_too_few_people_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--subjects", "3"])
    assert "at least 5" in capsys.readouterr().err


def test_the_table_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    text = "before\n<!-- difficulty -->\nold\n<!-- end of difficulty -->\nafter\n"
    assert written(text, "new") == "before\n<!-- difficulty -->\n\nnew\n\n<!-- end of difficulty -->\nafter\n"
