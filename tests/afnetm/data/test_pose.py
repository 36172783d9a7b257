from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from afnetm.data.landmarks import GROUPS_83, LANDMARKS_22, LANDMARKS_68, LANDMARKS_83
from afnetm.data.pose import fit_pose
from afnetm.data.sources.landmarks_22 import landmarks_22_from_83
from afnetm.data.synthetic import SyntheticSource
from afnetm.errors import UserError

SEEDS = st.integers(0, 2**32 - 1)
SETS = {22: LANDMARKS_22, 68: LANDMARKS_68, 83: LANDMARKS_83}
#: Rows of each set that the pose fit holds on to: each eye's, those in the nose's middle, those low on the nose.
NEEDS = {
    22: ([6, 7], [8, 9], [10, 11], [12, 14]),
    68: ([*range(36, 42)], [*range(42, 48)], [27, 30], [31, 35]),
    83: ([*range(8)], [*range(8, 16)], [*range(36, 42)], [*range(36, 42)]),
}


def _moved(scan, rotation, shift):
    def move(points):
        return (rotation.apply(points) + shift).astype(np.float32)

    return replace(scan, vertices=move(scan.vertices), landmarks=move(scan.landmarks))


def _angle(rotation):
    return np.degrees(Rotation.from_matrix(rotation).magnitude())


def _ibug(scan):
    """The 68 points of the analytic face that the pose fit may need, the others anywhere."""
    found, (x, y) = np.zeros((68, 3), np.float32), scan.vertices[:, :2].T
    on = [(-x0, y0) for x0, y0 in ((44, 31), (35, 35), (25, 35), (16, 31), (25, 27), (35, 27))]
    for row, place in enumerate(on):
        found[36 + row, :2], found[42 + row, :2] = place, (-place[0], place[1])
    for row, place in {27: (0, 24), 30: (0, -6), 31: (-13, -12), 35: (13, -12)}.items():
        found[row, :2] = place
    for point in found:
        point[2] = scan.vertices[np.hypot(x - point[0], y - point[1]).argmin(), 2]
    return replace(scan, landmarks=found, landmark_names=LANDMARKS_68)


def _as(scan, count):
    """The analytic face with one of the sets."""
    if count == 22:
        found = landmarks_22_from_83(scan.landmarks, scan.vertices)
        return replace(scan, landmarks=found, landmark_names=LANDMARKS_22)
    return _ibug(scan) if count == 68 else scan


def _named_otherwise(scan):
    """What was called left is called right."""
    words = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
    known = scan.landmark_names
    other = [
        "_".join(words.get(word, word) for word in name.split("_"))
        if "_" in name
        else " ".join(words.get(word, word) for word in name.split())
        for name in known
    ]
    rows = [known.index(name) for name in other]
    if known == LANDMARKS_68:
        rows[31], rows[35] = 35, 31
    return replace(scan, landmarks=scan.landmarks[rows])


@pytest.mark.parametrize("count", SETS)
@given(seed=SEEDS)
def test_any_rigid_motion_is_undone_whatever_is_missing_and_however_sides_are_named(make_scan, count, seed):
    rng = np.random.default_rng(seed)
    scan = _as(make_scan(step=5.0), count)
    if count != 83:  # an outline lacks its end or it does not; a single landmark may well lack
        landmarks = scan.landmarks.copy()
        landmarks[rng.random(len(landmarks)) < 0.4] = np.nan
        for need in NEEDS[count]:
            whole = rng.choice(need) if count == 22 or len(need) == 2 else need
            landmarks[whole] = scan.landmarks[whole]
        scan = replace(scan, landmarks=landmarks)
    rotation, shift = Rotation.random(rng=rng), rng.uniform(-500, 500, 3)
    moved = _moved(scan, rotation, shift)
    if rng.random() < 0.5:
        moved = _named_otherwise(moved)
    still, fitted = fit_pose(scan), fit_pose(moved)
    assert _angle(fitted.rotation @ rotation.as_matrix() @ still.rotation.T) < 0.5
    assert np.abs(fitted.apply(moved.vertices) - still.apply(scan.vertices)).max() < 0.5
    assert fitted.misfit == pytest.approx(still.misfit, abs=0.01)


@pytest.mark.parametrize("count", SETS)
def test_the_face_ends_up_frontal_and_upright_in_any_set(make_scan, count):
    pose = fit_pose(_as(make_scan(step=2.0), count))
    assert _angle(pose.rotation) < 12
    assert np.abs(pose.translation[:2]).max() < 12


