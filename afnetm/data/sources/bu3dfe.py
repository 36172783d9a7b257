"""BU-3DFE (Yin et al., FG 2006): a hundred people, six expressions at four intensities, textured meshes, 83 landmarks.

A scan is three files: ``F0001_AN01WH_F3D.wrl`` (mesh), ``_F3D.bmp`` (two views in one picture) and ``_F3D.bnd``
(landmarks); sex and number, expression, intensity, ethnicity. Raw meshes lie elsewhere than the landmarks: not used.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.bnd import Bnd, read_bnd
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.pictures import read_picture
from afnetm.data.formats.vrml import VrmlMesh, read_vrml
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.scan_source import Found, Inspection, ScanSource
from afnetm.data.sources.nose_order import NoseOrder, choose_order
from afnetm.data.synthetic.source import MARK, is_synthetic
from afnetm.errors import UserError

#: The files' names for the expressions.
CODES = dict(zip(("AN", "DI", "FE", "HA", "SA", "SU"), EXPRESSIONS, strict=True))
INTENSITIES = (1, 2, 3, 4)
#: How many people the dataset has.
SUBJECTS = 100
#: Landmarks this far from the vertices that they name, in the median, are another mesh's, mm. They are vertices: 0 is
#: expected, and a few mm would be a neighbour, should a tool count from one.
MAX_OFFSET_MM = 10.0

_NAME = re.compile(r"([FM]\d{4})_(AN|DI|FE|HA|SA|SU|NE)(\d\d)([A-Z]{2})_(F3D|RAW|F2D)\.(WRL|BMP|BND|PSE)", re.ASCII)
#: The files of a scan, by the end of their names.
_MESH, _PICTURE, _LANDMARKS = "F3D.WRL", "F3D.BMP", "F3D.BND"
_KINDS = {_PICTURE: "texture", _LANDMARKS: "landmarks"}


@dataclass(frozen=True, kw_only=True)
class Bu3dfeSource(ScanSource):
    """The scans of BU-3DFE in `folder`, in whatever folders below it they lie.

    Args:
        folder: the dataset's.
        intensities: of 1 (subtle) to 4 (strong); None for all.

    Raises:
        UserError: no such folder, or an intensity that does not exist.
    """

    name = "bu3dfe"
    folder: Path
    intensities: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        DataFolder(self.folder)
        chosen = INTENSITIES if self.intensities is None else self.intensities
        if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(INTENSITIES):
            raise UserError(f"intensities: {list(chosen)} (allowed: one or more of 1, 2, 3, 4, each once)")

    def describe(self) -> dict[str, Any]:
        """Description of what decides the scans, how they are read, and a digest of the files' names and sizes."""
        files = [name for scan in self._scans.values() for name in scan.values()]
        return {
            "kind": self.name,
            "synthetic": is_synthetic(DataFolder(self.folder)),
            "intensities": list(self.intensities or INTENSITIES),
            "scans": len(self._scans),
            "nose": self.nose.describe(),
            "listing": DataFolder(self.folder).listing(files),
        }

    def ids(self) -> list[str]:
        """``F0001_AN01WH`` ...: subject by subject, expression by expression, intensity by intensity."""
        return list(self._scans)

    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; raises `UserError` that names the file where one is missing or wrong."""
        if scan_id not in self._scans:
            raise UserError(f"scan {scan_id!r} is not among the {len(self._scans)} of folder {self.folder}")
        files, folder = self._scans[scan_id], DataFolder(self.folder)
        if _LANDMARKS not in files:
            raise UserError(f"{scan_id}_F3D.bnd: there is no such file, so the scan has no landmarks")
        mesh = read_vrml(folder.read(files[_MESH]), files[_MESH])
        bnd = read_bnd(folder.read(files[_LANDMARKS]), files[_LANDMARKS])
        _check_landmarks(bnd, mesh, files[_LANDMARKS])
        picture = picture_of(folder, mesh, files[_MESH], files.get(_PICTURE))
        subject, expression, intensity = _labels(scan_id)
        return Scan(
            id=scan_id,
            subject=subject,
            expression=expression,
            intensity=intensity,
            vertices=mesh.vertices,
            faces=mesh.faces,
            uv=mesh.uv,
            uv_faces=mesh.uv_faces,
            texture=read_picture(folder.read(picture), picture),
            wrap=mesh.wrap,
            landmarks=self.nose.apply(bnd.points, files[_LANDMARKS]),
            landmark_names=LANDMARKS_83,
            source=files[_MESH],
        )

    def inspect(self) -> Inspection:
        """An overview of the scans in the folder.

        Raises:
            UserError: no scan that is asked for, or one twice.
        """
        scans = []
        for scan_id, files in self._scans.items():
            subject, expression, intensity = _labels(scan_id)
            missing = tuple(what for kind, what in _KINDS.items() if kind not in files)
            scans.append(
                Found(id=scan_id, subject=subject, expression=expression, intensity=intensity, missing=missing)
            )
        return Inspection(scans=scans, left_out=self._files[1], absent=self._absent(scans))

    def _absent(self, scans: list[Found]) -> list[str]:
        """Lines on what the whole dataset has and this folder lacks."""
        lines = []
        there = {(scan.subject, scan.expression, scan.intensity) for scan in scans}
        subjects = sorted({scan.subject for scan in scans})
        if len(subjects) < SUBJECTS:
            lines.append(f"{SUBJECTS - len(subjects)} of the dataset's {SUBJECTS} subjects")
        lacking = Counter(
            subject
            for subject in subjects
            for expression in EXPRESSIONS
            for intensity in self.intensities or INTENSITIES
            if (subject, expression, intensity) not in there
        )
        if lacking:
            some = ", ".join(f"{subject} {count}" for subject, count in list(lacking.items())[:3])
            more = f" and {len(lacking) - 3} subjects more" if len(lacking) > 3 else ""
            lines.append(f"{lacking.total()} scans of the subjects that are here: {some}{more}")
        return lines

    @cached_property
    def nose(self) -> NoseOrder:
        """The order of the nose's rows, decided on the landmarks of all scans asked for, one file after the other."""
        return choose_order(self._landmarks())

    def _landmarks(self) -> Iterator[NDArray[np.float32]]:
        """The landmarks of the scans whose files can be read; what is wrong with the others is for `load` to say."""
        folder = DataFolder(self.folder)
        for files in self._scans.values():
            if _LANDMARKS in files:
                with suppress(UserError):
                    yield read_bnd(folder.read(files[_LANDMARKS]), files[_LANDMARKS]).points

    @cached_property
    def _scans(self) -> dict[str, dict[str, str]]:
        """The scans asked for, in order: id to the names of its files by kind."""
        chosen = self.intensities or INTENSITIES
        order = {expression: number for number, expression in enumerate(EXPRESSIONS)}
        labels = {scan_id: _labels(scan_id) for scan_id in self._files[0]}
        found = [scan_id for scan_id, (_, _, intensity) in labels.items() if intensity in chosen]
        if not found:
            raise UserError(
                f"folder {self.folder}: no scan of BU-3DFE at intensities {list(chosen)} "
                f"(looked for: F0001_AN01WH_F3D.wrl and so on, in any folder below)"
            )
        found.sort(key=lambda one: (labels[one][0], order[labels[one][1]], labels[one][2]))
        return {scan_id: self._files[0][scan_id] for scan_id in found}

    @cached_property
    def _files(self) -> tuple[dict[str, dict[str, str]], Counter[str]]:
        """Every scan's files by kind, and how much of the folder is of no use here, by what it is."""
        scans: dict[str, dict[str, str]] = {}
        left_out: Counter[str] = Counter()
        for name in DataFolder(self.folder).names():
            match = _NAME.fullmatch(PurePosixPath(name).name.upper())
            if not match:
                left_out["other files"] += name != MARK
                continue
            subject, code, number, ethnicity, kind, ending = match.groups()
            scan_id, what = f"{subject}_{code}{number}{ethnicity}", f"{kind}.{ending}"
            if what not in (_MESH, *_KINDS):
                left_out["raw meshes, poses and 2D pictures"] += 1
            elif code == "NE":
                left_out["neutral scans"] += what == _MESH
            elif int(number) not in INTENSITIES:
                left_out["other files"] += 1
            elif what in scans.setdefault(scan_id, {}):
                raise UserError(f"{name}: it exists twice, also as {scans[scan_id][what]} (allowed: one of a name)")
            else:
                scans[scan_id][what] = name
        meshless = [scan_id for scan_id, files in scans.items() if _MESH not in files]
        left_out["pictures and landmarks without a mesh"] = sum(len(scans.pop(scan_id)) for scan_id in meshless)
        return scans, +left_out


