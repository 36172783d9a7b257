"""Landmarks as CSV: what is written is read, what is damaged is refused with one line."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.formats.landmark_table import MAX_BYTES, read_landmark_table
from afnetm.errors import UserError

NAME = "faces/a.csv"
coordinates = st.floats(-1e4, 1e4, width=32)


@given(
    st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=90), st.booleans(), st.booleans()
)
def test_points_are_read_as_written(points, named, headed):
    names = [f"jaw {row}" for row in range(len(points))]
    rows = [f"{x!r},{y!r} , {z:.9e}" for x, y, z in points]
    if named:
        rows = ["\ufeffname,x,y,z", *(f'"{name}",{row}' for name, row in zip(names, rows, strict=True))]
    elif headed:
        rows = ["X,Y,Z", *rows]
    table = read_landmark_table("\r\n".join(rows).encode(), NAME)
    np.testing.assert_allclose(table.points, np.array(points), rtol=1e-8)
    assert table.names == (tuple(names) if named else None)


def test_an_empty_point_is_missing():
    table = read_landmark_table(b"name,x,y,z\nchin,,,\nnose,1,2,3\n", NAME)
    np.testing.assert_array_equal(table.points, [[np.nan] * 3, [1, 2, 3]])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "there is no landmark in it"),
        (b"x,y,z\n", "there is no landmark in it"),
        (b"1,2\n", "line 1: 2 cells"),
        (b"name,x,y,z\nchin,1,2,3\nChin,1,2,3\n", "line 3: the landmark's name 'Chin' is empty or there twice"),
        (b"1,2,3\n1,2,nan\n", "line 2: 'nan' is no coordinate"),
        (b"1,2,3\n1,2,1e9\n", "line 2: '1e9' is no coordinate"),
        (b"1,2,\xff\n", "offset 4: not UTF-8"),
        (b"1,2,3\n" * MAX_BYTES, "bytes (allowed for landmarks: up to 65536)"),
    ],
)
def test_what_is_wrong_is_one_line(content, expected):
    with pytest.raises(UserError, match=re.escape(expected)):
        read_landmark_table(content, NAME)


def test_damaged_tables_are_read_or_refused_with_one_line(mutations):
    content = b"name,x,y,z\n" + b"".join(b"jaw_%d,%d.5,-2e1,3\n" % (row, row) for row in range(9))
    for damaged in mutations(content, count=1000, seed=0):
        try:
            assert len(read_landmark_table(damaged, NAME).points)
        except UserError as error:
            assert re.match(r"faces/a\.csv[^\n]+$", str(error))  # noqa: PT017
