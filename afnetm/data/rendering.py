"""Rendering: a scan to its maps. The pose fit, one ray a pixel, the texture where the rays hit, holes, regions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.holes import MAX_HOLE_MM2, enclosed, fill, torn
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, LANDMARK_ROWS, PLANES, WINDOW_MM, RenderedMaps
from afnetm.data.plausible import check_edges, check_mesh, wrap
from afnetm.data.pose import Pose, fit_pose
from afnetm.data.rays import cast_rays
from afnetm.data.regions import landmark_set, region_planes
from afnetm.data.sampling import sample, texels_a_pixel
from afnetm.data.scan import Scan
from afnetm.errors import UserError

#: Sizes that make sense: below, an eye is a pixel; above, scans have nothing more to show.
SIZES = range(16, 1025)
#: A rim of texture coordinates this many times steeper than the face's usual belongs to two pieces of the image.
SEAM_STEEPNESS = 3.0


@dataclass(frozen=True, eq=False)
class View:
    """View of a scan along -z, ``S x S`` pixels; nothing in it is rounded.

    Attributes:
        texture: ``(3, S, S)`` float64, 0..255, of the measured pixels and of all holes; 0 elsewhere.
        code: ``(1, S, S)`` float64, the depth's code (`afnetm.data.maps`) where there is texture; holes are continued.
        valid: ``(S, S)`` bool, measured.
        holes: ``(S, S)``, 1 to n in the holes that the face encloses, 0 elsewhere.
        areas: ``(n + 1,)`` pixels of each hole.
    """

    texture: NDArray[np.float64]
    code: NDArray[np.float64]
    valid: NDArray[np.bool_]
    holes: NDArray[np.intp]
    areas: NDArray[np.intp]


def render(
    scan: Scan, *, size: int, pose: Pose | None = None, found: NDArray[np.float32] | None = None
) -> RenderedMaps:
    """The maps of `scan`: pose-normalised, ``size x size`` pixels of ``WINDOW_MM / size`` mm.

    A hole that the face encloses is no measurement and not ``valid``. Its texture is read where the rim's texture
    coordinates, smoothly continued, point: what a camera beside the range sensor sees there. Its depth is smoothly
    continued up to `MAX_HOLE_MM2`.

    Args:
        scan: with its landmarks, of which the regions are drawn.
        size: pixels along a side.
        pose: the motion to the frontal pose; None for that which fits the scan's landmarks.
        found: ``(83, 3)`` mm, landmarks that were detected in the scan, in the order of `LANDMARKS_83`, which become
            maps of their own; NaN where none were found.

    Raises:
        UserError: `size` out of range, a mesh that is empty, damaged or none of a face in mm, no pose to be fitted, or
            nothing in the window.
    """
    if size not in SIZES:
        raise UserError(f"size: {size} pixels (allowed: {SIZES.start} to {SIZES.stop - 1})")
    check_mesh(scan)
    pose = pose or fit_pose(scan)
    seen = view(scan, pose.apply(scan.vertices), size=size)
    small = seen.areas * (WINDOW_MM / size) ** 2 <= MAX_HOLE_MM2
    present = seen.valid | ((seen.holes > 0) & small[seen.holes])
    planes, landmarks = _regions(pose, scan.landmarks, scan.landmark_names, size=size)
    detected = (None, None) if found is None else _regions(pose, found, LANDMARKS_83, size=size)
    return RenderedMaps(
        texture=np.rint(seen.texture).astype(np.uint8),
        depth=np.where(present, np.rint(seen.code), 0).astype(np.uint16),
        planes=(planes | seen.valid * np.uint8(PLANES["valid"]))[None],
        landmarks=landmarks,
        detected_planes=None if detected[0] is None else detected[0][None],
        detected_landmarks=detected[1],
    )


def _regions(
    pose: Pose, landmarks: NDArray[np.float32], names: tuple[str, ...], *, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Region bits ``(S, S)`` of landmarks of a known set, and the landmarks as `RenderedMaps` has them."""
    posed = pose.apply(landmarks)
    padded = np.full((LANDMARK_ROWS, 3), np.nan, np.float32)
    padded[: len(posed)] = posed
    return region_planes(posed, landmark_set(names), size=size), padded


def view(scan: Scan, vertices: NDArray[np.float64], *, size: int) -> View:
    """View of `scan` moved so that it has `vertices` ``(V, 3)``: `WINDOW_MM` wide and high.

    Raises:
        UserError: an edge too long for a face, or nothing in the window.
    """
    hits = cast_rays(vertices, scan.faces, size=size)
    check_edges(scan, hits.triangle)
    code = (hits.interpolate(vertices[:, 2:], scan.faces) - DEPTH_ZERO_MM) / DEPTH_STEP_MM + 1
    valid = hits.seen & (code[0] >= 1) & (code[0] <= np.iinfo(np.uint16).max)
    if not valid.any():
        raise UserError(f"scan {scan.id}: no part of its surface faces the viewer within the {WINDOW_MM:g} mm window")

    holes, areas = enclosed(valid)
    hole = holes > 0
    if scan.texture.ndim == 2:
        colours = hits.interpolate(scan.texture.astype(np.float32), scan.faces)
        planes = fill(np.concatenate([code, colours]), hole)
        return View(np.where(valid | hole, planes[1:], 0), planes[:1], valid, holes, areas)
    image_size = np.array(scan.texture.shape[1::-1], np.float64)
    texels = hits.interpolate(scan.uv * image_size, scan.uv_faces)
    reduction = texels_a_pixel(texels, valid)
    two_pieces = torn(texels, holes, steepest=SEAM_STEEPNESS * reduction)
    filled = fill(np.concatenate([code, texels]), hole)
    seen = valid | hole
    texture = np.zeros((3, size, size))
    uv = filled[1:, seen] / image_size[:, None]
    texture[:, seen] = sample(scan.texture, uv, reduction=reduction, wrap=wrap(scan))
    return View(fill(texture, two_pieces[holes]), filled[:1], valid, holes, areas)
