"""The measurement of severities: subjects of no suite, and a page that is up to date."""

import numpy as np

from afnetm.corruptions import corruptions
from afnetm.data.dataset import FaceDataset
from benchmarks.plans.suite_files import read_suite_file, suite_names
from scripts.corruptions import DOCUMENT, INPUTS, SOURCE, blocks_of, descriptions, written
from scripts.difficulty import linear_model


def test_its_subjects_are_in_no_suite() -> None:
    seeds = {read_suite_file(name).tables["dataset"].get("synthetic", {}).get("seed") for name in suite_names()}
    assert SOURCE.seed not in seeds | {203}  # that of scripts/training.toml


def test_the_page_has_every_corruption_as_it_is_now() -> None:
    text = DOCUMENT.read_text()
    assert written(text, descriptions()) == text, "python -m scripts.corruptions --write renews it"
    table = text.partition("<!-- severities -->")[2].partition("<!-- end of severities -->")[0]
    assert [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")] == list(corruptions())
    pictures = DOCUMENT.parent / "pictures" / "corruptions"
    assert {path.stem for path in pictures.iterdir()} == set(INPUTS)
    assert sum(path.stat().st_size for path in pictures.iterdir()) < 1_000_000


def test_a_corrupted_modality_is_measured_by_itself(learnable: FaceDataset) -> None:
    blocks = blocks_of(learnable)
    assert {name: block.shape[1] for name, block in blocks.items()} == {
        "texture": 3 * 16 * 16, "depth": 4 * 16 * 16, "masks": 4 * 16 * 16, "landmarks": 83 * 3
    }  # fmt: skip
    for names in INPUTS.values():
        train = np.concatenate([blocks[name] for name in names], 1)
        model = linear_model([blocks[name].shape[1] for name in names], scans=len(train))
        assert (model.fit(train, learnable.labels).predict(train) == learnable.labels).mean() > 0.9
