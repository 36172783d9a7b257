"""NPZ files: numbers alone are read, no more than is there; what is wrong is one line."""

import io
import re
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from afnetm.data.formats.npz import MAX_BYTES, read_npz
from afnetm.errors import UserError

NAME = "faces/a.npz"


def written(save=np.savez, **content):
    buffer = io.BytesIO()
    save(buffer, **content)
    return buffer.getvalue()


def member(header, data=b""):
    """An archive of one array with this header."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data)
    return buffer.getvalue()


@given(
    array=arrays.arrays(
        st.sampled_from(["f4", ">f8", "u1", "<u2", "i8", "?"]), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)
    ),
    save=st.sampled_from([np.savez, np.savez_compressed]),
    by_columns=st.booleans(),
)
def test_arrays_are_read_as_written(array, save, by_columns):
    found = read_npz(written(save, a=np.asfortranarray(array) if by_columns else array, b=np.arange(3)), NAME)
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], array)
    assert found["a"].dtype == array.dtype


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "damaged, or no archive of arrays (BadZipFile)"),
        (b"\x93NUMPY", "damaged, or no archive"),
        (written(a=np.array([{}], object)), "'a.npy': an array of object (allowed: numbers)"),
        (written(a=np.array(["text"])), "'a.npy': an array of <U4 (allowed: numbers)"),
        (written(a=np.zeros(2, "f4,i4")), "'a.npy': an array of [('f0', '<f4'), ('f1', '<i4')] (allowed: numbers)"),
        (member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**9,)}\n"), "damaged, or no archive"),
        (
            member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}\n"),
            "an array of shape (1000000000000,) in 78 bytes",
        ),
        (
            member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}\n", bytes(8)),
            "an array of shape (-1, -1)",
        ),
        (member(b"__import__('os').system('true')\n"), "damaged, or no archive"),
        (written(**{f"a{i}": np.zeros(1) for i in range(65)}), "65 arrays of"),
    ],
)
def test_what_is_wrong_is_one_line(content, expected):
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        read_npz(content, NAME)
    assert re.fullmatch(r"faces/a\.npz[^\n]+", str(caught.value))


def test_a_bomb_is_refused_unpacked():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as file:
        for _ in range(MAX_BYTES // 2**20 + 1):
            file.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(UserError, match=r"1 arrays of \d+ bytes \(allowed: 64 of 268435456 together\)"):
        read_npz(buffer.getvalue(), NAME)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_files_are_read_or_refused_with_one_line(save, mutations):
    content = written(save, points=np.arange(24.0).reshape(2, 4, 3), colour=np.zeros((2, 4, 3), np.uint8))
    for damaged in mutations(content, count=500, seed=0):
        try:
            assert sum(array.nbytes for array in read_npz(damaged, NAME).values()) <= len(content) * 8
        except UserError as error:
            assert re.fullmatch(r"faces/a\.npz[^\n]+", str(error))  # noqa: PT017
