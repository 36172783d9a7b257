"""Scans written in a dataset's layout and prepared from it: the same labels, subjects, splits and, nearly, maps."""

import numpy as np
import pandas as pd
import pytest

from afnetm.data.dataset import open_dataset
from afnetm.data.maps import DEPTH_STEP_MM, PLANES, REGIONS
from afnetm.data.preparing import prepare_dataset
from afnetm.data.sources.bosphorus import BosphorusSource
from afnetm.data.sources.bu3dfe import Bu3dfeSource
from afnetm.data.sources.exporting import export
from afnetm.data.splits import subject_folds
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

SIZE = 128
SOURCES = {"bu3dfe": Bu3dfeSource, "bosphorus": BosphorusSource}


@pytest.fixture(name="pairs", scope="module")
def _pairs(tmp_path_factory):
    """Of each layout: the dataset rendered directly, and the one that was exported and prepared."""
    folder = tmp_path_factory.mktemp("round trip")
    made = SyntheticSource(seed=3, subjects=2, intensities=(4,), clean=True)
    prepare_dataset(folder / "direct", made, size=SIZE, workers=1)
    for layout, source in SOURCES.items():
        export(folder / f"{layout} files", made, layout=layout, workers=1)
        prepare_dataset(folder / layout, source(folder=folder / f"{layout} files"), size=SIZE, workers=1)
    return {layout: (open_dataset(folder / "direct"), open_dataset(folder / layout)) for layout in SOURCES}


@pytest.mark.slow
@pytest.mark.parametrize("layout", SOURCES)
def test_labels_subjects_and_splits_are_equal(pairs, layout):
    direct, again = (dataset.table for dataset in pairs[layout])
    assert direct["expression"].tolist() == again["expression"].tolist()
    if layout == "bu3dfe":
        assert direct["intensity"].tolist() == again["intensity"].tolist()
    assert pd.factorize(direct["subject"])[0].tolist() == pd.factorize(again["subject"])[0].tolist()
    folds = [
        subject_folds(table["subject"], table["expression"], folds=2, repeats=2, seed=5) for table in (direct, again)
    ]
    for one, other in zip(*folds, strict=True):
        np.testing.assert_array_equal(one.test, other.test)


# A range sensor sees neither the neck behind the chin nor the sides of the head.
@pytest.mark.slow
@pytest.mark.parametrize(("layout", "seen"), [("bu3dfe", 0.999), ("bosphorus", 0.9)])
def test_depth_and_texture_are_nearly_the_same(pairs, layout, seen):
    direct, again = pairs[layout]
    for row in range(len(direct.table)):
        both = direct.planes[row, 0] & again.planes[row, 0] & PLANES["valid"] > 0
        apart = np.abs(direct.depth[row, 0].astype(int) - again.depth[row, 0])[both] * DEPTH_STEP_MM
        assert np.median(apart) <= 0.1
        assert np.percentile(apart, 99) <= 1.0
        colours = np.abs(direct.texture[row].astype(int) - again.texture[row])[:, both]
        assert np.median(colours) <= 3
        valid = direct.planes[row, 0] & PLANES["valid"] > 0
        assert both.sum() >= seen * valid.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "least"), [("bu3dfe", 0.95), ("bosphorus", 0.4)])
def test_regions_lie_where_they_did(pairs, layout, least):
    direct, again = (dataset.planes for dataset in pairs[layout])
    for region in REGIONS:
        one, other = (planes & PLANES[region] > 0 for planes in (direct, again))
        assert (one & other).sum() >= least * (one | other).sum(), region


@pytest.mark.slow
@pytest.mark.parametrize("layout", SOURCES)
def test_synthetic_faces_never_pass_for_a_data_set_s(pairs, layout):
    assert pairs[layout][1].source["synthetic"]
    assert not pairs[layout][1].shareable


def test_an_export_is_there_whole_or_not_at_all(tmp_path):
    made = SyntheticSource(seed=3, subjects=1, intensities=(4,), clean=True)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "files", made, layout="bu3dfe", workers=1, progress=stop)
    assert not list(tmp_path.iterdir())
    (tmp_path / "files").mkdir()
    with pytest.raises(UserError, match="exists already"):
        export(tmp_path / "files", made, layout="bu3dfe", workers=1)
