"""The source `folder`: textured meshes, with landmarks or without, listed in a table with one row per scan."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from afnetm.data.formats.inside import DataFolder
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import Scan
from afnetm.data.scan_source import Found, Inspection, ScanSource
from afnetm.data.sources.depth_images import camera_of
from afnetm.data.sources.landmark_files import Landmarks, read_landmarks
from afnetm.data.sources.lifting import lifted
from afnetm.data.sources.nose_order import NoseOrder, choose_order
from afnetm.data.sources.scan_table import Row, read_scan_table
from afnetm.data.sources.textured import Textured, read_textured
from afnetm.data.sources.units import MILLIMETRES, Unit, check_extent, check_face
from afnetm.data.synthetic.source import is_synthetic
from afnetm.errors import UserError

#: Landmarks this far from the nearest vertex, in the median, are another mesh's or of another unit, mm.
MAX_OFFSET_MM = 10.0


@dataclass(frozen=True, kw_only=True)
class FolderSource(ScanSource):
    """The scans in `folder` that `table` lists (`afnetm.data.sources.scan_table`), of the classes that it names.

    A scan's mesh and landmarks are in one frame; where the face sits in it is undone by the pose fit. Where a scan has
    no landmarks, they are found in it (`afnetm.data.landmarker`).

    Args:
        folder: below which all files are.
        table: a CSV file, wherever it is.
        unit: of the lengths in all files. A face that is none in it is refused, never converted unasked.

    Raises:
        UserError: no such folder or file, or a fault of the table. That a row's files are missing or damaged is told
            by `load`.
    """

    name = "folder"
    folder: Path
    table: Path
    unit: Unit = "mm"

    def __post_init__(self) -> None:
        DataFolder(self.folder)
        _ = self._rows  # a fault of the table is reported at once

    def describe(self) -> dict[str, Any]:
        """Description of what decides the scans: options, a digest of the table and of the files' names and sizes."""
        folder = DataFolder(self.folder)
        files = [name for row in self._rows.values() for name in (row.mesh, row.landmarks, row.texture) if name]
        files += [camera for row in self._rows.values() if (camera := _camera(folder, row))]
        digest = hashlib.sha256(self._read[1] + folder.listing(files).encode())
        more: dict[str, Any] = {"nose": self.nose.describe()} if self.nose.scans else {}
        if self.unit != "mm":
            more["unit"] = self.unit
        if is_synthetic(folder):
            more["synthetic"] = True
        return {"kind": self.name, "scans": len(self._rows), **more, "listing": digest.hexdigest()[:16]}

    def ids(self) -> list[str]:
        """``Ada_anger_3`` ...: in the table's order."""
        return list(self._rows)

    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; raises `UserError` that names the table's line where a file is wrong."""
        row = self._rows.get(scan_id)
        if row is None:
            raise UserError(f"scan {scan_id!r} is not among the {len(self._rows)} of {self.table.name}")
        folder = DataFolder(self.folder)
        try:
            landmarks = self._landmarks(row.landmarks) if row.landmarks else None
            if row.landmarks and landmarks and not landmarks.in_picture:
                check_face(landmarks.points, landmarks.names, self.unit, row.landmarks)
            mesh = read_textured(folder, row.mesh, row.texture, unit=self.unit)
            surface = mesh.surface
            if mesh.unit:
                check_extent(surface.vertices, mesh.unit, row.mesh)
            annotated: dict[str, Any] = {}
            if row.landmarks and landmarks:
                points = self._on_mesh(landmarks, mesh, row.landmarks, row.mesh)
                annotated = {"landmarks": points, "landmark_names": landmarks.names}
        except UserError as error:
            raise UserError(f"{self.table.name}, line {row.line}: {error}") from None
        return Scan(
            id=row.id,
            subject=row.subject,
            expression=row.expression,
            intensity=row.intensity,
            vertices=surface.vertices,
            faces=surface.faces,
            uv=surface.uv,
            uv_faces=surface.uv_faces,
            texture=mesh.texture,
            wrap=mesh.wrap,
            source=row.mesh,
            attributes=row.attributes,
            **annotated,
        )

    def inspect(self) -> Inspection:
        """Scans that the table lists, and those of its files that are missing."""
        folder = DataFolder(self.folder)
        scans = []
        for row in self._rows.values():
            files = {"mesh": row.mesh, "landmarks": row.landmarks, "texture": row.texture}
            missing = tuple(what for what, name in files.items() if name and not _is_there(folder, name))
            scans.append(
                Found(
                    id=row.id,
                    subject=row.subject,
                    expression=row.expression,
                    intensity=row.intensity,
                    missing=missing,
                    landmarks=row.landmarks is not None,
                )
            )
        return Inspection(scans=scans)

    @cached_property
    def nose(self) -> NoseOrder:
        """The order of the nose's rows among 83 landmarks without names, decided on all scans that have these."""
        return choose_order(self._in_order())

    def _in_order(self) -> Iterator[NDArray[np.float32]]:
        """Such landmarks of the scans whose files can be read; what is wrong with the others is for `load` to say."""
        for name in [row.landmarks for row in self._rows.values() if row.landmarks]:
            with suppress(UserError):
                landmarks = self._landmarks(name)
                if _disputed(landmarks) and not landmarks.in_picture:
                    yield landmarks.points

    def _landmarks(self, name: str) -> Landmarks:
        """The landmarks in the file called `name`, in mm, or in the scan's picture."""
        landmarks = read_landmarks(DataFolder(self.folder), name)
        if landmarks.in_picture:
            return landmarks
        return replace(landmarks, points=landmarks.points * np.float32(MILLIMETRES[self.unit]))

    def _on_mesh(self, landmarks: Landmarks, mesh: Textured, name: str, owner: str) -> NDArray[np.float32]:
        """The landmarks of the file called `name` in the frame of the mesh of the file `owner`, their rows in order."""
        points = landmarks.points
        if landmarks.in_picture:
            if mesh.texture.ndim == 2:
                raise UserError(f"{name}: pixels of a picture, which {owner} has not")
            height, width, _ = mesh.texture.shape
            points = lifted(points, mesh.surface, picture_size=(width, height), name=name)
        elif mesh.of_camera:
            points = points * np.array([1, -1, -1], np.float32)
        if _disputed(landmarks):
            points = self.nose.apply(points, name)
        check_near(points, mesh.surface.vertices, name, owner)
        return points

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return {row.id: row for row in self._read[0]}

    @cached_property
    def _read(self) -> tuple[list[Row], bytes]:
        return read_scan_table(self.table)


