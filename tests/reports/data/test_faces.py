"""Faces as they are drawn: against what light on a plane and on a ball is known to do."""

from dataclasses import replace

import numpy as np
import pytest

from reports.data.faces import Face, mean_face, shaded, textured
from reports.schema import ReportError

SIZE = 32


def face(depth=None, *, grey=100, pixel_mm=2.0) -> Face:
    flat = np.zeros((SIZE, SIZE), np.float32)
    texture = np.full((SIZE, SIZE, 3), grey, np.uint8)
    return Face(texture=texture, depth=flat if depth is None else depth.astype(np.float32), pixel_mm=pixel_mm)


def ball(pixel_mm: float):
    """Depth of a ball of 28 mm, NaN around it, and its normals (right, up, towards the viewer)."""
    ticks = (np.arange(SIZE) - (SIZE - 1) / 2) * pixel_mm
    x, y = np.meshgrid(ticks, -ticks)
    within = x**2 + y**2 < 26.0**2
    z = np.sqrt(np.where(within, 28.0**2 - x**2 - y**2, np.nan))
    return z, np.stack([x, y, z], -1) / 28.0


def test_a_ball_is_lightest_at_its_upper_left_whatever_a_pixel_is():
    for pixel_mm in (2.0, 1.8):
        depth, normals = ball(pixel_mm)
        relief = shaded(face(depth, pixel_mm=pixel_mm))
        assert (relief[..., 3] == np.where(np.isfinite(depth), 255, 0)).all()
        core = np.hypot(normals[..., 0], normals[..., 1]) < 0.8
        light = np.array([-0.35, 0.4, 0.85])
        lit = (normals[core] @ light / np.linalg.norm(light)).clip(0.0)
        np.testing.assert_allclose(relief[core, 0], 255 * (0.2 + 0.8 * lit), atol=6)
        row, column = np.unravel_index(np.where(core, relief[..., 0], 0).argmax(), core.shape)
        assert row < SIZE / 2
        assert column < SIZE / 2


def test_a_pixel_alone_is_as_a_plane_that_faces_the_viewer():
    depth = np.full((SIZE, SIZE), np.nan)
    depth[5, 5] = 40.0
    assert shaded(face(depth))[5, 5].tolist() == shaded(face())[9, 9].tolist()


def test_what_is_no_face_is_transparent():
    one = face(np.full((SIZE, SIZE), np.nan))
    one.texture[:, : SIZE // 2] = 0
    assert textured(one)[..., 3].tolist() == [[0] * (SIZE // 2) + [255] * (SIZE // 2)] * SIZE
    assert (textured(one)[..., :3] == one.texture).all()


def test_the_mean_face_is_the_mean_of_those_that_have_one_there():
    whole, half = face(grey=50), face(np.full((SIZE, SIZE), np.nan), grey=250)
    whole.texture[:4] = 200
    half.texture[:, : SIZE // 2] = 0
    mean = mean_face([whole, half])
    assert (mean[..., 3] == np.where(np.arange(SIZE) < SIZE // 2, 128, 255)).all()
    # Left there is one alone, at 50 and 200; right the mean of both, 150 and 225, the lightest: white.
    shades = {(level - 50) * 255 / 175 for level in (50, 200, 150, 225)}
    assert {*np.unique(mean[..., 0]).tolist()} == {round(shade) for shade in shades}
    assert mean_face([]) is None


@pytest.mark.parametrize(("name", "value"), [("texture", 1), ("depth", 1), ("pixel_mm", 0.0)])
def test_other_arrays_are_refused(name, value):
    bad = value if name == "pixel_mm" else np.zeros((SIZE, SIZE, 4), np.uint8)
    with pytest.raises(ReportError, match=f"face: {name} is .*, allowed is"):
        replace(face(), **{name: bad})


def test_results_whose_subjects_may_not_be_named_have_no_faces(small):
    faces = {small.predictions["scan"][0]: face()}
    plan = small.provenance
    private = replace(plan, dataset={**plan.dataset, "shareable": False})
    assert replace(small, faces=faces).faces == faces
    assert replace(small, faces=faces, provenance=private).faces == {}
    assert replace(small, faces=faces, provenance=replace(private, with_faces=True)).faces == faces