def _labels(scan_id: str) -> tuple[str, str, int]:
    """Subject, expression and intensity."""
    subject, rest = scan_id.split("_")
    return subject, CODES[rest[:2]], int(rest[2:4])


def _check_landmarks(bnd: Bnd, mesh: VrmlMesh, name: str) -> None:
    if bnd.indices.max() >= len(mesh.vertices):
        raise UserError(
            f"{name}: a landmark is vertex {bnd.indices.max()} (allowed: 0 to {len(mesh.vertices) - 1}, its mesh's)"
        )
    offset = float(np.median(np.linalg.norm(mesh.vertices[bnd.indices] - bnd.points, axis=1)))
    if offset > MAX_OFFSET_MM:
        raise UserError(
            f"{name}: its landmarks are {offset:.0f} mm from the vertices that they name, in the median "
            f"(allowed: up to {MAX_OFFSET_MM:g}; they are another mesh's)"
        )


def picture_of(folder: DataFolder, mesh: VrmlMesh, name: str, own: str | None) -> str:
    """The name of the texture of a `mesh`: the first of its urls that is there, else the picture named as the scan.

    Args:
        folder: where it is looked for.
        mesh: in the file called `name`.
        name: begins the error.
        own: the picture named as the scan; None where there is none.

    Raises:
        UserError: there is no picture, or a url leads out of the folder.
    """
    for url in mesh.textures:
        try:
            if found := folder.beside(name, url):
                return found
        except UserError as error:
            raise UserError(f"{name}: its texture {error}") from None
    if own:
        return own
    urls = ", ".join(map(repr, mesh.textures)) or "none"
    raise UserError(f"{name}: its texture is missing (named in it: {urls}; looked for: its own name)")
