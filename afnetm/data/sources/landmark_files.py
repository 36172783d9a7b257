"""Landmark files of the source `folder`, in any supported format, as one of the known landmark sets."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from afnetm.data.face_mesh import MESH_POINTS, landmarks_of
from afnetm.data.formats.bnd import read_bnd
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.landmark_table import read_landmark_json, read_landmark_table, read_picked_points
from afnetm.data.formats.lm import read_lm3
from afnetm.data.landmarks import LANDMARKS_22, LANDMARKS_68, LANDMARKS_83
from afnetm.errors import UserError

#: The formats of landmarks, by the end of their files' names.
SUFFIXES = (".bnd", ".lm3", ".csv", ".tsv", ".txt", ".pts", ".fcsv", ".json", ".ljson", ".pp")
_SETS = (LANDMARKS_68, LANDMARKS_83, LANDMARKS_22)
#: How many points without names are known: the sets themselves; the 83 and then the tip of the nose, as Deep-MVLM's
#: documentation has them; the face mesh of MediaPipe without and with irises.
_COUNTS = (*map(len, _SETS), 84, 468, MESH_POINTS)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The landmarks of a file.

    Attributes:
        points: ``(L, 3)`` float32 in the file's unit, or ``(L, 2)`` pixels from the upper left corner of the scan's
            picture; NaN where one is missing.
        names: of the rows, one of the known sets.
        named: whether the file names them; otherwise their order alone says what they are.
    """

    points: NDArray[np.float32]
    names: tuple[str, ...]
    named: bool

    @property
    def in_picture(self) -> bool:
        """Whether the points are pixels."""
        return bool(self.points.shape[1] == 2)


def read_landmarks(folder: DataFolder, name: str) -> Landmarks:
    """The landmarks in the file called `name`.

    ``.bnd`` has BU-3DFE's 83, ``.lm3`` Bosphorus's 22 or some of them, the others all of one set in its order, or some
    of one set by name. Of a face mesh of 468 or 478 points the 83 are taken (`afnetm.data.face_mesh`).

    Raises:
        UserError: naming the file that is missing or wrong.
    """
    content = folder.read(name)
    match PurePosixPath(name).suffix.lower():
        case ".bnd":
            return Landmarks(read_bnd(content, name).points, LANDMARKS_83, named=False)
        case ".lm3":
            named = read_lm3(content, name)
            return _picked(named.names, named.points, LANDMARKS_22, name)
        case ".csv" | ".tsv" | ".txt" | ".pts" | ".fcsv":
            table = read_landmark_table(content, name)
        case ".json" | ".ljson":
            table = read_landmark_json(content, name)
        case ".pp":
            table = read_picked_points(content, name)
        case suffix:
            raise UserError(f"{name}: landmarks of kind {suffix!r} (allowed: {', '.join(SUFFIXES)})")
    if table.names is not None:
        return _picked(table.names, table.points, _set_of(table.names, name), name)
    match len(table.points):
        case 84:
            return Landmarks(table.points[:83].astype(np.float32), LANDMARKS_83, named=False)
        case 468 | 478:
            return Landmarks(landmarks_of(table.points, LANDMARKS_83).astype(np.float32), LANDMARKS_83, named=True)
        case count if known := [one for one in _SETS if len(one) == count]:
            return Landmarks(table.points.astype(np.float32), known[0], named=False)
        case count:
            raise UserError(f"{name}: {count} points without names (allowed: {', '.join(map(str, sorted(_COUNTS)))})")


def _set_of(names: tuple[str, ...], file: str) -> tuple[str, ...]:
    """The set in which most of `names` are; all must be."""
    given = {name.casefold() for name in names}
    known = max(_SETS, key=lambda one: len(given & {name.casefold() for name in one}))
    foreign = given - {name.casefold() for name in known}
    if foreign:
        raise UserError(
            f"{file}: {min(foreign)[:60]!r} is not a landmark of any known set (known: {_counts()}; "
            f"{known[0]!r}, {known[1]!r} and so on)"
        )
    return known


def _picked(names: tuple[str, ...], points: NDArray[np.float64], known: tuple[str, ...], file: str) -> Landmarks:
    rows = {name.casefold(): row for row, name in enumerate(names)}
    picked = np.full((len(known), points.shape[1]), np.nan, np.float32)
    for row, name in enumerate(known):
        if name.casefold() in rows:
            picked[row] = points[rows[name.casefold()]]
    if not np.isfinite(picked).any():
        raise UserError(f"{file}: none of the landmarks {known[0]!r}, {known[1]!r} and so on")
    return Landmarks(picked, known, named=True)


def _counts() -> str:
    return ", ".join(str(len(known)) for known in _SETS)
