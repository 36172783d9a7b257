from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageDraw

from afnetm.data.contact_sheet import FILLED_COLOUR, REGION_COLOURS, contact_sheet
from afnetm.data.preparing import prepare_dataset
from afnetm.errors import UserError


@pytest.fixture(scope="module")
def dataset(analytic_source, tmp_path_factory):
    return prepare_dataset(tmp_path_factory.mktemp("sheet") / "faces", analytic_source(3), size=64, workers=1)


@pytest.mark.parametrize("scans", [1, 5, 12, 100])
def test_it_shows_as_many_scans_as_asked_or_there_are(dataset, scans, monkeypatch):
    formatted = []
    monkeypatch.setattr("afnetm.data.contact_sheet._caption", lambda dataset, row: formatted.append(row) or "")
    contact_sheet(dataset, scans=scans)
    assert len(set(formatted)) == len(formatted) == min(scans, 18)


def test_it_shows_textures_regions_and_what_was_filled(dataset):
    planes = dataset.planes.copy()
    planes[:, :, 20:30, 20:44] &= ~np.uint8(1)
    plain = np.asarray(contact_sheet(dataset, scans=6)).astype(int)
    filled = np.asarray(contact_sheet(replace(dataset, planes=planes), scans=6)).astype(int)
    changed = (plain != filled).any(-1)
    assert changed.any()
    shift = (
        np.abs(filled[changed] - FILLED_COLOUR).sum(-1).mean() - np.abs(plain[changed] - FILLED_COLOUR).sum(-1).mean()
    )
    assert shift < -40
    colours = {tuple(pixel) for pixel in plain.reshape(-1, 3)}
    assert set(REGION_COLOURS.values()) <= colours  # in the legend


def test_subjects_are_named_only_where_that_is_allowed(dataset, monkeypatch):
    written = []
    draw = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "text", lambda self, at, text, *rest: (written.append(text), draw(self, at, text, *rest))
    )
    contact_sheet(dataset, scans=12)
    assert "s000  anger 3" in written
    written.clear()
    contact_sheet(replace(dataset, shareable=False), scans=12)
    assert "anger 3" in written
    assert not [text for text in written if "s00" in text]


def test_it_takes_subjects_from_the_whole_dataset_and_every_expression(dataset, monkeypatch):
    chosen = []
    monkeypatch.setattr("afnetm.data.contact_sheet._caption", lambda dataset, row: chosen.append(row) or "")
    contact_sheet(dataset, scans=12)
    rows = dataset.table.iloc[chosen]
    assert set(rows["subject"]) == {"s000", "s002"}
    assert rows["expression"].value_counts().eq(2).all()


def test_no_scans_is_refused(dataset):
    with pytest.raises(UserError, match=r"scans: 0 \(allowed: 1 or more\)"):
        contact_sheet(dataset, scans=0)
