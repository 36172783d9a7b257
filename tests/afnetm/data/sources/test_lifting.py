"""Landmarks in a picture: every pixel is where the surface that it paints says, or it is no landmark."""

from dataclasses import replace

import numpy as np
import pytest

from afnetm.data.formats.surface import Paint, surface
from afnetm.data.sources.lifting import lifted
from afnetm.errors import UserError

SIZE = (400, 200)
TICKS = np.linspace(0, 60, 7)
X, Y = (axis.ravel() for axis in np.meshgrid(TICKS, TICKS))
CORNER = (np.arange(6)[:, None] * 7 + np.arange(6)).ravel()
FACES = np.concatenate([CORNER[:, None] + [0, 1, 8], CORNER[:, None] + [0, 8, 7]]).astype(np.int32)


def plane(x, y):
    return np.stack([x, y, 0.5 * x - 0.25 * y + 3], -1)


PLANE = surface(
    "a",
    vertices=plane(X, Y),
    faces=FACES,
    uv=np.stack([X, Y], -1) / 80,
    uv_faces=FACES,
    paints=(Paint(faces="a", picture=None),),
)


def pixels(x, y):
    return np.stack([x / 80 * SIZE[0], (1 - y / 80) * SIZE[1]], -1)


def lift(points, mesh=PLANE):
    return lifted(points, mesh, picture_size=SIZE, name="l.pts")


def test_a_pixel_is_lifted_to_the_point_that_it_paints():
    x, y = np.random.default_rng(0).uniform(0, 60, (2, 200))
    np.testing.assert_allclose(lift(pixels(x, y)), plane(x, y), atol=1e-4)
    turned = replace(PLANE, faces=PLANE.faces[:, ::-1], uv_faces=PLANE.uv_faces[:, ::-1])
    np.testing.assert_allclose(lift(pixels(x, y), turned), plane(x, y), atol=1e-4)
    assert np.isnan(lift(np.array([[np.nan, 3]]))).all()


def test_what_a_photograph_paints_behind_the_face_is_not_meant():
    behind = replace(
        PLANE,
        vertices=np.vstack([PLANE.vertices, PLANE.vertices[:16] - np.float32([0, 0, 80])]),
        faces=np.vstack([PLANE.faces, PLANE.faces[:3, ::-1] + np.int32(len(X))]),
        uv_faces=np.vstack([PLANE.uv_faces, PLANE.uv_faces[:3, ::-1]]),
    )
    x, y = np.array([[5.0, 15], [4, 3]])
    np.testing.assert_allclose(lift(pixels(x, y), behind), plane(x, y), atol=1e-4)


def test_a_pixel_beside_the_surface_has_the_nearest_point_or_none():
    near, far = lift(pixels(np.array([62.0, 75]), np.array([20.0, 20])))
    np.testing.assert_allclose(near, plane(60, 20), atol=1e-4)
    assert np.isnan(far).all()


def test_a_pixel_of_no_place_or_two_is_refused():
    with pytest.raises(UserError, match=r"l.pts: point 2 is at 401, 3 of a picture of 400 x 200 pixels$"):
        lift(np.array([[1, 199], [401, 3]]))
    twice = replace(
        PLANE,
        vertices=np.vstack([PLANE.vertices, PLANE.vertices + 9]),
        faces=np.vstack([FACES, FACES + np.int32(len(X))]),
        uv_faces=np.vstack([FACES, FACES]),
    )
    with pytest.raises(UserError, match="l.pts: point 1 is on places of the mesh that are 9 mm apart"):
        lift(pixels(np.array([5.0]), np.array([4.0])), twice)
