import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afnetm.data.formats.bnd import Bnd, read_bnd, write_bnd
from afnetm.errors import UserError

ROW = b"17\t\t1.5 -2e1 .25\r\n"


def landmarks() -> Bnd:
    rng = np.random.default_rng(0)
    return Bnd(rng.integers(0, 40_000, 83), rng.normal(0, 60, (83, 3)).astype(np.float32))


def test_what_is_written_is_read_back_bit_by_bit() -> None:
    made = landmarks()
    content = write_bnd(made)
    assert content.startswith(f"{made.indices[0]}\t\t{made.points[0, 0]:.9g} ".encode())
    back = read_bnd(content, "x")
    assert (back.indices.dtype, back.points.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(back.indices, made.indices)
    np.testing.assert_array_equal(back.points, made.points)


@settings(max_examples=50)
@given(data=st.data())
def test_spacing_and_line_ends_are_free(data: st.DataObject) -> None:
    def drawn(*choices: str) -> str:
        return data.draw(st.sampled_from(choices))

    made, space, end = (
        landmarks(),
        drawn(" ", "\t", "\t\t", " \t "),
        drawn("\n", "\r\n", "\r", "\n\n", "\r\n \r\n", " \n"),
    )
    rows = [[str(i), *(f"{x:.9e}" for x in point)] for i, point in zip(made.indices, made.points.tolist(), strict=True)]
    text = drawn("", end, space) + end.join(space.join(row) for row in rows) + drawn("", end, space)
    back = read_bnd(text.encode(), "x")
    np.testing.assert_array_equal(back.indices, made.indices)
    np.testing.assert_array_equal(back.points, made.points)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "F.bnd: 0 landmarks (allowed: 83)"),
        (ROW * 82, "F.bnd: 82 landmarks (allowed: 83)"),
        (ROW * 84, "F.bnd, line 84: one landmark too many (allowed: 83)"),
        (b"\r\n" + ROW + b"1 2 3\n", "F.bnd, line 3: 3 numbers (allowed: 4, a vertex's index and its x, y, z)"),
        (b"1 2 3 4 5\n", "F.bnd, line 1: 5 numbers"),
        (b"-1 2 3 4\n", "F.bnd, line 1: '-1' is not a vertex's index"),
        (b"1.0 2 3 4\n", "F.bnd, line 1: '1.0' is not a vertex's index"),
        (b"99999999999 2 3 4\n", "F.bnd, line 1: '99999999999' is not a vertex's index"),
        (ROW + b"1 2 nan 4\n", "F.bnd, line 2: 'nan' is not a valid coordinate"),
        (b"1 2 1e39 4\n", "F.bnd, line 1: '1e39' is not a valid coordinate"),
        (b"1 2 1_0 4\n", "F.bnd, line 1: '1_0' is not a valid coordinate"),
        (b"1 2 3,5 4\n", "F.bnd, line 1: '3,5' is not a valid coordinate"),
        ("1 2 ٣ 4\n".encode(), "is not a valid coordinate"),
        (write_bnd(landmarks()).decode().encode("utf-32"), "F.bnd, line 1: "),
        (b"1 2 3 " + b"9" * 5_000_000, "F.bnd, line 1: '9999999999999999999999999999999999999999'... is not"),
        (b" " * 5_000_000, "F.bnd: 0 landmarks"),
        (b"\r" * 5_000_000, "F.bnd: 0 landmarks"),
        (b"1 " * 2_500_000, "F.bnd, line 1: 2500000 numbers"),
    ],
)
def test_other_files_are_refused_with_their_line(content: bytes, wanted: str) -> None:
    with pytest.raises(UserError) as error:
        read_bnd(content, "F.bnd")
    assert wanted in str(error.value)
    assert str(error.value).isascii()
    assert str(error.value).isprintable()


def test_damaged_files_are_read_or_refused_in_one_line() -> None:
    rng, whole = random.Random(0), write_bnd(landmarks())
    for _ in range(2000):
        content = bytearray(whole[: rng.choice((len(whole), len(whole), rng.randrange(len(whole))))])
        for _ in range(rng.randint(0, 3)):
            if content:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        try:
            found, refused = read_bnd(bytes(content), "F.bnd"), ""
        except UserError as error:
            found, refused = None, str(error)
        if found:
            assert found.points.shape == (83, 3)
            assert np.isfinite(found.points).all()
            assert found.indices.min() >= 0
        else:
            assert refused.startswith("F.bnd")
            assert refused.isprintable()
