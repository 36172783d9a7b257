"""Holes in a map: which pixels the face encloses without having been measured, and a smooth surface over them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

#: Depth is filled in holes up to this area, mm^2: a disc of 11 mm radius, a wide open eye. What is larger stays empty.
MAX_HOLE_MM2 = 400.0


def enclosed(measured: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The holes of a map: unmeasured pixels that no path of edge neighbours joins to the map's border.

    Returns:
        Labels ``(S, S)``, 0 outside holes and 1 to n inside, and the holes' sizes in pixels ``(n + 1,)`` by label.
    """
    labels = ndimage.label(ndimage.binary_fill_holes(measured) & ~measured)[0].astype(np.intp)
    return labels, np.bincount(labels.ravel())


def fill(planes: NDArray[np.float64], hole: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`planes` with the pixels of `hole` replaced by the membrane over them: every one the mean of its four neighbours.

    The membrane is the solution of Laplace's equation with the rim given: it takes no value beyond the rim's, and
    repeats a plane exactly.

    Args:
        planes: ``(C, S, S)`` float64; what stands inside holes is not read.
        hole: ``(S, S)`` bool, enclosed by pixels whose values are known.
    """
    count = int(hole.sum())
    if not count:
        return planes
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(count)
    rows, columns = np.nonzero(hole)
    rim = np.zeros((len(planes), count))
    entries = [(np.arange(count), np.arange(count), np.full(count, 4.0))]
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        neighbour = number[rows + down, columns + right]
        inside = neighbour >= 0
        entries.append((np.flatnonzero(inside), neighbour[inside], np.full(int(inside.sum()), -1.0)))
        rim += np.where(inside, 0.0, planes[:, rows + down, columns + right])
    i, j, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    filled = planes.copy()
    filled[:, hole] = splu(sparse.csc_array((value, (i, j)), shape=(count, count))).solve(rim.T).T
    return filled


def torn(planes: NDArray[np.float64], labels: NDArray[np.intp], *, steepest: float) -> NDArray[np.bool_]:
    """Holes whose rim no smooth surface explains: values further apart than `steepest` a pixel.

    Args:
        planes: ``(C, S, S)``, known on the rims.
        labels: ``(S, S)``, 0 outside holes (`enclosed`).
        steepest: the largest change from pixel to pixel.

    Returns:
        ``(n + 1,)`` bool by label; entry 0 is False.
    """
    result = np.zeros(int(labels.max()) + 1, bool)
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        grown = tuple(slice(part.start - 1, part.stop + 1) for part in window)
        hole = labels[grown] == label
        rim = ndimage.binary_dilation(hole) & (labels[grown] == 0)
        reach = np.hypot(*hole.shape)
        values = planes[:, *grown][:, rim]
        result[label] = np.ptp(values, axis=1).max() > steepest * reach
    return result
