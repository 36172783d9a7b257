"""``.bnt``: a range image of Bosphorus. Points on a grid as five columns of numbers, behind a small header.

Little-endian and without padding: rows and columns (uint16 each), the background's z (float64), an image's name (uint16
length, then its characters), how many numbers follow (uint32, rows x columns x 5), and these as float64: every x, then
every y, z, u, v, row by row from the bottom row up.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.errors import UserError

#: Coordinates further out are none of a face in mm, whatever its origin: ten metres.
MAX_MM = 1e4
#: How far texture coordinates may leave 0..1: interpolation at a photograph's rim, not another unit.
UV_SLACK = 0.01
#: The background's z where this project writes; Bosphorus has the same.
BACKGROUND = -1e9
_SIZES, _LENGTH, _COUNT = struct.Struct("<HHd"), struct.Struct("<H"), struct.Struct("<I")
_COLUMNS = ("x", "y", "z", "u", "v")


@dataclass(frozen=True, eq=False)
class RangeImage:
    """A range image of ``R x C`` points; row 0 is at the top.

    Attributes:
        points: ``(R, C, 3)`` float64 mm, NaN where nothing was measured.
        uv: ``(R, C, 2)`` float64, 0..1 within the photograph and NaN where nothing was measured; which way v grows is
            not documented.
        measured: ``(R, C)`` bool.
        image: the photograph's name as the file has it; any text.
    """

    points: NDArray[np.float64]
    uv: NDArray[np.float64]
    measured: NDArray[np.bool_]
    image: str = ""


def read_bnt(content: bytes, name: str) -> RangeImage:
    """The range image in `content`.

    A point whose z is the background's is no measurement: its other numbers are not looked at. Nor is one of which any
    number is not finite or, where that can be no coordinate, the background's value: files have points of which x alone
    is.

    Raises:
        UserError: begins with `name` and says at which offset: cut short or too long, counts that contradict each
            other, no points, or a measured number that is far out of range.
    """
    rows, columns, background = _unpack(_SIZES, content, 0, name)
    (length,) = _unpack(_LENGTH, content, _SIZES.size, name)
    at = _SIZES.size + _LENGTH.size
    image = content[at : at + length].decode("latin-1").rstrip("\0")
    at += length
    (count,) = _unpack(_COUNT, content, at, name)
    if count != rows * columns * len(_COLUMNS) or not count:
        raise UserError(f"{name}, offset {at}: {count} numbers for {rows} x {columns} points (allowed: 5 for each)")
    at += _COUNT.size
    if len(content) - at != count * 8:
        raise UserError(
            f"{name}, offset {at}: {len(content) - at} bytes follow (allowed: {count * 8}, {count} numbers)"
        )

    numbers = np.frombuffer(content, "<f8", offset=at).reshape(len(_COLUMNS), rows, columns)
    measured = (numbers[2] != background) & np.isfinite(numbers).all(0)
    if abs(background) > MAX_MM:
        measured &= (numbers != background).all(0)
    _check_range(numbers, measured, at, name)
    upright = np.where(measured, numbers, np.nan)[:, ::-1].transpose(1, 2, 0)
    return RangeImage(upright[..., :3], upright[..., 3:], measured[::-1], image)


def write_bnt(grid: RangeImage) -> bytes:
    """The file of `grid`, whose image name must have at most 65535 characters of Latin-1."""
    rows, columns = grid.measured.shape
    numbers = np.concatenate([grid.points, grid.uv], axis=-1).astype("<f8")
    numbers[~grid.measured] = (BACKGROUND, BACKGROUND, BACKGROUND, 0, 0)
    image = grid.image.encode("latin-1")
    header = _SIZES.pack(rows, columns, BACKGROUND) + _LENGTH.pack(len(image)) + image + _COUNT.pack(numbers.size)
    return header + numbers[::-1].transpose(2, 0, 1).tobytes()


def _unpack(layout: struct.Struct, content: bytes, offset: int, name: str) -> tuple[Any, ...]:
    if len(content) < offset + layout.size:
        raise UserError(f"{name}, offset {len(content)}: ends within the header ({offset + layout.size} bytes or more)")
    return layout.unpack_from(content, offset)


def _check_range(numbers: NDArray[np.float64], measured: NDArray[np.bool_], at: int, name: str) -> None:
    """Refuses the first measured number that cannot be one."""
    for column, letter in enumerate(_COLUMNS):
        low, high = (-MAX_MM, MAX_MM) if letter in "xyz" else (-UV_SLACK, 1 + UV_SLACK)
        values = numbers[column]
        good = (values >= low) & (values <= high)
        if (bad := np.flatnonzero(measured & ~good)).size:
            offset = at + 8 * (column * measured.size + int(bad[0]))
            value = f"{letter} = {values.flat[bad[0]]:g}"
            raise UserError(f"{name}, offset {offset}: {value} (allowed: {low:g} to {high:g})")
