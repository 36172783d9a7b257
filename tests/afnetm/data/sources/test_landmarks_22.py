import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from afnetm.data.landmarks import LANDMARKS_22
from afnetm.data.sources.landmarks_22 import landmarks_22_from_83


@pytest.fixture(scope="module")
def face(make_scan):
    return make_scan(step=2.0)


def _row(name):
    return LANDMARKS_22.index(name)


def test_they_are_where_the_analytic_face_has_them(face):
    found = landmarks_22_from_83(face.landmarks, face.vertices)
    assert found.shape == (22, 3)
    assert found.dtype == np.float32
    expected = {
        "Outer left eye corner": (44, 31),
        "Inner left eye corner": (16, 31),
        "Inner right eye corner": (-16, 31),
        "Outer right eye corner": (-44, 31),
        "Outer left eyebrow": (48, 48),
        "Middle left eyebrow": (30, 48),
        "Inner left eyebrow": (12, 48),
        "Outer right eyebrow": (-48, 48),
        "Nose saddle left": (7, 22),
        "Nose saddle right": (-7, 22),
        "Left nose peak": (18, -12),
        "Right nose peak": (-18, -12),
        "Left mouth corner": (25, -42),
        "Right mouth corner": (-25, -42),
    }
    for name, place in expected.items():
        np.testing.assert_allclose(found[_row(name), :2], place, atol=0.2, err_msg=name)
    tip = found[_row("Nose tip")]
    assert tip in face.vertices
    np.testing.assert_allclose(tip[:2], (0, -6), atol=4)  # the analytic nose is highest at y = -6 but for the skull


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_they_move_with_the_face(face, seed):
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(rng=rng), rng.uniform(-300, 300, 3)

    def move(points):
        return (turn.apply(points) + shift).astype(np.float32)

    still = landmarks_22_from_83(face.landmarks, face.vertices)
    moved = landmarks_22_from_83(move(face.landmarks), move(face.vertices))
    np.testing.assert_allclose(moved, move(still), atol=0.01)


def test_sides_do_not_depend_on_names(face):
    order = np.r_[8:16, 0:8, 26:36, 16:26, 39:42, 36:39, 42:83]
    np.testing.assert_array_equal(
        landmarks_22_from_83(face.landmarks[order], face.vertices), landmarks_22_from_83(face.landmarks, face.vertices)
    )


def test_without_a_nose_there_is_no_tip(face):
    away = np.hypot(*face.vertices[:, :2].T) > 40
    found = landmarks_22_from_83(face.landmarks, face.vertices[away])
    assert np.flatnonzero(np.isnan(found).any(1)).tolist() == [_row("Nose tip")]
