"""Range images as surfaces, cut where the depth jumps, and the landmarks of their photographs looked up on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from afnetm.data.formats.bnt import RangeImage

#: Points further apart are not joined, mm. With a point every millimetre, a surface falls off by as much at 84 degrees,
#: where range sensors no longer see it; from the nose's tip to the lip and from the chin to the neck, it is more.
MAX_EDGE_MM = 10.0


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangulated range image.

    Attributes:
        vertices: ``(V, 3)`` float32, mm; every one belongs to a face.
        faces: ``(F, 3)`` int32, counter-clockwise seen from the sensor; none where no three neighbours were measured.
        uv: ``(V, 2)`` float32, 0..1, a row a vertex: `faces` are its faces as well.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]


def range_surface(grid: RangeImage) -> Surface:
    """The surface through the measured points of `grid`.

    A cell of four measured corners is cut along its shorter diagonal, so that a step in the surface is not bridged
    twice; one of three is a triangle. No edge is longer than `MAX_EDGE_MM`. Whichever way rows and columns run, the
    sensor is where z grows to: the background has the least z.
    """
    index = np.arange(grid.measured.size).reshape(grid.measured.shape)
    corners = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], -1).reshape(-1, 4)
    points, measured = grid.points.reshape(-1, 3), grid.measured.ravel()

    there = measured[corners]
    whole = there.all(1)
    a, b, c, d = np.moveaxis(points[corners], 1, 0)
    along = np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1)
    three = there.sum(1) == 3
    faces = np.concatenate([
        # Corners in the order of the cell's rim, so that all triangles turn the same way.
        *(corners[whole & along][:, rim] for rim in ([0, 1, 2], [0, 2, 3])),
        *(corners[whole & ~along][:, rim] for rim in ([0, 1, 3], [1, 2, 3])),
        *(corners[three & ~there[:, missing]][:, [k for k in range(4) if k != missing]] for missing in range(4)),
    ])  # fmt: skip

    sides = points[faces] - points[np.roll(faces, 1, axis=1)]
    faces = faces[(np.einsum("fed,fed->fe", sides, sides) <= MAX_EDGE_MM**2).all(1)]
    if _area_seen(points[faces]) < 0:
        faces = faces[:, ::-1]
    used = np.zeros(len(points), bool)
    used[faces] = True
    return Surface(
        vertices=points[used].astype(np.float32),
        faces=(used.cumsum() - 1)[faces].astype(np.int32),
        uv=grid.uv.reshape(-1, 2)[used].clip(0, 1).astype(np.float32),
    )


def _area_seen(triangles: NDArray[np.float64]) -> float:
    """The area that `triangles` ``(F, 3, 3)`` cover seen along -z, mm^2; negative where they turn clockwise."""
    edge, other = triangles[:, 1, :2] - triangles[:, 0, :2], triangles[:, 2, :2] - triangles[:, 0, :2]
    return float((edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]).sum() / 2)


#: A landmark further from every measured point has no place on the surface, mm: eyes and the open mouth, which range
#: sensors miss, end within this of a landmark on their rim; further away the point next to it says another thing.
MAX_DISTANCE_MM = 5.0


def landmarks_on_surface(
    pixels: NDArray[np.float64], surface: Surface, *, picture_size: tuple[int, int]
) -> NDArray[np.float64]:
    """The vertices that lie next to `pixels` in the photograph.

    Args:
        pixels: ``(L, 2)`` x to the right and y down from the photograph's upper left corner, NaN where missing.
        surface: of one face or more; its uv has its origin at the photograph's lower left corner.
        picture_size: the photograph's width and height.

    Returns:
        ``(L, 3)`` float64 mm; NaN where `pixels` is, or where no vertex is within `MAX_DISTANCE_MM`.
    """
    texels = np.abs(surface.uv - (0, 1)) * picture_size
    known = np.isfinite(pixels).all(1)
    distance, nearest = map(np.asarray, cKDTree(texels).query(pixels[known]))
    near = distance * _pixel_mm(surface, texels) <= MAX_DISTANCE_MM
    found = np.full((len(pixels), 3), np.nan)
    found[np.flatnonzero(known)[near]] = surface.vertices[nearest[near]]
    return found


def _pixel_mm(surface: Surface, texels: NDArray[np.float64]) -> float:
    """The side of the photograph's pixels on the face, mm: what edges of the surface span in both, in the median."""
    edges = surface.faces[:, :2]
    spans = (np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1) for points in (surface.vertices, texels))
    millimetres, pixels = (np.median(span) for span in spans)
    return float(millimetres / pixels) if pixels > 0 else np.inf
