"""Where methods looked: the cells are those of the table, upright."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports.pictures.attention import attention
from reports.pictures.cells import tiles
from reports.schema import ReportError


def cells(values, *, method="afnetm", kind="attention", stream="texture"):
    place = {"method": method, "kind": kind, "stream": stream, "trainings": 2, "shift": np.nan}
    rows = [place | {"row": r, "column": c, "value": float(v)} for (r, c), v in np.ndenumerate(np.array(values))]
    return pd.DataFrame(rows)


@pytest.fixture
def maps():
    looked = cells([[0.1, 0.2], [0.3, 0.8]])
    return pd.concat([cells([[0.5, 0.4]], stream="depth"), looked, cells(np.eye(7), kind="gradcam", stream="trunk")])


def test_the_words_tell_where_it_is_largest(maps):
    alt = attention(maps, "afnetm").alt
    assert "Attention in texture is largest (0.80) in row 2 of 2, column 2 of 2" in alt
    assert "Attention in depth is largest (0.50) in row 1 of 1, column 1 of 2" in alt
    assert "Grad-CAM in trunk is largest (1.00) in row 1 of 7" in alt


def test_small_maps_have_their_values_in_them_row_by_row_texture_first(maps):
    drawn = re.findall(r">(\d\.\d\d)<", attention(maps, "afnetm").svg)
    assert drawn == ["0.10", "0.20", "0.30", "0.80", "0.50", "0.40"]


def test_a_map_without_evidence_is_drawn(maps):
    assert "(0.00)" in attention(cells(np.zeros((2, 2)), kind="gradcam"), "afnetm").alt


def test_maps_of_a_method_without_results_are_refused(small):
    with pytest.raises(ReportError, match="maps: method 'other' has no predictions"):
        replace(small, maps=cells([[0.1]], method="other"))


def test_over_a_face_cells_are_where_what_they_see_is(maps):
    face = np.full((20, 20, 4), 128, np.uint8)
    behind = attention(maps.assign(shift=0.5), "afnetm", face)
    assert "Mean maps of afnetm over a mean face" in behind.alt
    assert behind.svg.count("<image ") == 3  # a panel each
    assert not re.findall(r">\d\.\d\d<", behind.svg)
    assert behind.svg != attention(maps.assign(shift=np.nan), "afnetm", face).svg


def test_a_cell_that_is_shifted_is_around_the_corner_of_its_place_and_cut_off_at_the_window_s_edge():
    axes = Figure().subplots()
    tiles(axes, np.ones((2, 2)), shift=0.5)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert (right - left, bottom - top) == (2.0, 2.0)
    (mesh,) = axes.collections
    corners = mesh.get_coordinates()[..., 0] - left
    assert corners[0].tolist() == [-0.5, 0.5, 1.5]  # the second column is around the middle of the window
    assert (mesh.get_coordinates()[..., 1] - top)[:, 0].tolist() == [-0.5, 0.5, 1.5]
    assert mesh.get_clip_box().bounds == axes.bbox.bounds


def test_without_a_face_nothing_moves(maps):
    assert attention(maps.assign(shift=0.5), "afnetm") == attention(maps, "afnetm")
