import numpy as np
import pytest

from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_68, LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, WINDOW_MM
from afnetm.data.regions import EYE_HEIGHT, LANDMARK_SETS, MARGIN_MM, landmark_set, region_planes
from afnetm.data.sources.landmarks_22 import landmarks_22_from_83
from afnetm.errors import UserError

SIZE = 200  # a millimetre a pixel
#: Where iBUG's parts are, in the frame of the window: the points are strewn over each part's box.
IBUG_BOXES = {
    "right_brow": (-45, 45, -15, 52), "left_brow": (15, 45, 45, 52), "nose": (-15, -12, 15, 25),
    "right_eye": (-42, 28, -16, 35), "left_eye": (16, 28, 42, 35), "mouth": (-25, -50, 25, -32),
}  # fmt: skip


def _region(landmarks, name, size=SIZE, names=LANDMARKS_83):
    return region_planes(landmarks, landmark_set(names), size=size) & PLANES[name] > 0


@pytest.fixture
def bosphorus(make_scan):
    scan = make_scan()
    return landmarks_22_from_83(scan.landmarks, scan.vertices)


@pytest.fixture
def ibug():
    rng = np.random.default_rng(0)
    landmarks = np.zeros((68, 3))
    for row, name in enumerate(LANDMARKS_68):
        box = next((box for part, box in IBUG_BOXES.items() if part in name), (-70, -90, 70, 0))
        landmarks[row, :2] = rng.uniform(box[:2], box[2:])
    return landmarks


@pytest.mark.parametrize("names", LANDMARK_SETS, ids=len)
def test_every_landmark_is_in_its_region(make_scan, bosphorus, ibug, names):
    landmarks = {83: make_scan().landmarks, 22: bosphorus, 68: ibug}[len(names)]
    for region in REGIONS:
        plane = _region(landmarks, region, names=names)
        for part in landmark_set(names).parts[region]:
            x, y = landmarks[[*part.rows, *part.optional], :2].T
            assert plane[(100 - y).astype(int), (x + 100).astype(int)].all()


@pytest.mark.parametrize("names", LANDMARK_SETS, ids=len)
def test_regions_hold_the_landmarks_whose_names_say_so(names):
    words = {"brows": ["brow"], "eyes": ["eye_", "eye corner"], "nose": ["nose", "nostril"], "mouth": ["mouth", "lip"]}
    for region, parts in landmark_set(names).parts.items():
        rows = sorted(row for part in parts for row in (*part.rows, *part.optional))
        named = [row for row, name in enumerate(names) if any(word in name.lower() for word in words[region])]
        assert rows == named
        assert len(parts) == (2 if region in {"brows", "eyes"} else 1)


def test_the_margin_is_as_stated(make_scan):
    landmarks = make_scan().landmarks
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


@pytest.mark.parametrize("turn", [0, 20, 90])
def test_an_eye_of_corners_alone_has_the_stated_height_across_their_line(bosphorus, turn):
    landmarks = np.full_like(bosphorus, np.nan)
    along = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
    landmarks[[6, 7], :2] = 20 * along, -20 * along
    plane = _region(landmarks, "eyes", size=800, names=LANDMARKS_22)
    rows, columns = np.nonzero(plane)
    points = np.stack([(columns + 0.5) / 4 - 100, 100 - (rows + 0.5) / 4], -1)
    assert np.ptp(points @ along) == pytest.approx(40 + 2 * MARGIN_MM, abs=0.5)
    assert np.ptp(points @ np.array([-along[1], along[0]])) == pytest.approx(40 * EYE_HEIGHT + 2 * MARGIN_MM, abs=0.5)


def test_either_scheme_marks_about_the_same_places(make_scan, bosphorus):
    # Three points of a brow are a line along its middle; the nose peaks are above the nostrils.
    for region, least in {"brows": 0.6, "eyes": 0.8, "nose": 0.6, "mouth": 0.7}.items():
        one, other = _region(make_scan().landmarks, region), _region(bosphorus, region, names=LANDMARKS_22)
        assert (one & other).sum() / (one | other).sum() > least, region


def test_a_part_that_lacks_a_landmark_it_needs_is_left_out(make_scan):
    landmarks = make_scan().landmarks.copy()
    whole = _region(landmarks, "brows")
    landmarks[LANDMARKS_83.index("right_brow_3")] = np.nan
    left = _region(landmarks, "brows")
    assert not left[:, :100].any()
    np.testing.assert_array_equal(left[:, 100:], whole[:, 100:])


@pytest.mark.parametrize(
    ("lost", "region", "there"),
    [
        ("Middle left eyebrow", "brows", True),
        ("Upper lip inner middle", "mouth", True),
        ("Nose tip", "nose", True),
        ("Upper lip outer middle", "mouth", False),
        ("Left mouth corner", "mouth", False),
        ("Nose saddle left", "nose", False),
    ],
)
def test_some_of_the_22_may_lack_and_some_may_not(bosphorus, lost, region, there):
    landmarks = bosphorus.copy()
    landmarks[LANDMARKS_22.index(lost)] = np.nan
    assert _region(landmarks, region, names=LANDMARKS_22).any() == there


def test_a_region_keeps_its_place_at_any_size_and_may_leave_the_window(make_scan):
    landmarks = make_scan().landmarks.copy()
    small = _region(landmarks, "nose", size=50)
    assert small.mean() == pytest.approx(_region(landmarks, "nose").mean(), rel=0.05)
    landmarks[:, 0] += 95
    assert _region(landmarks, "mouth")[:, -1].any()


def test_unknown_landmarks_are_an_error():
    with pytest.raises(UserError, match=r"2 rows from \('a',\) are no known set \(known: 83 rows"):
        landmark_set(("a", "b"))
