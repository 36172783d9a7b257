"""Making one scan into maps: how a dataset's scans are made, so that any other scan can be made alike."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict

from afnetm.blame import error_message
from afnetm.data.dataset_files import ATTRIBUTE, DETECTED_SHA256, FOUND, MEASURES, landmark_counts
from afnetm.data.landmarker import LANDMARKER_VERSION, find_landmarks, with_landmarks
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import RenderedMaps, detected_sha256, maps_sha256, regions_in
from afnetm.data.pose import Pose, fit_pose
from afnetm.data.rendering import render
from afnetm.data.scan import ATTRIBUTE_NAME, ATTRIBUTES, CLASS_NAME, PoseSource, Scan, is_attribute
from afnetm.data.scan_source import ScanSource
from afnetm.errors import UserError
from afnetm.strict import STRICT

#: What became of a scan: its ``id``, and its ``row`` of the table or the ``reason`` why it was rejected; in a record
#: also ``at``, where its maps are in the arrays.
Entry = dict[str, Any]
#: What finds landmarks, with its version.
LANDMARKER = f"face landmarker {LANDMARKER_VERSION}"


@dataclass(frozen=True, kw_only=True)
class Making:
    """Settings by which the scans of a source are made into maps.

    Attributes:
        size: pixels along a side.
        pose: which landmarks the pose fit is given: those that come with the scans (of a scan that comes without, those
            found in it), or those detected in them. Where they are needed, a scan in which no face is found is left
            out.
        detect: whether landmarks are detected in the scans (`afnetm.data.landmarker`, which must be installed).
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    size: int
    pose: PoseSource = "annotated"
    detect: bool = False

    @property
    def detects(self) -> bool:
        """Whether anything is detected."""
        return self.detect or self.pose == "detected"

    @property
    def detector(self) -> str:
        """Name and version of the landmarker; empty where nothing is detected."""
        return LANDMARKER if self.detects else ""

    def pose_of(self, table: pd.DataFrame) -> PoseSource:
        """Origin of the landmarks that poses of the dataset with this `table` are fitted to."""
        return self.pose if landmark_counts(table)["given"] else "detected"

    def detector_of(self, table: pd.DataFrame) -> str:
        """Name and version of the landmarker where it was at work on the scans of the dataset with this `table`."""
        return LANDMARKER if landmark_counts(table)["found"] else self.detector


@dataclass(frozen=True, eq=False)
class Made:
    """A scan made into maps.

    Attributes:
        scan: of which they were made.
        row: of a dataset's table.
        maps: of the scan.
        pose: the motion from the scan's frame to the maps'.
    """

    scan: Scan
    row: dict[str, Any]
    maps: RenderedMaps
    pose: Pose


def render_scan(source: ScanSource, scan_id: str, making: Making) -> tuple[Entry, RenderedMaps | None]:
    """Its row of the table, or the reason why it is rejected, and its maps; whatever a plug-in raises is a reason."""
    try:
        scan = _load(source, scan_id)
        _check_labels(scan, scan_id)
        made = make_maps(scan, making)
    except UserError as error:
        return {"id": scan_id, "reason": str(error)}, None
    return {"id": scan_id, "row": made.row}, made.maps


def make_maps(scan: Scan, making: Making) -> Made:
    """The maps of a scan.

    In a scan that comes without landmarks they are found, and its row says so.

    Raises:
        UserError: it cannot be rendered.
    """
    scan, found, pose = frontal(scan, making)
    maps = render(scan, size=making.size, pose=pose, found=found)
    row: dict[str, Any] = {name: getattr(scan, name) for name in ("id", "subject", "expression", "intensity", "source")}
    row |= {"regions": regions_in(maps.planes), "sha256": maps_sha256(maps)}
    if maps.detected_planes is not None and maps.detected_landmarks is not None:
        row[DETECTED_SHA256] = detected_sha256(maps.detected_planes, maps.detected_landmarks)
    height, width = scan.texture.shape[:2] if scan.texture.ndim == 3 else (0, 0)
    measures = (round(pose.misfit, 3), len(scan.vertices), len(scan.faces), width, height, len(scan.landmarks))
    row |= dict(zip(MEASURES, measures, strict=True))
    if scan.landmarks_found:
        row[FOUND] = 1
    row |= {f"nuisance_{name}": level for name, level in scan.nuisance.items()}
    row |= {f"{ATTRIBUTE}{name}": value for name, value in scan.attributes.items()}
    return Made(scan, row, maps, pose)


def frontal(scan: Scan, making: Making) -> tuple[Scan, NDArray[np.float32] | None, Pose]:
    """The scan with its landmarks, given or found, what was detected in it, and the motion that makes it frontal.

    Raises:
        UserError: no landmarks are found, or they fit no face.
    """
    scan = with_landmarks(scan)
    found = _detected(scan, needed=making.pose == "detected") if making.detects else None
    posed = scan
    if making.pose == "detected" and found is not None:
        posed = replace(scan, landmarks=found, landmark_names=LANDMARKS_83)
    return scan, found, fit_pose(posed)


def _detected(scan: Scan, *, needed: bool) -> NDArray[np.float32]:
    """The landmarks ``(83, 3)`` found in `scan`; NaN where there are none, unless they are `needed`."""
    if scan.landmarks_found and scan.landmark_names == LANDMARKS_83:
        return scan.landmarks
    try:
        return find_landmarks(scan).landmarks
    except UserError:
        if needed:
            raise
        return np.full((len(LANDMARKS_83), 3), np.nan, np.float32)


def _load(source: ScanSource, scan_id: str) -> Scan:
    try:
        return source.load(scan_id)
    except UserError:
        raise
    except Exception as error:
        module = type(source).__module__
        if module.partition(".")[0] == "afnetm":
            raise  # a fault of this project keeps its traceback
        raise UserError(f"scan {scan_id}: {error_message(error, module)}") from error


def _check_labels(scan: Scan, scan_id: str) -> None:
    if scan.id != scan_id:
        raise UserError(f"scan {scan_id}: its source calls it {scan.id!r} (allowed: the requested id)")
    if not scan.subject or not scan.subject.isprintable():
        raise UserError(f"scan {scan_id}: subject {scan.subject!r} (allowed: printable text)")
    if not CLASS_NAME.fullmatch(scan.expression):
        raise UserError(
            f"scan {scan_id}: expression {scan.expression[:60]!r} (allowed: a letter, then letters, digits, '-' and "
            f"'_', in lower case, up to 40)"
        )
    if scan.intensity not in range(5):
        raise UserError(f"scan {scan_id}: intensity {scan.intensity!r} (allowed: 1 to 4, 0 where unknown)")
    for name, value in scan.attributes.items():
        if not ATTRIBUTE_NAME.fullmatch(name) or not is_attribute(value):
            raise UserError(f"scan {scan_id}: attribute {name[:60]!r}: {str(value)[:60]!r} (allowed: {ATTRIBUTES})")
