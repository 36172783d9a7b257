"""The regressor finds landmarks of new subjects' maps, and predicts no scan by its own subject."""

import numpy as np
import pytest
from numpy.typing import NDArray

from afnetm.data.landmark_regressor import fit_landmarks, out_of_fold
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.errors import UserError

SIZE = 40
Maps = tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.float64]]


def faces(seed: int, count: int = 60) -> Maps:
    """Discs of random places with a dark and a high spot each, which are the two landmarks."""
    rng = np.random.default_rng(seed)
    at = (np.arange(SIZE) + 0.5) * WINDOW_MM / SIZE - WINDOW_MM / 2
    x, y = np.meshgrid(at, -at)
    landmarks = np.zeros((count, 2, 3))
    landmarks[..., :2] = rng.uniform(-12, 12, (count, 2, 2)) + np.array([(-25, 10), (25, -10)])
    texture, depth = [], []
    for dark, high in landmarks:
        near_dark, near_high = (np.exp(-((x - p[0]) ** 2 + (y - p[1]) ** 2) / 400) for p in (dark, high))
        inside = x**2 + y**2 < 80**2
        millimetres = 20 * near_high + rng.normal(0, 0.5, x.shape)
        texture.append(np.where(inside, 200 - 150 * near_dark, 0)[None].repeat(3, 0))
        depth.append(np.where(inside, (millimetres - DEPTH_ZERO_MM) / DEPTH_STEP_MM + 1, 0)[None])
    return np.array(texture).astype(np.uint8), np.array(depth).astype(np.uint16), landmarks


def test_landmarks_of_new_maps_are_found_by_texture_and_by_depth() -> None:
    texture, depth, landmarks = faces(0)
    regressor = fit_landmarks(texture, depth, landmarks)
    new_texture, new_depth, truth = faces(1)
    found = regressor.predict(new_texture, new_depth)
    assert found.shape == truth.shape
    assert found.dtype == np.float32
    error = np.linalg.norm(found - truth, axis=-1).mean(0)
    guess = np.linalg.norm(landmarks.mean(0) - truth, axis=-1).mean(0)
    assert (error < guess / 2).all()
    again = fit_landmarks(texture, depth, landmarks).predict(new_texture, new_depth)
    assert again.tobytes() == found.tobytes()


def test_no_scan_is_predicted_by_its_own_subject() -> None:
    texture, depth, landmarks = faces(0, 40)
    subjects = np.repeat([f"s{number}" for number in range(8)], 5)
    known = out_of_fold(texture, depth, landmarks, subjects)
    for subject in ("s0", "s5"):
        own = subjects == subject
        poisoned = np.where(own[:, None, None], 500.0, landmarks)
        np.testing.assert_array_equal(out_of_fold(texture, depth, poisoned, subjects)[own], known[own])


def test_a_missing_landmark_is_the_mean_of_the_others() -> None:
    texture, depth, landmarks = faces(0, 20)
    landmarks[3, 1] = np.nan
    filled = landmarks.copy()
    filled[3, 1] = np.nanmean(landmarks[:, 1], axis=0)
    first, second = (fit_landmarks(texture, depth, one).predict(texture, depth) for one in (landmarks, filled))
    np.testing.assert_array_equal(first, second)
    landmarks[:, 1] = np.nan
    with pytest.raises(UserError, match=r"landmarks: rows \[1\] are missing in every scan"):
        fit_landmarks(texture, depth, landmarks)


def test_too_little_to_learn_from_is_said() -> None:
    texture, depth, landmarks = faces(0, 4)
    with pytest.raises(UserError, match=r"landmarks: 1 scans to learn from \(allowed: 2 or more\)"):
        fit_landmarks(texture[:1], depth[:1], landmarks[:1])
    with pytest.raises(UserError, match=r"landmarks: 1 subjects to learn from \(allowed: 2 or more\)"):
        out_of_fold(texture, depth, landmarks, np.array(["s0"] * 4))
