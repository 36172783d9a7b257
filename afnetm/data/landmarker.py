"""Finding landmarks: a scan's surface and texture to named landmarks in mm, without any that a person has placed.

The scan is seen from the front, in its own frame first and then in the pose that the landmarks found there give. In
either view a face detector and a face mesh (`afnetm.data.face_models`) look at its texture; where they find no face in
it, or not the same one twice, at its shape. How far towards the viewer a landmark is comes from the surface; where that
has a hole, a spike or the face's rim, from the mesh and the surface around.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from afnetm.data.face_mesh import landmarks_of
from afnetm.data.face_models import Mesh, face_models, square_around
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.plausible import check_mesh
from afnetm.data.pose import MAX_MISFIT_MM, Pose, find_anchors, fit_anchors
from afnetm.data.regions import landmark_set
from afnetm.data.rendering import View, view
from afnetm.data.scan import Scan
from afnetm.errors import UserError

#: Rises whenever what is found in a scan changes.
LANDMARKER_VERSION = 1
#: Pixels along a side of the views.
_SIZE = 256
#: Width of the posed view, mm: the face with as much around it as the mesh model expects. The first view is as much
#: wider than the scan.
_WIDTH_MM = 260.0
_FIRST_MARGIN = 1.3
#: Below this the mesh model says that there is no face.
MIN_PRESENCE = 0.5
#: Where a face is found well the meshes of both views are 1 to 4 mm apart. Further apart than the first number, the
#: next picture is tried; further than the second one in all of them, there is no face.
_GOOD_MM, MAX_DISAGREEMENT_MM = 6.0, 12.0
#: A surface that is further from the smoothly bent mesh than this, mm, is none that the landmark is on.
_MAX_OFFSET_MM = 8.0
#: Half the width of the square around a point whose median is its depth, pixels.
_REACH = 2
_SET = landmark_set(LANDMARKS_83)


@dataclass(frozen=True, eq=False, kw_only=True)
class FoundLandmarks:
    """The landmarks that were found in a scan.

    Attributes:
        landmarks: ``(L, 3)`` float32, mm, in the scan's frame; none is missing.
        names: of its rows: a known set (`afnetm.data.regions`).
        measured: ``(L,)`` bool, whether the depth is that of the surface; else it is estimated from what is around.
        picture: in which the face was found, a name of `PICTURES`.
        presence: how sure the model is of it, `MIN_PRESENCE` to 1.
        disagreement: mean distance between the mesh's points in the two views, mm, up to `MAX_DISAGREEMENT_MM`.
    """

    landmarks: NDArray[np.float32]
    names: tuple[str, ...]
    measured: NDArray[np.bool_]
    picture: str
    presence: float
    disagreement: float


@dataclass(frozen=True, eq=False)
class _Camera:
    """Viewpoint of a scan: a rigid motion, and how many mm a view shows."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    width: float

    def place(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points ``(n, 3)`` mm of the scan in the window, which is `WINDOW_MM` wide."""
        moved = np.asarray(points, np.float64) @ self.rotation.T + self.translation
        return np.asarray(moved * (WINDOW_MM / self.width))

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse of `place`."""
        return np.asarray((points * (self.width / WINDOW_MM) - self.translation) @ self.rotation)


def find_landmarks(scan: Scan, *, names: tuple[str, ...] = LANDMARKS_83) -> FoundLandmarks:
    """The landmarks of the face in `scan`, which looks along +z within about 30 degrees.

    Nothing is read but its vertices, faces, uv and texture: not its landmarks. The same scan gives the same bits.

    Args:
        scan: with or without landmarks.
        names: the known set that is asked for, by the names of its rows.

    Raises:
        UserError: the models are not installed, a mesh that is damaged or none of a face in mm, or no face is found.
    """
    check_mesh(scan)
    first = _first_camera(scan)
    seen = view(scan, first.place(scan.vertices), size=_SIZE)
    best: FoundLandmarks | None = None
    for picture in PICTURES:
        found = _found_in(picture, scan, seen, first, names)
        if found is not None and (best is None or found.disagreement < best.disagreement):
            best = found
        if best is not None and best.disagreement <= _GOOD_MM:
            return best
    if best is None or best.disagreement > MAX_DISAGREEMENT_MM:
        raise UserError(f"scan {scan.id}: no face is found in its texture or its shape, seen along -z")
    return best


def with_landmarks(scan: Scan) -> Scan:
    """`scan` itself where it has landmarks; else the same with those that are found in it.

    Raises:
        UserError: it has none, and none are found (`find_landmarks`).
    """
    if scan.landmark_names:
        return scan
    check_mesh(scan)
    try:
        found = find_landmarks(scan)
    except UserError as error:
        why = str(error).removeprefix(f"scan {scan.id}: ").removeprefix("landmarks: ")
        raise UserError(f"scan {scan.id} comes without landmarks, and none are found: {why}") from None
    return replace(scan, landmarks=found.landmarks, landmark_names=found.names, landmarks_found=True)


def _found_in(picture: str, scan: Scan, seen: View, first: _Camera, names: tuple[str, ...]) -> FoundLandmarks | None:
    """The landmarks in one picture of the first view and then of the posed one; None where either shows no face."""
    models, draw = face_models(), PICTURES[picture]
    drawn = draw(seen)
    rough = models.mesh(drawn, models.detect(drawn))
    if rough.presence < MIN_PRESENCE:
        return None
    around = first.back(_on_surface(rough, seen, first.width)[0])
    pose = _pose(around)
    posed = _Camera(pose.rotation, pose.translation, _WIDTH_MM)
    try:
        seen_again = view(scan, posed.place(scan.vertices), size=_SIZE)
    except UserError:  # in that pose there is nothing to be seen
        return None
    mesh = models.mesh(draw(seen_again), square_around(_pixels(posed.place(around))))
    points, measured = _on_surface(mesh, seen_again, posed.width)
    found = posed.back(points)
    if mesh.presence < MIN_PRESENCE or max(pose.misfit, _pose(found).misfit) > MAX_MISFIT_MM:
        return None
    return FoundLandmarks(
        landmarks=landmarks_of(found, names).astype(np.float32),
        names=names,
        measured=landmarks_of(measured[:, None] * np.ones(3), names)[:, 0] == 1,
        picture=picture,
        presence=mesh.presence,
        disagreement=float(np.linalg.norm(found - around, axis=1).mean()),
    )


def _pose(mesh: NDArray[np.float64]) -> Pose:
    """The pose of a face by its `mesh` ``(478, 3)``, in the scan's frame."""
    return fit_anchors(find_anchors(landmarks_of(mesh, LANDMARKS_83), _SET))


def _first_camera(scan: Scan) -> _Camera:
    """The scan's own frame, moved so that nearly all of it is in the window, its front where depth has codes."""
    used = scan.vertices[np.unique(scan.faces)].astype(np.float64)
    low, high = np.percentile(used, (1, 99), axis=0)
    middle = (low + high) / 2
    width = _FIRST_MARGIN * float((high - low)[:2].max())
    return _Camera(np.eye(3), np.array([-middle[0], -middle[1], -high[2]]), width)


def _pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Column, row and depth in pixels of points ``(n, 3)`` in the window."""
    return np.asarray(points * (1, -1, -1) * (_SIZE / WINDOW_MM) + (_SIZE / 2, _SIZE / 2, 0))


def _on_surface(mesh: Mesh, seen: View, width: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The points of `mesh` in the window, ``(478, 3)``, and of which the depth is measured.

    A smooth bend, quadratic across the face, takes the mesh to the surface; the surface counts where it is near.
    """
    points = (mesh.points - (_SIZE / 2, _SIZE / 2, 0)) * (1, -1, -1) * (WINDOW_MM / _SIZE)
    millimetre = WINDOW_MM / width
    surface = _depth_around(mesh.points[:, :2], seen)
    x, y = points[:, :2].T / WINDOW_MM
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, points[:, 2] / WINDOW_MM], -1)
    offset = surface - points[:, 2]
    near = np.isfinite(offset)
    if not near.any():
        return points, near
    bend = np.where(near, np.nanmedian(offset), 0)
    for limit in (40, 20, 12, _MAX_OFFSET_MM, _MAX_OFFSET_MM):
        near = np.abs(offset - bend) <= limit * millimetre  # a missing one is not near
        if near.sum() < 4 * terms.shape[1]:
            break
        bend = terms @ np.linalg.lstsq(terms[near], offset[near], rcond=None)[0]
    near = np.abs(offset - bend) <= _MAX_OFFSET_MM * millimetre
    points[:, 2] += np.where(near, offset, bend)
    return points, near


