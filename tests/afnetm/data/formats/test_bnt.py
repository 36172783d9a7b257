import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.formats.bnt import RangeImage, read_bnt, write_bnt
from afnetm.errors import UserError

NAME = "bs000/scan.bnt"


def make_grid(rows=6, columns=4, *, seed=0):
    rng = np.random.default_rng(seed)
    measured = rng.random((rows, columns)) < 0.8
    measured[0, 0] = True
    points, uv = rng.uniform(-90, 90, (rows, columns, 3)), rng.random((rows, columns, 2))
    points[~measured], uv[~measured] = np.nan, np.nan
    return RangeImage(points, uv, measured, "bs000.png")


def by_the_byte_table(content):
    """Points, uv and background, decoded from the format's table of bytes alone, one number after the other."""
    rows, columns, background, length = struct.unpack_from("<HHdH", content)
    start = 14 + length + 4
    points = np.full((rows, columns, 3), np.nan)
    uv = np.full((rows, columns, 2), np.nan)
    for row in range(rows):
        for column in range(columns):
            n = row * columns + column
            x, y, z, u, v = (
                struct.unpack_from("<d", content, start + 8 * (k * rows * columns + n))[0] for k in range(5)
            )
            if z != background:
                points[rows - 1 - row, column] = x, y, z
                uv[rows - 1 - row, column] = u, v
    return points, uv


def by_hand(*, rows=2, columns=3, background=-1e9, image=b"a.png", count=None, numbers=None, tail=b""):
    numbers = np.arange(rows * columns * 5) / 100 if numbers is None else numbers
    count = len(numbers) if count is None else count
    header = struct.pack("<HHdH", rows, columns, background, len(image)) + image + struct.pack("<I", count)
    return header + struct.pack(f"<{len(numbers)}d", *numbers) + tail


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_what_is_written_is_read(rows, columns, seed):
    grid = make_grid(rows, columns, seed=seed)
    content = write_bnt(grid)
    found = read_bnt(content, NAME)
    assert found.image == grid.image
    np.testing.assert_array_equal(found.measured, grid.measured)
    for mine, theirs in zip((found.points, found.uv), by_the_byte_table(content), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(found.points, grid.points)
    np.testing.assert_array_equal(found.uv, grid.uv)


def test_the_first_stored_row_is_the_bottom_one():
    found = read_bnt(by_hand(), NAME)
    np.testing.assert_allclose(found.points[1, :, 0], [0, 0.01, 0.02])
    np.testing.assert_allclose(found.points[0, :, 0], [0.03, 0.04, 0.05])
    np.testing.assert_allclose(found.uv[1, 0], [0.18, 0.24])


def test_of_the_background_nothing_else_is_looked_at():
    numbers = np.arange(30) / 100
    numbers[[0, 18, 24]], numbers[12] = np.nan, -123.5
    found = read_bnt(by_hand(background=-123.5, numbers=numbers), NAME)
    assert not found.measured[1, 0]
    assert found.measured.sum() == 5


@given(st.data())
def test_a_point_of_which_any_number_is_none_is_no_measurement_and_the_others_stay(data):
    grid = make_grid(5, 4, seed=data.draw(st.integers(0, 9)))
    content, start = bytearray(write_bnt(grid)), len(write_bnt(grid)) - 5 * 20 * 8
    spoilt = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=6))
    for row, column in spoilt:
        what = data.draw(st.sampled_from([-1e9, np.nan, np.inf, -np.inf]))
        for k in data.draw(st.sets(st.integers(0, 4), min_size=1)):
            struct.pack_into("<d", content, start + 8 * (k * 20 + (4 - row) * 4 + column), what)
    found, expected = read_bnt(bytes(content), NAME), grid.measured.copy()
    for place in spoilt:
        expected[place] = False
    np.testing.assert_array_equal(found.measured, expected)
    for mine, theirs in ((found.points, grid.points), (found.uv, grid.uv)):
        np.testing.assert_array_equal(mine, np.where(expected[..., None], theirs, np.nan))


def test_a_background_that_may_be_a_coordinate_is_looked_for_in_z_alone():
    numbers = np.arange(30) / 100
    numbers[[0, 7]], numbers[13] = 0.0, 0.0
    found = read_bnt(by_hand(background=0.0, numbers=numbers), NAME)
    assert np.argwhere(~found.measured).tolist() == [[1, 1]]


def test_a_background_that_is_no_number_is_that_of_points_that_are_none():
    numbers = np.arange(30) / 100
    numbers[[4, 10, 16]] = np.nan
    found = read_bnt(by_hand(background=np.nan, numbers=numbers), NAME)
    assert np.argwhere(~found.measured).tolist() == [[0, 1]]


def _changed(at, value):
    numbers = np.arange(30) / 100
    numbers[at] = value
    return by_hand(numbers=numbers)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "offset 0: ends within the header"),
        (by_hand()[:13], "offset 13: ends within the header"),
        (by_hand()[:17], "offset 17: ends within the header"),
        (by_hand()[:-1], r"offset 23: 239 bytes follow \(allowed: 240"),
        (by_hand(tail=b"\0"), r"offset 23: 241 bytes follow \(allowed: 240"),
        (by_hand(count=29), "offset 19: 29 numbers for 2 x 3 points"),
        (by_hand(rows=65535, columns=65535, count=2**32 - 1, numbers=[]), "offset 19: 4294967295 numbers"),
        (by_hand(rows=65535, columns=13107, count=4294901775 - 0, numbers=[]), "offset 19: 4294901775 numbers"),
        (by_hand(rows=0, columns=3, numbers=[]), "offset 19: 0 numbers for 0 x 3 points"),
        (_changed(3, 2e4), r"offset 47: x = 20000 \(allowed: -10000 to 10000\)"),
        (_changed(7, 1e300), r"offset 79: y = 1e\+300"),
        (_changed(19, 640.0), r"offset 175: u = 640 \(allowed: -0.01 to 1.01\)"),
    ],
)
def test_bad_content_names_the_offset(content, says):
    with pytest.raises(UserError, match=f"^{NAME}, {says}"):
        read_bnt(content, NAME)


def test_thousands_of_damaged_files_are_read_or_refused_in_one_line(mutations):
    content = write_bnt(make_grid(12, 9))
    read = 0
    started = time.monotonic()
    tracemalloc.start()
    for changed in mutations(content, count=4000, seed=0):
        found = _read(changed)
        if isinstance(found, str):
            assert found.startswith(f"{NAME}, offset ")
            assert "\n" not in found
        else:
            assert found.measured.size * 40 <= len(changed)
            assert np.isfinite(found.points[found.measured]).all()
            read += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 100 < read < 3900
    assert peak < 20 * len(content)
    assert time.monotonic() - started < 30


def _read(content):
    try:
        return read_bnt(content, NAME)
    except UserError as error:
        return str(error)


@given(st.binary(max_size=200))
def test_noise_is_refused(content):
    with pytest.raises(UserError, match=NAME):
        read_bnt(content, NAME)