def _disputed(landmarks: Landmarks) -> bool:
    """Whether programs disagree on what the rows are."""
    return landmarks.names == LANDMARKS_83 and not landmarks.named


def _camera(folder: DataFolder, row: Row) -> str | None:
    """The file of the camera of a row's depth picture."""
    if not row.mesh.lower().endswith(".png"):
        return None
    with suppress(UserError):
        return camera_of(folder, row.mesh)
    return None


def _is_there(folder: DataFolder, name: str) -> bool:
    try:
        return folder.find(name) is not None
    except UserError:  # it leads out; `load` says so
        return False


def check_near(landmarks: NDArray[np.float32], vertices: NDArray[np.float32], name: str, owner: str) -> None:
    """Refuses landmarks of the file called `name` that are far from the `vertices` of the file `owner`, all in mm.

    Raises:
        UserError: says how far.
    """
    there = landmarks[np.isfinite(landmarks).all(1)]
    if not len(there):
        raise UserError(f"{name}: none of its landmarks is on the surface of {owner}")
    offset = float(np.median(cKDTree(vertices).query(there)[0]))
    if offset > MAX_OFFSET_MM:
        raise UserError(
            f"{name}: its landmarks are {offset:.0f} mm from the surface of {owner}, in the median "
            f"(allowed: up to {MAX_OFFSET_MM:g}; both must be in one unit and one frame)"
        )
