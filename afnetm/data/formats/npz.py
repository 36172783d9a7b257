"""``.npz``: NumPy's archives of arrays, of which numbers alone are read: never a pickle, never more than is there."""

import io
import math
import warnings
import zipfile

import numpy as np
from numpy.typing import NDArray

from afnetm.errors import UserError

#: Arrays in a file, and bytes of all of them together.
MAX_ARRAYS, MAX_BYTES = 64, 2**28
#: Characters of an array's header: a type and a shape take 120.
_MAX_HEADER = 1000
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(content: bytes, name: str) -> dict[str, NDArray[np.generic]]:
    """The arrays of numbers in an ``.npz`` file by their names; arrays of anything else are refused.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: it is none, has too many or too large arrays, or one that is not of numbers.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > MAX_ARRAYS or size > MAX_BYTES:
                raise UserError(
                    f"{name}: {len(members)} arrays of {size} bytes (allowed: {MAX_ARRAYS} of {MAX_BYTES} together)"
                )
            return {
                member.filename.removesuffix(".npy"): _array(archive.read(member), f"{name}: {member.filename[:60]!a}")
                for member in members
                if member.compress_type in _COMPRESSIONS
            }
    except UserError:
        raise
    except Exception as error:  # a damaged archive raises whatever is stumbled over
        raise UserError(f"{name}: damaged, or no archive of arrays ({type(error).__name__})") from None


def _array(content: bytes, where: str) -> NDArray[np.generic]:
    """One array, which is as large as its header says and no larger than `content`."""
    file = io.BytesIO(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, kind = read(file, max_header_size=_MAX_HEADER)
    if kind.kind not in "bfiu" or kind.itemsize > 8:
        raise UserError(f"{where}: an array of {str(kind)[:40]} (allowed: numbers)")
    if min(shape, default=1) < 0 or math.prod(shape) * kind.itemsize != len(content) - file.tell():
        raise UserError(f"{where}: an array of shape {str(shape)[:40]} in {len(content)} bytes")
    return np.frombuffer(content, kind, offset=file.tell()).reshape(shape, order="F" if by_columns else "C")
