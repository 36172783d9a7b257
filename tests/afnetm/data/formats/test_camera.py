"""Cameras of depth pictures: read however programs write them, or refused with one line."""

import json
import re

import numpy as np
import pytest

from afnetm.data.formats.camera import FAR_MM, Camera, range_image, read_camera
from afnetm.errors import UserError

NAME = "faces/camera.json"
FLAT = {"fx": 600.5, "fy": 601.5, "cx": 320.25, "cy": 240.75, "depth_scale": 0.001}
BY_ROWS = [600.5, 0, 320.25, 0, 601.5, 240.75, 0, 0, 1]
BY_COLUMNS = np.reshape(BY_ROWS, (3, 3)).T.ravel().tolist()


def read(tree):
    return read_camera(tree if isinstance(tree, bytes) else json.dumps(tree).encode(), NAME)


@pytest.mark.parametrize(
    "tree",
    [
        FLAT,
        FLAT | {"depth_scale": 1000, "model": "Distortion.Brown Conrady", "coeffs": [0, 0, 0, 0, 0]},
        {"fx": 600.5, "fy": 601.5, "ppx": 320.25, "ppy": 240.75, "depth_scale": 1e3},
        {"intrinsics": {key: FLAT[key] for key in ("fx", "fy", "cx", "cy")}, "depth_scale": 0.001},
        {"intrinsics": np.reshape(BY_ROWS, (3, 3)).tolist(), "depth_scale": 0.001},
        {"intrinsic_matrix": BY_COLUMNS, "depth_scale": 1000.0},
        {"K": BY_ROWS, "D": [0.0] * 5, "depth_scale": 0.001},
        {"camera_matrix": {"rows": 3, "cols": 3, "data": BY_ROWS}, "depth_scale": 0.001},
    ],
)
def test_a_camera_may_be_written_in_many_ways(tree):
    assert read(tree) == Camera(fx=600.5, fy=601.5, cx=320.25, cy=240.75, millimetres=1.0)
    assert read(tree | {"width": 640, "height": 480}).size == (640, 480)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (b"{", "not a camera in JSON (JSONDecodeError)"),
        (b"[1]", "not a camera in JSON (AttributeError)"),
        (b"[" * 60000, "not a camera in JSON (RecursionError)"),
        (b" " * 70000, "70000 bytes (allowed for a camera: up to 65536)"),
        ({**FLAT, "fx": 0}, "fx is 0 (allowed: 1 to 100000)"),
        ({**FLAT, "fx": "600"}, "fx is '600' (allowed: 1 to 100000)"),
        ({**FLAT, "cy": None}, "cy is missing (allowed: -100000 to 100000)"),
        ({"depth_scale": 0.001}, "fx is missing"),
        ({**FLAT, "depth_scale": 1}, "depth_scale 1 is ambiguous (allowed: metres a step, 0.001 for mm"),
        ({**FLAT, "depth_scale": float("nan")}, "depth_scale is nan (allowed: 1e-06 to 1e+06)"),
        ({**FLAT, "coeffs": [0.1, 0, 0, 0, 0]}, "its pictures are distorted (allowed: undistorted ones"),
        ({**FLAT, "D": "none"}, "D: not numbers"),
        ({**FLAT, "K": [1, 2, 3]}, "K: no intrinsics (allowed: fx, fy, cx, cy, or a matrix of nine without skew)"),
        ({**FLAT, "K": [600, 5, 320, 0, 600, 240, 0, 0, 1]}, "K: no intrinsics"),
        ({**FLAT, "width": 0, "height": 480}, "width is 0 (allowed: 1 to 100000)"),
    ],
)
def test_what_is_wrong_is_one_line(tree, expected):
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        read(tree)
    assert re.fullmatch(r"faces/camera\.json[^\n]+", str(caught.value))


def test_points_are_where_the_camera_has_seen_them():
    camera = Camera(fx=50, fy=60, cx=10.5, cy=7.25)
    depth = np.random.default_rng(0).uniform(300, 900, (16, 24))
    depth[3, 4], depth[5, 6], depth[7, 8] = 0, np.nan, FAR_MM + 1
    grid = range_image(depth, camera)
    assert (~grid.measured).sum() == 3
    x, y, z = np.moveaxis(grid.points * (1, -1, -1), -1, 0)  # as the camera has them
    there = grid.measured
    np.testing.assert_allclose(z[there], depth[there])
    column, row = np.meshgrid(np.arange(24), np.arange(16))
    np.testing.assert_allclose((x / z * 50 + 10.5)[there], column[there], atol=1e-9)
    np.testing.assert_allclose((y / z * 60 + 7.25)[there], row[there], atol=1e-9)
    np.testing.assert_allclose(grid.uv * (24, -16) + (0, 16), np.stack([column, row], -1) + 0.5)


@pytest.mark.parametrize(
    "tree", [FLAT, {"intrinsic_matrix": BY_COLUMNS, "width": 640, "height": 480, "coeffs": [0, 0]}]
)
def test_damaged_cameras_are_read_or_refused_with_one_line(tree, mutations):
    for content in mutations(json.dumps(tree).encode(), count=500, seed=0):
        try:
            assert read(content).fx >= 1
        except UserError as error:
            assert re.fullmatch(r"faces/camera\.json[^\n]+", str(error))  # noqa: PT017
