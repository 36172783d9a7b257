import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from afnetm.data.hulls import convex_hull, distance_to_hull

points = arrays(np.float64, st.tuples(st.integers(3, 20), st.just(2)), elements=st.integers(-50, 50).map(float))


@given(points)
def test_a_hull_turns_left_at_every_corner_and_has_all_points_inside(cloud):
    hull = convex_hull(cloud)
    assert set(map(tuple, hull)) <= set(map(tuple, cloud))
    if np.linalg.matrix_rank(cloud - cloud[0]) < 2:
        assert len(hull) == 2
        return
    along = np.roll(hull, -1, 0) - hull
    following = np.roll(along, -1, 0)
    assert (along[:, 0] * following[:, 1] > along[:, 1] * following[:, 0]).all()
    offset = cloud[:, None] - hull
    assert (along[:, 0] * offset[..., 1] >= along[:, 1] * offset[..., 0]).all()


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


def test_a_segment_and_a_point_are_hulls_too():
    queries = np.array([[0.0, 3.0], [5.0, 0.0]])
    np.testing.assert_allclose(distance_to_hull(np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), queries), [3, 4])
    np.testing.assert_allclose(distance_to_hull(np.array([[1.0, 0.0], [1.0, 0.0]]), queries), [np.sqrt(10), 4])
