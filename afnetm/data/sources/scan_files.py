"""One scan from its own files: a mesh, and its landmarks and picture beside it."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.landmark_signs import may_be_landmarks
from afnetm.data.scan import Scan
from afnetm.data.sources.folder import FolderSource
from afnetm.data.sources.landmark_files import SUFFIXES as LANDMARK_SUFFIXES
from afnetm.data.sources.scan_table import Row
from afnetm.data.sources.textured import SUFFIXES as MESH_SUFFIXES
from afnetm.data.sources.units import Unit
from afnetm.errors import UserError

#: Pictures, by the end of their files' names.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def read_scan(mesh: Path, *, landmarks: Path | None = None, texture: Path | None = None, unit: Unit = "mm") -> Scan:
    """The scan in the file `mesh`, read as the source `folder` reads one; its expression is not known, ``"unknown"``.

    Args:
        mesh: of a format that is read (docs/datasets.md).
        landmarks: their file; None for the one beside `mesh` that has its name and the end of a landmark file, unless
            its content says that it holds none (`afnetm.data.formats.landmark_signs`).
        texture: its picture; None for what the mesh names or, where it names none, the one beside it that has its name.
        unit: of the lengths in the files.

    Raises:
        UserError: a file is missing or wrong, or it is not clear which file is meant.
    """
    if not mesh.is_file():
        raise UserError(f"{mesh}: there is no such file")
    if mesh.suffix.lower() not in MESH_SUFFIXES:
        raise UserError(f"{mesh}: a file of kind '{mesh.suffix}' (allowed: {', '.join(MESH_SUFFIXES)})")
    landmarks = landmarks or _one(
        mesh, [path for path in _beside(mesh, LANDMARK_SUFFIXES) if _holds(path)], "--landmarks"
    )
    try:
        return _read(mesh, landmarks, texture, unit)
    except UserError:
        picture = None if texture else _one(mesh, _beside(mesh, PICTURE_SUFFIXES), "--texture")
        if picture is None:
            raise
        return _read(mesh, landmarks, picture, unit)


def _read(mesh: Path, landmarks: Path | None, texture: Path | None, unit: Unit) -> Scan:
    folder = Path(os.path.commonpath([one.absolute().parent for one in (mesh, landmarks, texture) if one]))

    def name(file: Path | None) -> str | None:
        return None if file is None else PurePosixPath(file.absolute().relative_to(folder)).as_posix()

    row = Row(
        line=1,
        id=re.sub(r"[^A-Za-z0-9_-]+", "-", mesh.stem),
        subject=mesh.stem,
        expression="unknown",
        intensity=0,
        mesh=str(name(mesh)),
        landmarks=name(landmarks),
        texture=name(texture),
    )
    source = _One(folder=folder, table=mesh, row=row, unit=unit)
    try:
        return source.load(row.id)
    except UserError as error:
        raise UserError(str(error).removeprefix(f"{mesh.name}, line 1: ")) from None


@dataclass(frozen=True, kw_only=True)
class _One(FolderSource):
    """A folder of which one scan is listed, in no file."""

    row: Row

    @cached_property
    def _read(self) -> tuple[list[Row], bytes]:
        return [self.row], b""


def _beside(mesh: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files beside `mesh` of its name with one of `suffixes`."""
    same = [path for path in mesh.parent.iterdir() if path.stem == mesh.stem and path != mesh]
    return sorted(path for path in same if path.suffix.lower() in suffixes)


def _one(mesh: Path, found: list[Path], option: str) -> Path | None:
    """The only file of those `found`; None where there is none.

    Raises:
        UserError: there is more than one.
    """
    if len(found) > 1:
        raise UserError(f"{mesh}: {', '.join(path.name for path in found)} are beside it; name one with {option}")
    return found[0] if found else None


def _holds(path: Path) -> bool:
    """Whether a file may hold landmarks; that it cannot be read is for its reader to say."""
    with suppress(UserError):
        return may_be_landmarks(DataFolder(path.parent).read(path.name), path.name)
    return True
