"""Bosphorus (Savran et al., BIOID 2008): 105 people, range images with photographs, up to 22 landmarks.

A scan is ``bs000_E_HAPPY_0.bnt`` (range image), ``.png`` (photograph), ``.lm3`` and ``.lm2`` (landmarks on the surface
and in the photograph). Of all its scans, those of the six expressions are used; that these are spelled as in
`EXPRESSION_TAGS`, and that 65 people have all six, is recalled and was not checked against the dataset.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from afnetm.data.formats.bnt import read_bnt
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.lm import read_lm2, read_lm3
from afnetm.data.formats.pictures import read_picture
from afnetm.data.landmarks import LANDMARKS_22
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.scan_source import Found, Inspection, ScanSource
from afnetm.data.sources.range_surface import Surface, landmarks_on_surface, range_surface
from afnetm.data.synthetic.source import MARK, is_synthetic
from afnetm.errors import UserError

#: The files' names for the expressions.
EXPRESSION_TAGS = dict(zip(("ANGER", "DISGUST", "FEAR", "HAPPY", "SADNESS", "SURPRISE"), EXPRESSIONS, strict=True))
#: How many people the dataset has: bs000 to bs104.
SUBJECTS = 105
#: What the other tags stand for, whose scans are left out.
_OTHER_TAGS = {
    "N": "neutral scans",
    "LFAU": "scans of lower face action units",
    "UFAU": "scans of upper face action units",
    "CAU": "scans of combined action units",
    "YR": "scans turned sideways",
    "PR": "scans turned up or down",
    "CR": "scans turned both ways",
    "O": "scans with something before the face",
    "E": "scans of other expressions",
}
_NAME = re.compile(r"(bs\d{3,})_([A-Z]+)_(?:(.+)_)?(\d+)", re.ASCII | re.IGNORECASE)
_GRID, _PICTURE, _ON_SURFACE, _IN_PICTURE = _ENDINGS = (".bnt", ".png", ".lm3", ".lm2")


@dataclass(frozen=True, kw_only=True)
class BosphorusSource(ScanSource):
    """The expressive scans of Bosphorus in `folder`, in whatever folders below it their files lie.

    Raises:
        UserError: no such folder.
    """

    name = "bosphorus"
    folder: Path

    def __post_init__(self) -> None:
        DataFolder(self.folder)

    def describe(self) -> dict[str, Any]:
        """Description of what decides the scans: how many, and a digest of the files' names and sizes."""
        files = [name for scan in self._scans.values() for name in scan.values()]
        folder = DataFolder(self.folder)
        counted = {"scans": len(self._scans), "listing": folder.listing(files)}
        return {"kind": self.name, "synthetic": is_synthetic(folder), **counted}

    def ids(self) -> list[str]:
        """``bs000_E_ANGER_0`` ...: subject by subject, expression by expression."""
        return list(self._scans)

    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; raises `UserError` that names the file where one is missing or wrong.

        Landmarks are those on the surface; where that file is missing, those of the photograph are looked up on it.
        """
        if scan_id not in self._scans:
            raise UserError(f"scan {scan_id!r} is not among the {len(self._scans)} of folder {self.folder}")
        files, folder = self._scans[scan_id], DataFolder(self.folder)
        if lacks := _missing(files):
            endings = {"texture": ".png", "landmarks": ".lm3 or .lm2"}
            raise UserError(f"{files[_GRID]}: without {lacks[0]} (looked for: {scan_id}{endings[lacks[0]]})")
        surface = range_surface(read_bnt(folder.read(files[_GRID]), files[_GRID]))
        if not len(surface.faces):
            raise UserError(f"{files[_GRID]}: no three neighbouring points form a surface")
        surface = _upright(surface)
        texture = read_picture(folder.read(files[_PICTURE]), files[_PICTURE])
        name = files.get(_ON_SURFACE, files.get(_IN_PICTURE, ""))
        if _ON_SURFACE in files:
            landmarks = read_lm3(folder.read(name), name).pick(LANDMARKS_22)
        else:
            pixels = read_lm2(folder.read(name), name).pick(LANDMARKS_22)
            landmarks = landmarks_on_surface(pixels, surface, picture_size=(texture.shape[1], texture.shape[0]))
        if np.isnan(landmarks).all():
            raise UserError(f"{name}: without any of Bosphorus's landmarks (allowed: {LANDMARKS_22[0]!r} and so on)")
        subject, expression = _labels(scan_id)
        return Scan(
            id=scan_id,
            subject=subject,
            expression=expression,
            intensity=0,
            vertices=surface.vertices,
            faces=surface.faces,
            uv=surface.uv,
            uv_faces=surface.faces,
            texture=texture,
            landmarks=landmarks.astype(np.float32),
            landmark_names=LANDMARKS_22,
            source=files[_GRID],
        )

    def inspect(self) -> Inspection:
        """An overview of the scans in the folder.

        Raises:
            UserError: no scan that is asked for, or one twice.
        """
        scans = []
        for scan_id, files in self._scans.items():
            subject, expression = _labels(scan_id)
            scans.append(
                Found(id=scan_id, subject=subject, expression=expression, intensity=0, missing=_missing(files))
            )
        return Inspection(scans=scans, left_out=self._files[1], absent=_absent(scans))

    @cached_property
    def _scans(self) -> dict[str, dict[str, str]]:
        """The scans in order: id to the names of its files by ending."""
        scans = self._files[0]
        if not scans:
            raise UserError(
                f"folder {self.folder}: no expressive scan of Bosphorus "
                f"(looked for: bs000_E_HAPPY_0.bnt and so on, in any folder below)"
            )
        return {scan_id: scans[scan_id] for scan_id in sorted(scans, key=lambda one: (*_order(one), one))}

    @cached_property
    def _files(self) -> tuple[dict[str, dict[str, str]], Counter[str]]:
        """Every scan's files by ending, and how much of the folder is of no use here, by what it is."""
        scans: dict[str, dict[str, str]] = {}
        left_out: Counter[str] = Counter()
        for name in DataFolder(self.folder).names():
            path = PurePosixPath(name)
            match, ending = _NAME.fullmatch(path.stem), path.suffix.lower()
            if not match or ending not in _ENDINGS or match[2].upper() not in _OTHER_TAGS:
                left_out["other files"] += name != MARK
                continue
            subject, kind, tag, number = (part or "" for part in match.groups())
            if kind.upper() != "E" or tag.upper() not in EXPRESSION_TAGS:
                left_out[_OTHER_TAGS[kind.upper()]] += ending == _GRID
                continue
            scan_id = f"{subject.lower()}_E_{tag.upper()}_{number}"
            if ending in (files := scans.setdefault(scan_id, {})):
                raise UserError(f"{name}: it exists twice, also as {files[ending]} (allowed: one of a name)")
            files[ending] = name
        gridless = [scan_id for scan_id, files in scans.items() if _GRID not in files]
        left_out["pictures and landmarks without a range image"] = sum(len(scans.pop(one)) for one in gridless)
        return scans, +left_out


