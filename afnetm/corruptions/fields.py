"""Random fields over the window, drawn on grids in mm: the same field whatever the size of the maps."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.maps import WINDOW_MM

#: Cells of the grid on which a smooth field is drawn, a standard deviation of its filter: linear interpolation between
#: them loses a few hundredths of the variance.
_FINENESS = 2.5


def positions(size: int) -> NDArray[np.float64]:
    """Pixel centres ``(S, S, 2)``, mm from the middle of the window: x to the viewer's right, y up."""
    along = (np.arange(size) + 0.5) * WINDOW_MM / size - WINDOW_MM / 2
    return np.stack(np.meshgrid(along, -along), -1)


def smooth_field(rng: np.random.Generator, *, width_mm: float, count: int = 1) -> NDArray[np.float64]:
    """Fields of Gaussian noise ``(count, n, n)`` over the window, of zero mean and unit variance.

    Args:
        rng: drawn from.
        width_mm: standard deviation of the Gaussian by which white noise is filtered; it decides ``n``.
        count: of independent fields.
    """
    number = round(WINDOW_MM * _FINENESS / width_mm)
    white = rng.standard_normal((count, number, number), dtype=np.float32)
    width = width_mm * number / WINDOW_MM
    field = ndimage.gaussian_filter(white, width, axes=(1, 2), mode="wrap").astype(np.float64)
    return np.asarray((field - field.mean((1, 2), keepdims=True)) / field.std((1, 2), keepdims=True))


def at(field: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values ``(count, ...)`` of fields at `points` ``(..., 2)`` mm, as in `positions`; periodic beyond the window."""
    cell = WINDOW_MM / len(field[0])
    column, row = points[..., 0] + WINDOW_MM / 2, WINDOW_MM / 2 - points[..., 1]
    place = np.stack([row, column]) / cell - 0.5
    return np.stack([ndimage.map_coordinates(one, place, order=1, mode="grid-wrap") for one in field])


def noise(rng: np.random.Generator, size: int, *, width_mm: float, count: int = 1) -> NDArray[np.float64]:
    """Smooth fields at the pixels, ``(count, S, S)``, of unit variance at every size."""
    values = at(smooth_field(rng, width_mm=width_mm, count=count), positions(size))
    return np.asarray(values / values.std((1, 2), keepdims=True))


def cells(rng: np.random.Generator, size: int, *, cell_mm: float, count: int = 1) -> NDArray[np.float64]:
    """Independent numbers in 0..1 of square cells of about `cell_mm`, at the pixels: ``(count, S, S)``."""
    number = round(WINDOW_MM / cell_mm)
    drawn = rng.random((count, number, number))
    index = ((np.arange(size) + 0.5) * number / size).astype(np.intp)
    return np.asarray(drawn[:, index[:, None], index[None, :]])
