"""Corrupted datasets: scans of a dataset as they would be with a corruption, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from afnetm.corruptions.availability import source_of, unavailable
from afnetm.corruptions.corruption import Corruption, MapCorruption, ScanCorruption
from afnetm.corruptions.keeping import keep
from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import DETECTED_SHA256, LANDMARK_COUNT, fingerprint_by_digests
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.maps import PLANES, REGIONS, RenderedMaps, detected_sha256, maps_sha256, regions_in, stacked
from afnetm.data.pose import Pose
from afnetm.data.regions import LANDMARK_SETS, landmark_set, region_planes
from afnetm.data.scan import PoseSource
from afnetm.data.scan_source import ScanSource
from afnetm.errors import UserError
from afnetm.seeding import derive_seed, stream

_REGION_BITS = np.uint8(sum(PLANES[region] for region in REGIONS))
#: Posed landmarks of a scan that is loaded again may differ by so much from the dataset's, mm: another processor rounds
#: otherwise.
_SAME_MM = 0.01


def corrupted(
    dataset: FaceDataset,
    rows: NDArray[np.int64],
    corruption: Corruption,
    severity: int,
    *,
    seed: int = 0,
    source: ScanSource | None = None,
    kept: Path | None = None,
) -> FaceDataset:
    """The scans at `rows` with a corruption, as a dataset in memory.

    What is drawn for a scan depends on the seed, the corruption's name and the scan's id: not on the severity, so that
    the grades of a scan are the same draw, stronger, and not on what else is among `rows`. Only a corruption that needs
    another subject's scan takes it from `rows`: a model that is tested on them has seen none of them.

    Args:
        dataset: whose scans they are.
        rows: ``(N,)`` row numbers of its table.
        corruption: of `afnetm.corruptions.corruptions`, or any other.
        severity: 1 to 5, the place among the corruption's `severities`, counted from 1.
        seed: 0 or more.
        source: that the dataset was prepared from; needed where scans have to be rendered again, but not for synthetic
            datasets.
        kept: a folder where scans that have to be rendered again are kept for the next time; None for nowhere.

    Returns:
        A dataset with these rows of the table: labels are as they were, regions and digests are those of the maps, and
        the fingerprint is its own.

    Raises:
        UserError: the corruption has no such severity, or the dataset cannot have it (`unavailable`).
    """
    if not 1 <= severity <= len(corruption.severities):
        raise UserError(f"severity: {severity} of '{corruption.name}' (allowed: 1 to {len(corruption.severities)})")
    if why := unavailable(corruption, dataset, source, rows=rows):
        raise UserError(f"corruption '{corruption.name}': {why}")
    source = source or source_of(dataset)
    value = corruption.severities[severity - 1]

    def make(place: int) -> RenderedMaps:
        row = int(rows[place])
        rng = stream(seed, "corruption", corruption.name, str(dataset.table["id"].iloc[row]))
        if isinstance(corruption, ScanCorruption):
            assert source is not None
            return _rendered(dataset, row, corruption, value, rng, source)
        assert isinstance(corruption, MapCorruption)
        partner = maps_of(dataset, _partner(dataset, row, rows, seed)) if corruption.needs_partner else None
        before = maps_of(dataset, row)
        return _with_regions(before, corruption.apply(before, value, rng, partner), _names(dataset, row))

    if kept is not None and isinstance(corruption, ScanCorruption):
        # By what was rendered of them before: a scan of the same maps has the same mesh.
        names = [f"{scan} {digest}" for scan, digest in dataset.table[["id", "sha256"]].iloc[rows].to_numpy().tolist()]
        made = keep(kept, names, make, of=corruption, value=value, seed=seed)
    else:
        made = [*map(make, range(len(rows)))]
    return _dataset(dataset, rows, made)


def maps_of(dataset: FaceDataset, row: int) -> RenderedMaps:
    """The maps of a scan of `dataset`; its arrays, not copies of them."""
    detected = dataset.detected_planes, dataset.detected_landmarks
    own = (dataset.texture, dataset.depth, dataset.planes, dataset.landmarks)
    return RenderedMaps(*(array[row] for array in own), *(None if array is None else array[row] for array in detected))


def _rendered(
    dataset: FaceDataset,
    row: int,
    corruption: ScanCorruption,
    value: float,
    rng: np.random.Generator,
    source: ScanSource,
) -> RenderedMaps:
    """The maps of a scan that is loaded again and rendered in another pose."""
    from afnetm.data.making import Making, frontal  # meshes take a second to import
    from afnetm.data.rendering import render

    scan_id, landmarks = str(dataset.table["id"].iloc[row]), dataset.landmarks[row]
    scan, _, pose = frontal(source.load(scan_id), Making(size=dataset.size, pose=cast(PoseSource, dataset.pose)))
    posed = pose.apply(scan.landmarks)
    if not np.allclose(posed, landmarks[: len(posed)], rtol=0, atol=_SAME_MM, equal_nan=True):
        raise UserError(f"scan {scan_id}: its source has another scan than dataset '{dataset.name}'; prepare it again")
    detected = dataset.detected_landmarks
    found = None if detected is None else _back(pose, detected[row])
    return render(scan, size=dataset.size, pose=corruption.posed(pose, value, rng), found=found)


def _back(pose: Pose, posed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks ``(83, 3)`` in the frame of their scan, of posed ones."""
    return np.asarray((posed - pose.translation) @ pose.rotation, np.float32)