def _labels(scan_id: str) -> tuple[str, str]:
    """Subject and expression."""
    subject, _, tag, _ = scan_id.split("_")
    return subject, EXPRESSION_TAGS[tag]


def _order(scan_id: str) -> tuple[int, int, int]:
    subject, expression = _labels(scan_id)
    return int(subject[2:]), EXPRESSIONS.index(expression), int(scan_id.rpartition("_")[2])


def _missing(files: dict[str, str]) -> tuple[str, ...]:
    texture = () if _PICTURE in files else ("texture",)
    return texture if {_ON_SURFACE, _IN_PICTURE} & files.keys() else (*texture, "landmarks")


def _absent(scans: list[Found]) -> list[str]:
    """One line on subjects of the whole dataset that this folder lacks."""
    formatted: dict[str, set[str]] = {}
    for scan in scans:
        formatted.setdefault(scan.subject, set()).add(scan.expression)
    people = [f"bs{number:03d}" for number in range(SUBJECTS)]
    none = sum(subject not in formatted for subject in people)
    some = sum(0 < len(formatted.get(subject, ())) < len(EXPRESSIONS) for subject in people)
    if not none + some:
        return []
    complete = sum(len(expressions) == len(EXPRESSIONS) for expressions in formatted.values())
    line = f"of the {SUBJECTS} subjects bs000 to bs{SUBJECTS - 1}, {none} have none of the six expressions here"
    return [f"{line} and {some} not all; {complete} subjects have all six"]


def _upright(surface: Surface) -> Surface:
    """`surface` with v growing upwards in its photograph, as in a scan.

    Which way v grows is not documented. Face and photograph are upright both, so it grows with y: if it falls, it was
    counted from the top.
    """
    y, v = surface.vertices[:, 1].astype(np.float64), surface.uv[:, 1].astype(np.float64)
    if np.mean((y - y.mean()) * v) >= 0:
        return surface
    return replace(surface, uv=np.stack([surface.uv[:, 0], 1 - surface.uv[:, 1]], -1))
