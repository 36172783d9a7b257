"""Plausibility checks: limits that every scan's surface must satisfy, whatever dataset it is from."""

import numpy as np
from numpy.typing import NDArray

from afnetm.data.maps import WINDOW_MM
from afnetm.data.scan import Scan, Wrap
from afnetm.errors import UserError

#: The longest side of the box around all vertices, mm: from a child's face alone to a person with the sensor's origin.
MIN_EXTENT_MM, MAX_EXTENT_MM = 80.0, 3000.0
#: So large a share of vertices, at most, are strays of the sensor.
_STRAY_SHARE = 0.01
#: Edges of triangles that are seen on a face are shorter than this, mm; a spike's are not.
MAX_EDGE_MM = WINDOW_MM
#: How far texture coordinates may lie beyond the picture, as a share of it, and still mean its edge: what rounding and
#: padding cause. Further out the picture goes on as the file says; beyond so many pictures they are something else.
UV_TOLERANCE, MAX_PICTURES = 0.01, 10.0


def check_mesh(scan: Scan) -> None:
    """Refuses a scan whose mesh is damaged or no face's in mm.

    Raises:
        UserError: no faces, indices out of range, a coordinate that is not finite, an extent that is none of a face, or
            texture coordinates that are no share of a picture.
    """
    if len(scan.faces) == 0:
        raise _error(scan, "its mesh has no faces")
    for name, faces, points in (("faces", scan.faces, scan.vertices), ("uv_faces", scan.uv_faces, scan.uv)):
        if faces.shape != scan.faces.shape or faces.min() < 0 or faces.max() >= len(points):
            raise _error(
                scan,
                f"its {name} {faces.shape} point at {faces.min()} to {faces.max()} "
                f"(allowed: {scan.faces.shape}, 0 to {len(points) - 1})",
            )
        if not np.isfinite(points).all():
            raise _error(scan, f"a point of its {name} is not a finite number")
    if scan.texture.ndim == 2 and len(scan.texture) != len(scan.vertices):
        raise _error(scan, f"it has {len(scan.texture)} colours for {len(scan.vertices)} vertices")
    extent = float(np.ptp(scan.vertices.astype(np.float64), axis=0).max())
    if not MIN_EXTENT_MM <= extent <= MAX_EXTENT_MM:
        raise _error(
            scan,
            f"its vertices extend over {extent:.3g} mm (allowed: {MIN_EXTENT_MM:g} to {MAX_EXTENT_MM:g}, "
            f"lengths in mm{_why(scan, extent)})",
        )
    low, high = _uv_range(scan)
    if max(-low, high) > MAX_PICTURES:
        raise _error(
            scan,
            f"its texture coordinates range from {low:g} to {high:g} (allowed: {-MAX_PICTURES:g} to {MAX_PICTURES:g}; "
            "the picture spans 0 to 1, not its pixels)",
        )


def _why(scan: Scan, extent: float) -> str:
    """The likeliest reason of an extent that is none of a face."""
    if extent < MIN_EXTENT_MM:
        return f"; is it in {'metres' if extent < 2 else 'centimetres or inches'}?"
    away = np.abs(scan.vertices - np.median(scan.vertices, axis=0)).max(1) > MAX_EXTENT_MM / 2
    few = 0 < away.sum() <= _STRAY_SHARE * len(away)
    return f"; {away.sum()} of {len(away)} vertices are far from the others, delete them" if few else ""


def check_edges(scan: Scan, seen: NDArray[np.intp]) -> None:
    """Refuses a scan in which one of the triangles `seen`, rows of its faces, has an edge too long for a face.

    Raises:
        UserError: says how long it is.
    """
    corners = scan.vertices[scan.faces[np.unique(seen)]].astype(np.float64)
    longest = float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(initial=0))
    if longest > MAX_EDGE_MM:
        raise _error(
            scan, f"a triangle seen on it has an edge of {longest:.3g} mm (allowed: up to {MAX_EDGE_MM:g}; a spike?)"
        )


def wrap(scan: Scan) -> tuple[Wrap, Wrap]:
    """Wrapping of the texture beyond its edges; only they are meant where texture coordinates hardly leave it."""
    low, high = _uv_range(scan)
    return ("clamp", "clamp") if low >= -UV_TOLERANCE and high <= 1 + UV_TOLERANCE else scan.wrap


def _uv_range(scan: Scan) -> tuple[float, float]:
    """The least and the greatest texture coordinate of a corner."""
    used = scan.uv[scan.uv_faces]
    return float(used.min()), float(used.max())


def _error(scan: Scan, reason: str) -> UserError:
    source = f" ({scan.source})" if scan.source else ""
    return UserError(f"scan {scan.id}{source}: {reason}")
