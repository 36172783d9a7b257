import numpy as np
import pytest

from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, WINDOW_MM
from afnetm.data.regions import MARGIN_MM, landmark_set, region_planes
from afnetm.errors import UserError

SIZE = 200  # a millimetre a pixel


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