def _depth_around(at: NDArray[np.float64], seen: View) -> NDArray[np.float64]:
    """The median depth around pixels `at` ``(n, 2)``, in the window's mm; NaN where most is empty."""
    depth = (seen.code[0] - 1) * DEPTH_STEP_MM + DEPTH_ZERO_MM
    depth = np.pad(np.where(seen.valid | (seen.holes > 0), depth, np.nan), _REACH, constant_values=np.nan)
    column, row = np.rint(at - 0.5).astype(int).clip(0, _SIZE - 1).T
    step = np.arange(2 * _REACH + 1)
    patches = depth[row[:, None, None] + step[:, None], column[:, None, None] + step].reshape(len(at), -1)
    filled = np.isfinite(patches).sum(1) > patches.shape[1] / 2
    found = np.full(len(at), np.nan)
    found[filled] = np.nanmedian(patches[filled], axis=1)
    return found


def _texture(seen: View) -> NDArray[np.uint8]:
    """The texture as it is."""
    return np.rint(seen.texture).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)


def _shape(seen: View) -> NDArray[np.uint8]:
    """The surface, smoothed against noise and lit from above the viewer, in grey."""
    there = seen.valid | (seen.holes > 0)
    weight = np.maximum(_smooth(there.astype(float), 2.5), 1e-3)
    depth = _smooth(np.where(there, (seen.code[0] - 1) * DEPTH_STEP_MM + DEPTH_ZERO_MM, 0), 2.5) / weight
    down, across = np.gradient(depth, WINDOW_MM / _SIZE)
    light = (0.5 * down + 0.87) / np.sqrt(across**2 + down**2 + 1)
    grey = np.where(there, 40 + 200 * light.clip(0, 1), 0).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _lifted(seen: View) -> NDArray[np.uint8]:
    """The texture, smoothed against noise and brightened to a middle grey."""
    there = seen.valid | (seen.holes > 0)
    weight = np.maximum(_smooth(there.astype(float), 2), 0.05)
    smooth = np.stack([_smooth(channel, 2) for channel in seen.texture]) / weight
    middle = float(np.median(smooth.mean(0)[there]))
    gamma = np.log(110 / 255) / np.log(np.clip(middle, 2, 250) / 255)
    lifted = np.where(there, 255 * (smooth.clip(0, 255) / 255) ** gamma, 0)
    return np.rint(lifted).astype(np.uint8).transpose(1, 2, 0)


def _smooth(plane: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(plane, sigma))


#: The pictures of a view in which a face is looked for, in this order: of one that is too dark or covered, the next.
PICTURES: dict[str, Callable[[View], NDArray[np.uint8]]] = {
    "texture": _texture,
    "shape": _shape,
    "brightened texture": _lifted,
}