def _partner(dataset: FaceDataset, row: int, rows: NDArray[np.int64], seed: int) -> int:
    """Another subject's scan of the same expression among `rows`; of the same intensity, if any is.

    Each candidate has a number that depends on the seed and both scans alone, and the lowest is taken.
    """
    table, scan = dataset.table.iloc[rows], dataset.table.iloc[row]
    others = (table["expression"] == scan["expression"]) & (table["subject"] != scan["subject"])
    alike = others & (table["intensity"] == scan["intensity"])
    candidates: list[int] = rows[np.flatnonzero(alike if alike.any() else others)].tolist()
    ids = dataset.table["id"]
    return min(candidates, key=lambda one: derive_seed(seed=seed, scan=str(scan["id"]), partner=str(ids.iloc[one])))


def _names(dataset: FaceDataset, row: int) -> tuple[str, ...]:
    """The names of a scan's landmarks; of a dataset of an earlier program, by the last one that is there."""
    if LANDMARK_COUNT in dataset.table:
        count = int(dataset.table[LANDMARK_COUNT].iloc[row])
        return next(names for names in LANDMARK_SETS if len(names) == count)
    last = np.flatnonzero(np.isfinite(dataset.landmarks[row]).all(1)).max(initial=-1)
    return min((names for names in LANDMARK_SETS if len(names) > last), key=len)


def _with_regions(before: RenderedMaps, after: RenderedMaps, names: tuple[str, ...]) -> RenderedMaps:
    """`after`, with regions drawn again of the landmarks that were moved."""
    planes = _drawn(before.landmarks, after.landmarks, after.planes, names)
    detected = after.detected_planes
    if detected is not None and before.detected_landmarks is not None and after.detected_landmarks is not None:
        detected = _drawn(before.detected_landmarks, after.detected_landmarks, detected, LANDMARKS_83)
    return replace(after, planes=planes, detected_planes=detected)


def _drawn(
    before: NDArray[np.float32], after: NDArray[np.float32], planes: NDArray[np.uint8], names: tuple[str, ...]
) -> NDArray[np.uint8]:
    if np.array_equal(before, after, equal_nan=True):
        return planes
    regions = region_planes(after[: len(names)], landmark_set(names), size=planes.shape[-1])
    return np.asarray((planes & ~_REGION_BITS) | regions)


def _dataset(dataset: FaceDataset, rows: NDArray[np.int64], made: Sequence[RenderedMaps]) -> FaceDataset:
    """The dataset of these maps, one for each of `rows`."""
    table = dataset.table.iloc[rows].reset_index(drop=True)
    table["regions"] = [regions_in(maps.planes) for maps in made]
    table["sha256"] = [maps_sha256(maps) for maps in made]
    if DETECTED_SHA256 in table:
        table[DETECTED_SHA256] = [
            detected_sha256(maps.detected_planes, maps.detected_landmarks)
            for maps in made
            if maps.detected_planes is not None and maps.detected_landmarks is not None
        ]
    return replace(
        dataset,
        directory=Path(),
        fingerprint=fingerprint_by_digests(table, size=dataset.size),
        table=table,
        **stacked(made),
    )
