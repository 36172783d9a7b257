"""Scans in Bosphorus's layout: the writer of what `afnetm.data.sources.bosphorus` reads."""

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.bnt import RangeImage, write_bnt
from afnetm.data.formats.lm import NamedPoints, write_lm2, write_lm3
from afnetm.data.formats.pictures import write_picture
from afnetm.data.holes import enclosed, fill, torn
from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_83
from afnetm.data.maps import WINDOW_MM
from afnetm.data.rays import cast_rays
from afnetm.data.rendering import SEAM_STEEPNESS
from afnetm.data.sampling import sample, texels_a_pixel
from afnetm.data.scan import Scan
from afnetm.data.sources.bosphorus import EXPRESSION_TAGS
from afnetm.data.sources.landmarks_22 import landmarks_22_from_83
from afnetm.errors import UserError

#: The sensor's window around the face, mm: what a dataset's maps show, with room for the pose fit to turn the head.
SPAN_MM = 240.0
#: A point of the range image every millimetre: about 35,000 on a face, as many as Bosphorus has (recalled, unchecked).
GRID = 240
#: Pixels along a side of the photograph, a quarter of a millimetre each: finer than any map, as in Bosphorus.
PHOTOGRAPH = 960


def bosphorus_files(scan: Scan, *, number: int) -> dict[str, bytes]:
    """The files of `scan`, content by name relative to the dataset's folder.

    The sensor looks along the scan's own -z and has a camera beside it, so that the head keeps its turn. What a name
    ends in is the intensity: scans of one person and expression stay apart, though readers of the layout see none.

    Args:
        scan: with the 83 landmarks and an expression, its face towards z.
        number: of its subject, from 0.

    Raises:
        UserError: it has no name in this layout, other landmarks, or no surface in front of the sensor.
    """
    tags = {expression: tag for tag, expression in EXPRESSION_TAGS.items()}
    if scan.expression not in tags or number < 0:
        raise UserError(f"scan {scan.id}: {scan.expression} of subject {number} has no name in Bosphorus's layout")
    if scan.landmark_names != LANDMARKS_83:
        raise UserError(f"scan {scan.id}: {len(scan.landmark_names)} landmarks (allowed in Bosphorus's layout: the 83)")
    landmarks = landmarks_22_from_83(scan.landmarks, scan.vertices).astype(np.float64)
    centre = np.array([*np.nanmean(landmarks[:, :2], axis=0), 0])
    grid = _sense(scan, centre)
    if not grid.measured.any():
        raise UserError(f"scan {scan.id}: no part of its surface is in front of a sensor that looks along -z")
    subject = f"bs{number:03d}"
    stem = f"{subject}/{subject}_E_{tags[scan.expression]}_{scan.intensity}"
    known = np.flatnonzero(np.isfinite(landmarks).all(1))
    names = tuple(LANDMARKS_22[row] for row in known)
    pixels = np.abs(_uv(landmarks[known], centre) - (0, 1)) * PHOTOGRAPH
    return {
        f"{stem}.bnt": write_bnt(grid),
        f"{stem}.png": write_picture(photograph(scan, _before_sensor(scan, centre), size=PHOTOGRAPH), ".png"),
        f"{stem}.lm3": write_lm3(NamedPoints(names, landmarks[known])),
        f"{stem}.lm2": write_lm2(NamedPoints(names, pixels)),
    }


def _sense(scan: Scan, centre: NDArray[np.float64]) -> RangeImage:
    """Simulates a range sensor's view of `scan`."""
    hits = cast_rays(_before_sensor(scan, centre), scan.faces, size=GRID)
    points = np.moveaxis(hits.interpolate(scan.vertices, scan.faces), 0, -1)
    points[~hits.seen] = np.nan
    return RangeImage(points=points, uv=_uv(points, centre), measured=hits.seen)


def _before_sensor(scan: Scan, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vertices with `centre` in the middle, shrunk so that rays over a window of `SPAN_MM` are cast."""
    return (scan.vertices - centre) * (WINDOW_MM / SPAN_MM)


def _uv(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions of `points` ``(..., 3)`` in the photograph, ``(..., 2)`` from its lower left corner."""
    return (points - centre)[..., :2] / SPAN_MM + 0.5


def photograph(scan: Scan, vertices: NDArray[np.float64], *, size: int) -> NDArray[np.uint8]:
    """The colours that rays along -z meet, ``(size, size, 3)`` uint8 over the window of `afnetm.data.rays`.

    Holes in the surface show what the texture image has there, as in `afnetm.data.rendering.render`; around the face it
    is black.

    Args:
        scan: whose faces and texture.
        vertices: where its vertices are in front of the camera, ``(V, 3)`` float64.
        size: pixels along a side.
    """
    hits = cast_rays(vertices, scan.faces, size=size)
    image_size = np.array(scan.texture.shape[1::-1], np.float64)
    texels = hits.interpolate(scan.uv * image_size, scan.uv_faces)
    holes, _ = enclosed(hits.seen)
    reduction = texels_a_pixel(texels, hits.seen)
    two_pieces = torn(texels, holes, steepest=SEAM_STEEPNESS * reduction)
    seen = hits.seen | (holes > 0)
    colours = np.zeros((3, size, size))
    at = fill(texels, holes > 0)[:, seen] / image_size[:, None]
    colours[:, seen] = sample(scan.texture, at, reduction=reduction)
    return np.rint(np.moveaxis(fill(colours, two_pieces[holes]), 0, -1)).astype(np.uint8)
