"""Finding landmarks: a scan's surface and texture to named landmarks in mm, without any that a person has placed.

The scan is seen in its own frame first, from where the face should be looking to, and then in the pose that the
landmarks found there give. Where that shows no face, or none for sure, it is seen from all sides, one after the
other: some programs write z upwards, and some scans are turned. In each view a face detector and a face mesh
(`afnetm.data.face_models`) look at its texture; where they find no face in it, or not the same one twice, at its shape.
How far towards the viewer a landmark is comes from the surface; where that has a hole, a spike or the face's rim, from
the mesh and the surface around.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afnetm.data.face_mesh import landmarks_of
from afnetm.data.face_models import Mesh, face_models, square_around
from afnetm.data.face_pictures import PICTURES
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import DEPTH_STEP_MM, DEPTH_ZERO_MM, WINDOW_MM
from afnetm.data.plausible import check_mesh
from afnetm.data.pose import MAX_MISFIT_MM, Pose, find_anchors, fit_anchors
from afnetm.data.regions import landmark_set
from afnetm.data.rendering import View, view
from afnetm.data.scan import Scan
from afnetm.errors import UserError

#: Rises whenever what is found in a scan changes.
LANDMARKER_VERSION = 2
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
#: The same of two posed views of a face that was found from a side.
_SETTLED_MM = 4.0
#: How sure the detector has to be of such a face in its pose. Of nine synthetic scans, their upright faces have 2.1 or
#: more, and 0.9 or less where they are upside down, which the mesh model takes for a face, too.
_MIN_SCORE = 1.5
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
    """The landmarks of the face in `scan`.

    Nothing is read but its vertices, faces, uv and texture: not its landmarks. The same scan gives the same bits. A
    face that does not look along +z, within about 45 degrees, takes longer, and a scan without one longest.

    Args:
        scan: with or without landmarks.
        names: the known set that is asked for, by the names of its rows.

    Raises:
        UserError: the models are not installed, a mesh that is damaged or none of a face in mm, or no face is found.
    """
    check_mesh(scan)
    first = _first_camera(scan, VIEWPOINTS[0])
    seen = view(scan, first.place(scan.vertices), size=_SIZE)
    best: FoundLandmarks | None = None
    for picture in PICTURES:
        found = _found_in(picture, scan, seen, first, names)
        if found is not None and (best is None or found.disagreement < best.disagreement):
            best = found
        if best is not None and best.disagreement <= _GOOD_MM:
            return best
    for picture in _TURNED_PICTURES if best is None else _TURNED_PICTURES[:1]:
        for rotation in VIEWPOINTS:
            found = _settled(picture, scan, rotation, names)
            if found is not None:
                return found
    if best is None or best.disagreement > MAX_DISAGREEMENT_MM:
        raise UserError(
            f"scan {scan.id}: no face is found in its texture or its shape, seen from any side; give its landmarks"
        )
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
    around = _rough(picture, seen, first)
    if around is None or _pose(around).misfit > MAX_MISFIT_MM:
        return None
    found = _again(picture, scan, around, names)
    return None if found is None else found[0]


def _settled(picture: str, scan: Scan, rotation: NDArray[np.float64], names: tuple[str, ...]) -> FoundLandmarks | None:
    """The landmarks in one picture of the scan seen from a side, and then in two posed views, which have to agree.

    From the side a face is found further off, upside down, or in what is none. Only a face is found in one place twice
    in views of the pose that it was found in, and only of an upright one the detector is sure.
    """
    first = _first_camera(scan, rotation)
    try:
        seen = view(scan, first.place(scan.vertices), size=_SIZE)
    except UserError:  # from there nothing is to be seen
        return None
    around = _rough(picture, seen, first)
    once = None if around is None else _again(picture, scan, around, names)
    twice = None if once is None else _again(picture, scan, once[1], names)
    if twice is None or twice[0].disagreement > _SETTLED_MM:
        return None
    frontal = view(scan, _pose(twice[1]).apply(scan.vertices) * (WINDOW_MM / _WIDTH_MM), size=_SIZE)
    return twice[0] if face_models().detect(PICTURES[picture](frontal)).score >= _MIN_SCORE else None


def _rough(picture: str, seen: View, camera: _Camera) -> NDArray[np.float64] | None:
    """The face mesh in a view, ``(478, 3)`` mm in the scan's frame; None where it shows no face."""
    models, drawn = face_models(), PICTURES[picture](seen)
    mesh = models.mesh(drawn, models.detect(drawn))
    return None if mesh.presence < MIN_PRESENCE else camera.back(_on_surface(mesh, seen, camera.width)[0])


def _again(
    picture: str, scan: Scan, around: NDArray[np.float64], names: tuple[str, ...]
) -> tuple[FoundLandmarks, NDArray[np.float64]] | None:
    """The landmarks, and the mesh, in a view of the pose of a mesh that was found `around`; None where is no face."""
    pose = _pose(around)
    posed = _Camera(pose.rotation, pose.translation, _WIDTH_MM)
    try:
        seen = view(scan, posed.place(scan.vertices), size=_SIZE)
    except UserError:  # in that pose there is nothing to be seen
        return None
    mesh = face_models().mesh(PICTURES[picture](seen), square_around(_pixels(posed.place(around))))
    points, measured = _on_surface(mesh, seen, posed.width)
    found = posed.back(points)
    if mesh.presence < MIN_PRESENCE or _pose(found).misfit > MAX_MISFIT_MM:
        return None
    landmarks = FoundLandmarks(
        landmarks=landmarks_of(found, names).astype(np.float32),
        names=names,
        measured=landmarks_of(measured[:, None] * np.ones(3), names)[:, 0] == 1,
        picture=picture,
        presence=mesh.presence,
        disagreement=float(np.linalg.norm(found - around, axis=1).mean()),
    )
    return landmarks, found


def _pose(mesh: NDArray[np.float64]) -> Pose:
    """The pose of a face by its `mesh` ``(478, 3)``, in the scan's frame."""
    return fit_anchors(find_anchors(landmarks_of(mesh, LANDMARKS_83), _SET))


def _viewpoints() -> list[NDArray[np.float64]]:
    """The 24 rotations that take axes to axes: the scan's own frame first, then y up, z up, and so on."""
    x, y, z = np.eye(3)
    ups, fronts = (y, z, -y, -z, x, -x), (z, -z, -y, y, x, -x)
    return [np.stack([np.cross(up, front), up, front]) for up in ups for front in fronts if up @ front == 0]


def _first_camera(scan: Scan, rotation: NDArray[np.float64]) -> _Camera:
    """The scan's own frame, turned and moved so that nearly all is in the window, its front where depth has codes."""
    used = scan.vertices[np.unique(scan.faces)].astype(np.float64) @ rotation.T
    low, high = np.percentile(used, (1, 99), axis=0)
    middle = (low + high) / 2
    width = _FIRST_MARGIN * float((high - low)[:2].max())
    return _Camera(rotation, np.array([-middle[0], -middle[1], -high[2]]), width)


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


#: Those that are looked at from all sides; in brightened ones much is taken for a face that is none.
_TURNED_PICTURES = ("texture", "shape")
#: Rotations in which a face is looked for, ``(3, 3)`` each: every one is within 45 degrees of one of them when it is
#: turned about one axis.
VIEWPOINTS = _viewpoints()
