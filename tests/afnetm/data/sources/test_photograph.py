from dataclasses import replace

import numpy as np

from afnetm.data.maps import WINDOW_MM
from afnetm.data.sources.bosphorus_export import photograph
from afnetm.data.sources.range_surface import Surface, landmarks_on_surface

SIZE = 200


def test_a_photograph_shows_the_texture_where_the_surface_is(make_scan):
    column = np.arange(256)
    texture = np.zeros((256, 256, 3), np.uint8)
    texture[..., 0], texture[..., 1] = column, column[:, None]
    scan = make_scan(lambda x, y: 0 * x, texture=texture)
    picture = photograph(scan, scan.vertices.astype(np.float64), size=SIZE)
    assert picture.shape == (SIZE, SIZE, 3)
    at = ((np.arange(SIZE) + 0.5) / SIZE - 0.5) * WINDOW_MM
    expected = (at / 220 + 0.5) * 256 - 0.5
    np.testing.assert_allclose(picture[..., 0], np.tile(expected, (SIZE, 1)), atol=0.6)
    np.testing.assert_allclose(picture[..., 1], np.tile(expected, (SIZE, 1)).T, atol=0.6)


def test_a_hole_shows_what_the_texture_has_there_and_around_the_face_it_is_black(make_scan):
    scan = make_scan()
    middles = scan.vertices[scan.faces].mean(1)[:, :2]
    keep = np.hypot(*(middles - (30, -20)).T) > 9
    holed = replace(scan, faces=scan.faces[keep], uv_faces=scan.uv_faces[keep])
    before = scan.vertices.astype(np.float64)
    whole, patched = (photograph(one, before, size=SIZE).astype(int) for one in (scan, holed))
    assert np.abs(whole - patched).max() <= 60
    assert np.abs(whole - patched).mean() < 0.1
    assert not whole[:5, :5].any()


def _plane():
    x, y = np.meshgrid(np.arange(21.0), np.arange(21.0))
    vertices = np.stack([x, y, 3 * np.ones_like(x)], -1).reshape(-1, 3).astype(np.float32)
    first = np.arange(20)
    return Surface(vertices, np.stack([first, first + 1, first + 22], -1).astype(np.int32), vertices[:, :2] / 100)


def test_pixels_find_the_point_below_them():
    # A millimetre is 8 pixels; the picture is 100 mm wide and high.
    pixels = np.array([[80.0, 800 - 40.0], [82, 800 - 43], [np.nan, 3], [0, 800 + 39], [0, 800 + 41]])
    found = landmarks_on_surface(pixels, _plane(), picture_size=(800, 800))
    np.testing.assert_array_equal(found[:2], [[10, 5, 3], [10, 5, 3]])
    assert np.isnan(found[2]).all()
    np.testing.assert_array_equal(found[3], [0, 0, 3])  # 4.9 mm away
    assert np.isnan(found[4]).all()  # 5.1 mm away


def test_of_a_picture_that_shows_nothing_no_landmark_is_found():
    flat = replace(_plane(), uv=np.full((441, 2), 0.5, np.float32))
    assert np.isnan(landmarks_on_surface(np.array([[1.0, 2.0]]), flat, picture_size=(8, 8))).all()
