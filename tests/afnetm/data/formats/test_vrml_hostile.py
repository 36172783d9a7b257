"""Files made to take time or memory: neither may grow faster than the file."""

import time
import tracemalloc
from contextlib import suppress

import pytest

from afnetm.data.formats.vrml import read_vrml
from afnetm.errors import UserError
from tests.afnetm.data.formats.vrml_layouts import SQUARE

#: Seconds; generous, since machines are busy. What grows with the square of the size takes hours.
LIMIT = 10.0
LARGE, SMALL = 1_000_000, 200_000  # bytes; what is traced takes several times as long
POINT = "Shape { geometry IndexedFaceSet { coord Coordinate { point ["


@pytest.mark.parametrize(
    ("before", "repeated", "after"),
    [
        ("", "[", ""),
        ("", "a{b ", ""),
        ("", "Group { children [", ""),
        ("", "a [1 ", ""),
        ("", "#\n", ""),
        ("", " ", ""),
        ("", "a", ""),
        ("", '"', ""),
        ('A { b "', '\\"', ""),
        ('A { b [ "', '#" "', '"]}'),
        ("A { b ", "0x", ""),
        ("A { b [", "fade ", "]}"),
        ("A { b ", "1 ", ""),
        ("A {", " b[1]", ""),
        ("", "Transform{scale 1 1 1}", ""),
        (POINT, "1", "]}}}"),
        (POINT, "1 ", "nan]}}}"),
        (POINT, "-", "]}}}"),
        (POINT, ".1", "]}}}"),
        (SQUARE, "0 ", "]}}"),
        (SQUARE, "0 1 2 -1\n", "]}}"),
        (SQUARE, "0 1 2 -1\r\n", "7]}}"),
        (SQUARE, "-1 ", "]}}"),
        (SQUARE + "0x", "f", "]}}"),
        (SQUARE, "9", "]}}"),
    ],
)
def test_hostile_files_take_neither_time_nor_memory(before: str, repeated: str, after: str) -> None:
    def content(size: int) -> bytes:
        return ("#VRML V2.0 utf8\n" + before + repeated * (size // len(repeated)) + after).encode()

    def read(made: bytes) -> None:
        with suppress(UserError):
            read_vrml(made, "x")

    large, small = content(LARGE), content(SMALL)
    started = time.perf_counter()
    read(large)
    assert time.perf_counter() - started < LIMIT
    tracemalloc.start()
    try:
        read(small)
        assert tracemalloc.get_traced_memory()[1] < 15 * len(small)
    finally:
        tracemalloc.stop()
