import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.formats.lm import MAX_BYTES, NamedPoints, read_lm2, read_lm3, write_lm2, write_lm3
from afnetm.data.landmarks import LANDMARKS_22
from afnetm.errors import UserError

NAME = "bs000/scan.lm"
READERS = {2: read_lm2, 3: read_lm3}
WRITERS = {2: write_lm2, 3: write_lm3}

LM2 = """
# a comment
3 landmarks

Labels:
Nose tip
chin  middle
 Inner left eye corner

2D Image coordinates:
600.5 720
-1e2 .5
3. +4.25E+1
"""
LM3 = """# a comment of two lines
# 17 landmarks:

2 landmarks:
Nose tip
1 -2.5 3e1

Chin middle
4.0\t5 6
"""


@given(st.sampled_from([2, 3]), st.lists(st.sampled_from(LANDMARKS_22), unique=True), st.integers(0, 99))
def test_what_is_written_is_read(dimensions, names, seed):
    points = np.random.default_rng(seed).uniform(-900, 900, (len(names), dimensions))
    found = READERS[dimensions](WRITERS[dimensions](NamedPoints(tuple(names), points)), NAME)
    assert found.names == tuple(names)
    np.testing.assert_allclose(found.points, points.reshape(-1, dimensions), atol=1e-4)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\r\r\n"])
def test_any_line_ending_comment_and_spacing(ending):
    flat = read_lm2(LM2.replace("\n", ending).encode(), NAME)
    assert flat.names == ("Nose tip", "chin middle", "Inner left eye corner")
    np.testing.assert_array_equal(flat.points, [[600.5, 720], [-100, 0.5], [3, 42.5]])
    solid = read_lm3(LM3.replace("\n", ending).encode(), NAME)
    assert solid.names == ("Nose tip", "Chin middle")
    np.testing.assert_array_equal(solid.points, [[1, -2.5, 30], [4, 5, 6]])


def test_comments_may_be_of_any_encoding():
    assert read_lm3(b"\xef\xbb\xbf# y\xfcz\n" + LM3.encode(), NAME).names == ("Nose tip", "Chin middle")


def test_landmarks_are_picked_whatever_their_case_and_unknown_ones_are_not_minded():
    content = LM3.replace("2 land", "3 land") + "Left ear lobe\n7 8 9\n"
    picked = read_lm3(content.encode(), NAME).pick(["CHIN Middle", "Outer left eyebrow", "Nose tip"])
    np.testing.assert_array_equal(picked, [[4, 5, 6], [np.nan] * 3, [1, -2.5, 30]])


@pytest.mark.parametrize("number", ["nan", "-1e9", "-1000000000.0"])
def test_a_landmark_on_the_background_is_missing(number):
    found = read_lm3(LM3.replace("4.0", number).encode(), NAME)
    np.testing.assert_array_equal(found.points, [[1, -2.5, 30], [np.nan] * 3])


@pytest.mark.parametrize(
    ("dimensions", "old", "new", "says"),
    [
        (3, "2 land", "3 land", "ends where a landmark's name should be"),
        (3, "2 land", "1 land", "line 8: 'Chin middle' follows the last landmark"),
        (3, "2 land", "999999999999999999999999 land", "line 4: 99999999999999999999 landmarks, and 4 lines follow"),
        (3, "2 landmarks:", "two landmarks:", "ends where the number of landmarks should be"),
        (3, "Chin middle", "NOSE  TIP", "line 8: 'NOSE TIP' is named twice"),
        (3, "4.0\t5", "4.0", "line 9: '4.0 6' .allowed: 3 numbers"),
        (3, "4.0", "4,0", "line 9: '4,0 5 6' .allowed: 3 numbers"),
        (3, "4.0", "inf", "line 9: 'inf 5 6'"),
        (3, "4.0", "-2e9", "line 9: '-2e9 5 6'"),
        (3, "4.0", "1e999", "line 9: '1e999 5 6'"),
        (3, "4.0", "4_0", "line 9: '4_0 5 6'"),
        (3, "Chin middle", "Ch\u0131n middle", "line 8: .* is not plain text"),
        (3, "Chin middle", "1.5 2 3", "line 8: '1.5 2 3' is not the name of a landmark"),
        (2, "2D Image coordinates:", "", "ends where '2d image coordinates:' should be"),
        (2, "Labels:", "", "ends where 'labels:' should be"),
        (2, "3. ", "", "line 13: '.*' .allowed: 2 numbers"),
    ],
)
def test_bad_content_names_the_line(dimensions, old, new, says):
    content = {2: LM2, 3: LM3}[dimensions]
    assert old in content
    with pytest.raises(UserError, match=rf"^{NAME}(, |: ){says}"):
        READERS[dimensions](content.replace(old, new).encode(), NAME)


def test_a_huge_file_is_refused_unread():
    with pytest.raises(UserError, match=f"{NAME}: 65537 bytes .allowed for landmarks"):
        read_lm3(b"\n" * (MAX_BYTES + 1), NAME)


def _refused_or_right(dimensions, content):
    found = _read(dimensions, content)
    if isinstance(found, str):
        assert found.startswith(NAME)
        assert "\n" not in found
        assert len(found) < 250
        return False
    assert found.points.shape == (len(found.names), dimensions)
    assert np.isfinite(found.points).all()
    return True


def _read(dimensions, content):
    try:
        return READERS[dimensions](content, NAME)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "utf-32"])
def test_damaged_files_are_read_or_refused_in_one_line(mutations, dimensions, encoding):
    points = NamedPoints(LANDMARKS_22, np.random.default_rng(0).uniform(-90, 90, (22, dimensions)))
    content = WRITERS[dimensions](points).decode().encode(encoding)
    tracemalloc.start()
    good = sum(_refused_or_right(dimensions, changed) for changed in mutations(content, count=800, seed=dimensions))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * len(content)
    assert good > 20 if encoding != "utf-32" else not good


@given(st.sampled_from([2, 3]), st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_noise_is_refused_or_has_no_landmarks(dimensions, content):
    read = _refused_or_right(dimensions, content)
    assert not read or not READERS[dimensions](content, NAME).names