@pytest.mark.parametrize("expression", ["disgust", "happiness", "surprise"])
def test_one_face_has_one_pose_in_either_scheme(expression):
    scan = SyntheticSource(seed=3, subjects=1, intensities=(4,)).load(f"s000_{expression}_4")
    bosphorus = replace(
        scan, landmarks=landmarks_22_from_83(scan.landmarks, scan.vertices), landmark_names=LANDMARKS_22
    )
    pose, other = fit_pose(scan), fit_pose(bosphorus)
    np.testing.assert_allclose(other.rotation, pose.rotation, atol=1e-6)
    np.testing.assert_allclose(other.translation, pose.translation, atol=1e-6)
    # The head was turned by angles that are known; an average face has its eyes and nose not quite where this one has.
    turn = Rotation.from_euler(
        "yxz", [scan.nuisance["yaw"], -scan.nuisance["pitch"], scan.nuisance["roll"]], degrees=True
    )
    assert _angle(pose.rotation @ turn.as_matrix()) < 10


@given(seed=SEEDS)
def test_the_order_of_points_around_an_outline_does_not_matter(make_scan, seed):
    rng = np.random.default_rng(seed)
    scan = make_scan(step=10.0)
    order = np.arange(len(LANDMARKS_83))
    for group in ("right_eye", "left_eye", "right_nose", "left_nose"):
        rows = np.flatnonzero([name.startswith(group) for name in LANDMARKS_83])
        assert len(rows) == GROUPS_83[group]
        order[rows] = rng.permutation(rows)
    np.testing.assert_allclose(
        fit_pose(replace(scan, landmarks=scan.landmarks[order])).rotation, fit_pose(scan).rotation, atol=1e-6
    )


def test_the_nose_may_be_named_otherwise_than_the_eyes(make_scan):
    scan = make_scan(step=10.0)
    landmarks = scan.landmarks.copy()
    landmarks[36:42] = landmarks[[39, 40, 41, 36, 37, 38]]
    np.testing.assert_allclose(
        fit_pose(replace(scan, landmarks=landmarks)).rotation, fit_pose(scan).rotation, atol=1e-6
    )


def test_a_mirrored_face_is_not_mirrored_back(make_scan):
    scan = make_scan(step=10.0)
    mirror = np.array([-1, 1, 1], np.float32)
    assert np.linalg.det(fit_pose(replace(scan, landmarks=scan.landmarks * mirror)).rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("count", "lost", "named"),
    [
        (83, ["left_eye_4", "jaw_0"], ["left_eye_4"]),
        (83, ["left_nose_0", "right_nose_2"], ["right_nose_2", "left_nose_0"]),
        (22, ["Outer left eye corner", "Inner left eye corner"], ["Outer left eye corner", "Inner left eye corner"]),
        (22, ["Nose saddle left", "Nose saddle right", "Left nose peak"], ["Nose saddle left", "Nose saddle right"]),
        (22, ["Left nose peak", "Right nose peak"], ["Left nose peak", "Right nose peak"]),
        (68, ["nose_base_0", "nose_base_4", "nose_bridge_0"], ["nose_base_0", "nose_base_4"]),
    ],
)
def test_what_the_fit_lacks_is_named(make_scan, count, lost, named):
    scan = _as(make_scan(step=5.0), count)
    landmarks = scan.landmarks.copy()
    landmarks[[SETS[count].index(name) for name in lost]] = np.nan
    with pytest.raises(UserError) as caught:
        fit_pose(replace(scan, landmarks=landmarks))
    assert str(caught.value) == (
        "scan face: the pose fit needs a corner of each eye, a point of the nose's root or tip, and one of its wings; "
        f"missing: {named}"
    )


@pytest.mark.parametrize("factor", [0.001, 1000])
def test_another_unit_of_length_is_refused(make_scan, factor):
    scan = make_scan(step=10.0)
    with pytest.raises(UserError, match=r"differ from an average face by \d+\.\d mm"):
        fit_pose(replace(scan, landmarks=scan.landmarks * np.float32(factor)))


def test_unknown_landmarks_name_the_scan(make_scan):
    scan = make_scan(step=10.0)
    with pytest.raises(UserError, match="scan face: landmarks: 1 rows"):
        fit_pose(replace(scan, landmarks=scan.landmarks[:1], landmark_names=("chin",)))
