from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from afnetm.data.landmarks import GROUPS_83, LANDMARKS_83
from afnetm.data.pose import fit_pose
from afnetm.errors import UserError


def _moved(scan, rotation, shift):
    def move(points):
        return (rotation.apply(points) + shift).astype(np.float32)

    return replace(scan, vertices=move(scan.vertices), landmarks=move(scan.landmarks))


def _angle(rotation):
    return np.degrees(Rotation.from_matrix(rotation).magnitude())


@given(st.integers(0, 2**32 - 1))
def test_any_rigid_motion_is_undone(make_scan, seed):
    rng = np.random.default_rng(seed)
    scan = make_scan(step=10.0)
    rotation, shift = Rotation.random(rng=rng), rng.uniform(-500, 500, 3)
    moved = _moved(scan, rotation, shift)
    still, fitted = fit_pose(scan), fit_pose(moved)
    assert _angle(fitted.rotation @ rotation.as_matrix() @ still.rotation.T) < 0.5
    assert np.abs(fitted.apply(moved.vertices) - still.apply(scan.vertices)).max() < 0.5
    assert fitted.misfit == pytest.approx(still.misfit, abs=0.01)


def test_the_face_ends_up_frontal_and_upright(make_scan):
    pose = fit_pose(make_scan(step=10.0))
    assert _angle(pose.rotation) < 10


def test_sides_do_not_depend_on_names(make_scan):
    scan = make_scan(step=10.0)
    swapped = tuple(
        name.replace("right", "?").replace("left", "right").replace("?", "left") for name in scan.landmark_names
    )
    order = [swapped.index(name) for name in LANDMARKS_83]
    other = replace(scan, landmarks=scan.landmarks[order])
    np.testing.assert_allclose(fit_pose(other).rotation, fit_pose(scan).rotation, atol=1e-6)


def test_the_order_of_points_around_an_eye_does_not_matter(make_scan):
    scan = make_scan(step=10.0)
    order = np.arange(len(LANDMARKS_83))
    order[: GROUPS_83["right_eye"]] = np.roll(order[: GROUPS_83["right_eye"]], 3)
    np.testing.assert_allclose(
        fit_pose(replace(scan, landmarks=scan.landmarks[order])).rotation, fit_pose(scan).rotation, atol=1e-6
    )


def test_a_mirrored_face_is_not_mirrored_back(make_scan):
    scan = make_scan(step=10.0)
    mirror = np.array([-1, 1, 1], np.float32)
    assert np.linalg.det(fit_pose(replace(scan, landmarks=scan.landmarks * mirror)).rotation) == pytest.approx(1)


def test_a_missing_anchor_is_named(make_scan):
    scan = make_scan(step=10.0)
    landmarks = scan.landmarks.copy()
    landmarks[[LANDMARKS_83.index(name) for name in ("left_eye_4", "jaw_0")]] = np.nan
    with pytest.raises(UserError, match=r"scan face: .*missing: \['left_eye_4'\]$"):
        fit_pose(replace(scan, landmarks=landmarks))


@pytest.mark.parametrize("factor", [0.001, 1000])
def test_another_unit_of_length_is_refused(make_scan, factor):
    scan = make_scan(step=10.0)
    with pytest.raises(UserError, match=r"miss an average face by \d+ mm"):
        fit_pose(replace(scan, landmarks=scan.landmarks * np.float32(factor)))


def test_unknown_landmarks_name_the_scan(make_scan):
    scan = make_scan(step=10.0)
    with pytest.raises(UserError, match="scan face: landmarks: 1 rows"):
        fit_pose(replace(scan, landmarks=scan.landmarks[:1], landmark_names=("chin",)))
