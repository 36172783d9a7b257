"""BU-4DFE (Yin et al., FG 2008): 101 people, six expressions, each a sequence of about 100 textured meshes.

A frame is ``F001/Angry/000.wrl`` (mesh), ``000.jpg`` (picture) and, in a tree of the same folders, ``000.bnd`` (83
landmarks). Where a frame has no landmarks, they are found in it. Of each sequence one frame is a scan, or those asked
for.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afnetm.data.formats.bnd import read_bnd
from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.pictures import read_picture
from afnetm.data.formats.vrml import read_vrml
from afnetm.data.landmarker import with_landmarks
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import REGIONS
from afnetm.data.pose import MAX_MISFIT_MM, find_anchors, fit_anchors
from afnetm.data.regions import landmark_set
from afnetm.data.scan import EXPRESSIONS, Scan
from afnetm.data.scan_source import Found, Inspection, ScanSource
from afnetm.data.sources.bu3dfe import picture_of
from afnetm.data.sources.folder import check_near
from afnetm.data.sources.nose_order import NoseOrder, choose_order
from afnetm.data.synthetic.source import MARK, is_synthetic
from afnetm.errors import UserError

#: The folders' names for the expressions.
FOLDERS = dict(zip(("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise"), EXPRESSIONS, strict=True))
#: How many people the dataset has.
SUBJECTS = 101

_NAME = re.compile(rf"(?:.*/)?([FM]\d{{3}})/({'|'.join(FOLDERS)})/(\d{{3}})\.(wrl|jpg|bnd)", re.ASCII | re.IGNORECASE)
_MESH, _PICTURE, _LANDMARKS = "wrl", "jpg", "bnd"
_KINDS = {_PICTURE: "texture", _LANDMARKS: "landmarks"}
_SET = landmark_set(LANDMARKS_83)
#: The landmarks by which frames are compared: those of brows, eyes, nose and mouth. Those of the jaw are the vaguest.
_COMPARED = sorted({row for region in REGIONS for part in _SET.parts[region] for row in part.rows})

#: A frame's files by the end of their names, and a sequence's frames by their numbers.
Frame = Mapping[str, str]
Sequence = dict[int, Frame]


@dataclass(frozen=True, kw_only=True)
class Bu4dfeSource(ScanSource):
    """Frames of the sequences of BU-4DFE in `folder`, in whatever folders below it they lie.

    By default the one frame of each sequence whose landmarks, in the frontal pose, lie furthest from those of the first
    one: the root mean square over brows, eyes, nose and mouth. Frames that have landmarks are compared; in a
    sequence that has none every `every`-th frame is, by landmarks that are found in it.

    Args:
        folder: the dataset's.
        frames: the numbers of those that are scans instead.
        every: of a sequence without landmarks, one frame in so many is looked at.

    Raises:
        UserError: no such folder, or numbers that cannot be.
    """

    name = "bu4dfe"
    folder: Path
    frames: tuple[int, ...] | None = None
    every: int = 10

    def __post_init__(self) -> None:
        DataFolder(self.folder)
        frames = self.frames
        if frames is not None and (not frames or len(set(frames)) < len(frames) or not set(frames) <= set(range(1000))):
            raise UserError(f"frames: {list(frames)} (allowed: one or more of 0 to 999, each once)")
        if self.every < 1:
            raise UserError(f"every: {self.every} (allowed: 1 or more)")

    def describe(self) -> dict[str, Any]:
        """Description of what decides the scans, how they are read, and a digest of the files' names and sizes."""
        every = {"every": self.every} if self.every != type(self).every else {}
        return {
            "kind": self.name,
            "synthetic": is_synthetic(DataFolder(self.folder)),
            **({"frames": list(self.frames)} if self.frames else every),
            "scans": len(self._scans),
            **({"nose": self.nose.describe()} if self.nose.scans else {}),
            "listing": self._listing,
        }

    def ids(self) -> list[str]:
        """``F001_anger`` ..., or ``F001_anger_040`` ... where frames are asked for: by subject and expression."""
        return list(self._scans)

    def load(self, scan_id: str) -> Scan:
        """The scan called `scan_id`; raises `UserError` that names the file where one is missing or wrong."""
        if scan_id not in self._scans:
            raise UserError(f"scan {scan_id!r} is not among the {len(self._scans)} of folder {self.folder}")
        frames = self._scans[scan_id]
        number = next(iter(frames)) if self.frames else self._furthest(scan_id, frames)
        return self._read(scan_id, frames[number])

    def inspect(self) -> Inspection:
        """An overview of the scans in the folder.

        Raises:
            UserError: no sequence, no frame that is asked for, or one twice.
        """
        scans = []
        for scan_id, frames in self._scans.items():
            subject, expression = scan_id.split("_")[:2]
            missing = () if any(_PICTURE in frame for frame in frames.values()) else ("texture",)
            annotated = any(_LANDMARKS in frame for frame in frames.values())
            scans.append(
                Found(
                    id=scan_id,
                    subject=subject,
                    expression=expression,
                    intensity=0,
                    missing=missing,
                    landmarks=annotated,
                )
            )
        left_out = self._files[1].copy()
        if self.frames:
            left_out["other frames"] = sum(map(len, self._files[0].values())) - len(scans)
        return Inspection(scans=scans, left_out=+left_out, absent=self._absent(scans))

    def _absent(self, scans: list[Found]) -> list[str]:
        """Lines on what the whole dataset has and this folder lacks."""
        lines = []
        subjects = {scan.subject for scan in scans}
        if len(subjects) < SUBJECTS:
            lines.append(f"{SUBJECTS - len(subjects)} of the dataset's {SUBJECTS} subjects")
        wanted = len(subjects) * len(FOLDERS) * len(self.frames or (0,))
        if len(scans) < wanted:
            what = "frames" if self.frames else "sequences"
            lines.append(f"{wanted - len(scans)} {what} of the subjects that are here")
        return lines

    def _furthest(self, scan_id: str, frames: Sequence) -> int:
        """The number of the frame that is least like the first one; of several alike, the first."""
        annotated = [number for number, frame in frames.items() if _LANDMARKS in frame]
        posed: dict[int, NDArray[np.float64]] = {}
        error = UserError(f"scan {scan_id}: it has no frame")
        for number in annotated or list(frames)[:: self.every]:
            try:
                posed[number] = self._posed(scan_id, frames[number])
            except UserError as caught:  # one frame that is damaged leaves the others
                error = caught
        if not posed:
            raise error
        start = next(iter(posed.values()))
        return max(posed, key=lambda number: float(((posed[number] - start) ** 2).sum(1).mean()))

    def _posed(self, scan_id: str, frame: Frame) -> NDArray[np.float64]:
        """The landmarks of a frame by which frames are compared, in the frontal pose, mm."""
        if _LANDMARKS in frame:
            landmarks = self._landmarks(frame[_LANDMARKS])
        else:
            landmarks = with_landmarks(self._read(scan_id, frame)).landmarks
        pose = fit_anchors(find_anchors(landmarks, _SET))
        if pose.misfit > MAX_MISFIT_MM:
            raise UserError(f"scan {scan_id}: no frame's eyes and nose are those of a face (lengths in mm)")
        return pose.apply(landmarks[_COMPARED])

    def _read(self, scan_id: str, frame: Frame) -> Scan:
        """A frame as a scan."""
        folder, name = DataFolder(self.folder), frame[_MESH]
        mesh = read_vrml(folder.read(name), name)
        annotated: dict[str, Any] = {}
        if _LANDMARKS in frame:
            points = self._landmarks(frame[_LANDMARKS])
            check_near(points, mesh.vertices, frame[_LANDMARKS], name)
            annotated = {"landmarks": points, "landmark_names": LANDMARKS_83}
        picture = picture_of(folder, mesh, name, frame.get(_PICTURE))
        subject, expression = scan_id.split("_")[:2]
        return Scan(
            id=scan_id,
            subject=subject,
            expression=expression,
            intensity=0,
            vertices=mesh.vertices,
            faces=mesh.faces,
            uv=mesh.uv,
            uv_faces=mesh.uv_faces,
            texture=read_picture(folder.read(picture), picture),
            wrap=mesh.wrap,
            source=name,
            **annotated,
        )

    def _landmarks(self, name: str) -> NDArray[np.float32]:
        """The landmarks in the file called `name`; its first column is not looked at: what it counts is not known."""
        return self.nose.apply(read_bnd(DataFolder(self.folder).read(name), name).points, name)

    @cached_property
    def nose(self) -> NoseOrder:
        """The order of the nose's rows, decided on the first landmarks of each sequence, one after the other."""
        return choose_order(self._first_landmarks())

    def _first_landmarks(self) -> Iterator[NDArray[np.float32]]:
        """The landmarks of the scans whose files can be read; what is wrong with the others is for `load` to say."""
        folder = DataFolder(self.folder)
        for frames in self._scans.values():
            name = next((frame[_LANDMARKS] for frame in frames.values() if _LANDMARKS in frame), None)
            if name is not None:
                with suppress(UserError):
                    yield read_bnd(folder.read(name), name).points

    @cached_property
    def _listing(self) -> str:
        files = [name for frames in self._scans.values() for frame in frames.values() for name in frame.values()]
        return DataFolder(self.folder).listing(files)

    @cached_property
    def _scans(self) -> dict[str, Sequence]:
        """The scans asked for, in order: of each id the frames, one of which it is."""
        sequences, _ = self._files
        if self.frames is None:
            found = {f"{subject}_{expression}": frames for (subject, expression), frames in sequences.items()}
        else:
            found = {
                f"{subject}_{expression}_{number:03d}": {number: frames[number]}
                for (subject, expression), frames in sequences.items()
                for number in self.frames
                if number in frames
            }
        if not found:
            asked = "" if self.frames is None else f" with frames {list(self.frames)}"
            raise UserError(
                f"folder {self.folder}: no sequence of BU-4DFE{asked} (looked for: F001/Angry/000.wrl and so on, in "
                "any folder below)"
            )
        return found

    @cached_property
    def _files(self) -> tuple[dict[tuple[str, str], Sequence], Counter[str]]:
        """The sequences in order, by subject and expression, and how much of the folder is of no use here."""
        folders = {name.lower(): expression for name, expression in FOLDERS.items()}
        files: dict[tuple[str, str], dict[int, dict[str, str]]] = {}
        left_out: Counter[str] = Counter()
        for name in DataFolder(self.folder).names():
            match = _NAME.fullmatch(name)
            if not match:
                left_out["other files"] += name != MARK
                continue
            subject, expression, number, kind = match.groups()
            key = subject.upper(), folders[expression.lower()]
            frame = files.setdefault(key, {}).setdefault(int(number), {})
            if kind.lower() in frame:
                raise UserError(f"{name}: it exists twice, also as {frame[kind.lower()]} (allowed: one of a name)")
            frame[kind.lower()] = name
        order = {expression: number for number, expression in enumerate(EXPRESSIONS)}
        sequences: dict[tuple[str, str], Sequence] = {}
        for key in sorted(files, key=lambda one: (one[0], order[one[1]])):
            whole: Sequence = {number: frame for number, frame in sorted(files[key].items()) if _MESH in frame}
            meshless = [frame for frame in files[key].values() if _MESH not in frame]
            left_out["pictures and landmarks without a mesh"] += sum(map(len, meshless))
            if whole:
                sequences[key] = whole
        return sequences, +left_out
