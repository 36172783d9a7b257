from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.formats.bnt import RangeImage
from afnetm.data.sources.range_surface import MAX_EDGE_MM, range_surface


def make_grid(height, *, rows=30, columns=40, step=1.0):
    """A range image of ``z = height(x, y)``, unmeasured where that is NaN; uv grow with x and y."""
    x, y = np.meshgrid((np.arange(columns) - columns / 2) * step, (rows / 2 - np.arange(rows)) * step)
    points = np.stack([x, y, height(x, y)], -1)
    measured = np.isfinite(points[..., 2])
    uv = points[..., :2] / (step * max(rows, columns)) + 0.5
    return RangeImage(
        np.where(measured[..., None], points, np.nan), np.where(measured[..., None], uv, np.nan), measured
    )


def cap(x, y):
    return np.sqrt(np.where(x**2 + y**2 < 14**2, 20.0**2 - x**2 - y**2, np.nan))


def _normals(surface):
    a, b, c = np.moveaxis(surface.vertices[surface.faces].astype(np.float64), 1, 0)
    return np.cross(b - a, c - a)


def test_a_measured_plane_is_covered_once():
    surface = range_surface(make_grid(lambda x, y: 0.5 * x))
    assert len(surface.vertices) == 30 * 40
    assert len(surface.faces) == 2 * 29 * 39
    normals = _normals(surface)
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() / 2 == pytest.approx(29 * 39)


@pytest.mark.parametrize("order", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_faces_turn_to_the_sensor_whichever_way_rows_and_columns_run(order):
    grid = make_grid(cap)
    down, across = order
    turned = RangeImage(*(part[::down, ::across] for part in (grid.points, grid.uv, grid.measured)))
    surface = range_surface(turned)
    normals = _normals(surface)
    outward = np.einsum("fc,fc->f", normals, surface.vertices[surface.faces].mean(1))
    assert (outward > 0).all()  # the cap is of a sphere around the origin
    assert len(surface.faces) == len(range_surface(grid).faces)
    np.testing.assert_allclose(surface.uv, surface.vertices[:, :2] / 40 + 0.5, atol=1e-6)


def test_columns_may_be_stored_as_rows():
    grid = make_grid(cap)
    surface = range_surface(RangeImage(grid.points.swapaxes(0, 1), grid.uv.swapaxes(0, 1), grid.measured.T))
    assert (_normals(surface)[:, 2] > 0).all()


@pytest.mark.parametrize("missing", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_cell_of_three_points_is_one_triangle(missing):
    grid = make_grid(lambda x, y: 0 * x, rows=2, columns=2)
    grid.measured[missing] = False
    surface = range_surface(grid)
    assert surface.faces.shape == (1, 3)
    assert len(surface.vertices) == 3
    assert _normals(surface)[0, 2] == pytest.approx(1)


def test_a_jump_in_depth_is_not_bridged():
    surface = range_surface(make_grid(lambda x, y: np.where(x < 0, 0.0, MAX_EDGE_MM + 0.1)))
    assert len(surface.faces) == 2 * 29 * (19 + 19)
    assert set(np.unique(np.ptp(surface.vertices[surface.faces, 2], axis=1))) == {0.0}
    steep = range_surface(make_grid(lambda x, y: 0.9 * MAX_EDGE_MM * x))
    assert len(steep.faces) == 2 * 29 * 39


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_cell_is_cut_so_that_what_lies_apart_is_left_out(corner):
    grid = make_grid(lambda x, y: 0 * x, rows=2, columns=2)
    grid.points[corner][2] = -50
    surface = range_surface(grid)
    assert surface.faces.shape == (1, 3)
    assert (surface.vertices[:, 2] == 0).all()


def test_a_point_without_neighbours_is_dropped():
    grid = make_grid(lambda x, y: np.where((x < -5) | (np.hypot(x - 10, y) < 0.1), 0.0, np.nan))
    assert grid.measured[:, 20:].sum() == 1
    surface = range_surface(grid)
    assert (surface.vertices[:, 0] < -5).all()
    assert sorted(set(surface.faces.ravel())) == list(range(len(surface.vertices)))


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 8))
def test_every_face_joins_three_different_neighbours(seed, rows, columns):
    rng = np.random.default_rng(seed)
    grid = make_grid(lambda x, y: rng.normal(0, 4, x.shape), rows=rows, columns=columns)
    grid = replace(grid, measured=rng.random((rows, columns)) < 0.7)
    surface = range_surface(grid)
    corners = surface.vertices[surface.faces]
    assert (np.abs(_normals(surface)[:, 2]) > 0.9).all()
    assert len({tuple(sorted(face)) for face in surface.faces.tolist()}) == len(surface.faces)
    reach = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    assert (reach <= MAX_EDGE_MM + 1e-4).all()
    if not len(surface.faces):
        assert surface.vertices.shape == (0, 3)
