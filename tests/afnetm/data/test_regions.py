import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls
from scipy.spatial import ConvexHull

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, WINDOW_MM
from afnetm.data.regions import MARGIN_MM, convex_hull, distance_to_hull, landmark_set, region_planes
from afnetm.errors import UserError

SIZE = 200  # a millimetre a pixel
points = arrays(np.float64, st.tuples(st.integers(3, 20), st.just(2)), elements=st.integers(-50, 50).map(float))


@given(points)
def test_hull_is_that_of_qhull(cloud):
    if np.linalg.matrix_rank(cloud - cloud[0]) < 2:
        assert len(convex_hull(cloud)) <= 2
        return
    hull = convex_hull(cloud)
    expected = ConvexHull(cloud)
    assert set(map(tuple, hull)) == set(map(tuple, cloud[expected.vertices]))
    x, y = hull.T
    assert np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2 == pytest.approx(expected.volume)


@given(points, st.tuples(st.floats(-80, 80), st.floats(-80, 80)))
def test_distance_to_hull_agrees_with_least_squares(cloud, query):
    # The nearest point is the best convex combination: non-negative least squares, the weights' sum held at 1.
    heavy = 1e4
    weights, _ = nnls(np.vstack([cloud.T, np.full(len(cloud), heavy)]), np.array([*query, heavy]))
    nearest = np.linalg.norm(weights @ cloud / weights.sum() - np.array(query))
    assert distance_to_hull(cloud, np.array(query)) == pytest.approx(nearest, abs=1e-3)


def test_distance_to_a_square_is_exact():
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [1.0, 1.0]])
    found = distance_to_hull(square, np.array([[1.0, 1.0], [2.0, 1.0], [5.0, 1.0], [5.0, 6.0]]))
    np.testing.assert_allclose(found, [0, 0, 3, 5])


def _region(landmarks, name, size=SIZE):
    return region_planes(landmarks, landmark_set(LANDMARKS_83), size=size) & PLANES[name] > 0


def test_every_landmark_is_in_its_region_and_the_margin_is_as_stated(make_scan):
    landmarks = make_scan().landmarks
    for region in REGIONS:
        plane = _region(landmarks, region)
        for part in landmark_set(LANDMARKS_83).parts[region]:
            x, y = landmarks[list(part), :2].T
            assert plane[(100 - y).astype(int), (x + 100).astype(int)].all()
    mouth = landmarks[[row for row, name in enumerate(LANDMARKS_83) if "mouth" in name]]
    rows, columns = np.nonzero(_region(landmarks, "mouth"))
    edge = WINDOW_MM / SIZE
    assert columns.min() - 100 == pytest.approx(mouth[:, 0].min() - MARGIN_MM, abs=edge)
    assert 100 - rows.min() == pytest.approx(mouth[:, 1].max() + MARGIN_MM, abs=edge)


def test_each_eye_is_a_part_of_its_own(make_scan):
    eyes = _region(make_scan().landmarks, "eyes")
    assert eyes[:, :100].any()
    assert eyes[:, 100:].any()
    assert not eyes[:, 95:105].any()


def test_a_part_with_a_missing_landmark_is_left_out(make_scan):
    landmarks = make_scan().landmarks.copy()
    whole = _region(landmarks, "brows")
    landmarks[LANDMARKS_83.index("right_brow_3")] = np.nan
    left = _region(landmarks, "brows")
    assert not left[:, :100].any()
    np.testing.assert_array_equal(left[:, 100:], whole[:, 100:])


def test_a_region_keeps_its_place_at_any_size_and_may_leave_the_window(make_scan):
    landmarks = make_scan().landmarks.copy()
    small = _region(landmarks, "nose", size=50)
    assert small.mean() == pytest.approx(_region(landmarks, "nose").mean(), rel=0.05)
    landmarks[:, 0] += 95
    assert _region(landmarks, "mouth")[:, -1].any()


def test_unknown_landmarks_are_an_error():
    with pytest.raises(UserError, match=r"2 rows from \('a',\) are no known set \(known: 83 rows"):
        landmark_set(("a", "b"))
