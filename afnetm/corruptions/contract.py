"""The contract of corruptions: properties that every one has on any scan, this project's and a plug-in's."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from afnetm.corruptions.applying import corrupted, maps_of
from afnetm.corruptions.corruption import Corruption, MapCorruption
from afnetm.corruptions.pictures import face
from afnetm.corruptions.surfaces import measured, millimetres
from afnetm.data.dataset import FaceDataset
from afnetm.data.maps import PLANES, RenderedMaps

#: Arrays that a corruption of each group leaves as they are, bit by bit, beside the bits of planes.
_KEPT = {
    "texture": ("depth", "landmarks", "detected_landmarks", "detected_planes"),
    "depth": ("texture", "landmarks", "detected_landmarks", "detected_planes"),
    "both": (),
    "landmarks": ("texture", "depth"),
    "modality": ("landmarks", "detected_landmarks", "detected_planes"),
}
_VALID = np.uint8(PLANES["valid"])
#: Depth that is there in one of two scans alone counts as so many mm.
_MISSING_MM = 50.0


def findings(corruption: Corruption, dataset: FaceDataset, rows: NDArray[np.int64]) -> Iterator[str]:
    """Faults of a corruption at any severity on the scans at `rows`, a sentence each; none where it is right.

    It repeats itself bit by bit, whatever else is among the rows; it does not write into the maps that it is given; it
    leaves alone what it is not of; texture stays black beside the face; what has no depth is not ``valid``; and the
    further from the clean scans, the severer, on average over the rows.
    """
    before = [_copied(maps_of(dataset, row)) for row in rows.tolist()]
    distances = []
    for severity in range(1, len(corruption.severities) + 1):
        said = f"{corruption.name}, severity {severity}"
        changed = corrupted(dataset, rows, corruption, severity)
        again = corrupted(dataset, rows if _needs_partner(corruption) else rows[-1:], corruption, severity)
        found = [maps_of(changed, number) for number in range(len(rows))]
        if not _same(found[-1], maps_of(again, len(again) - 1)):
            yield f"{said}: a scan is another one the second time, or by itself; draw from rng alone"
        if not all(map(_same, before, (maps_of(dataset, row) for row in rows.tolist()))):
            yield f"{said}: it writes into the maps that it is given; copy them"
            return
        for clean, maps in zip(before, found, strict=True):
            yield from (f"{said}: {fault}" for fault in _faults(corruption, clean, maps))
        distances.append(float(np.mean([distance(*pair) for pair in zip(before, found, strict=True)])))
    if any(after <= one for one, after in pairwise([0.0, *distances])):
        yield f"{corruption.name}: its distances from clean are {distances}; they should grow with the severity"


def distance(one: RenderedMaps, other: RenderedMaps) -> float:
    """Distance between the maps of a scan: mean absolute differences of texture (levels), depth and landmarks (mm)."""
    there, here = one.depth[0] > 0, other.depth[0] > 0
    apart = np.abs(millimetres(one) - millimetres(other)).clip(0, _MISSING_MM)
    depth = np.where(there & here, apart, np.where(there ^ here, _MISSING_MM, 0.0)).mean()
    texture = np.abs(one.texture.astype(np.float64) - other.texture).mean()
    return float(depth + texture + np.nan_to_num(np.abs(one.landmarks - other.landmarks)).mean())


def _faults(corruption: Corruption, clean: RenderedMaps, maps: RenderedMaps) -> Iterator[str]:
    for name, array in vars(clean).items():
        made = getattr(maps, name)
        if (array is None) != (made is None):
            yield f"{name} is {'missing' if made is None else 'there'}; keep what was detected as it is"
        elif array is not None and (made.shape != array.shape or made.dtype != array.dtype):
            yield f"{name} is {made.dtype} {made.shape}; make it {array.dtype} {array.shape}"
        elif name in _KEPT[corruption.of] and not _equal(array, made):
            yield f"it changes {name}, though it is of {corruption.of}"
    if corruption.of in {"texture", "depth"} and not _equal(clean.planes & ~_VALID, maps.planes & ~_VALID):
        yield f"it changes regions, though it is of {corruption.of}"
    if corruption.of in {"texture", "landmarks"} and not _equal(clean.planes & _VALID, maps.planes & _VALID):
        yield f"it changes what is valid, though it is of {corruption.of}"
    if corruption.of == "texture" and maps.texture[:, ~face(clean)].any():
        yield "texture is not black beside the face"
    if (measured(maps) & (maps.depth[0] == 0)).any():
        yield "pixels without depth are valid"


def _needs_partner(corruption: Corruption) -> bool:
    return isinstance(corruption, MapCorruption) and corruption.needs_partner


def _copied(maps: RenderedMaps) -> RenderedMaps:
    return replace(maps, **{name: array.copy() for name, array in vars(maps).items() if array is not None})


def _same(one: RenderedMaps, other: RenderedMaps) -> bool:
    return all(_equal(array, getattr(other, name)) for name, array in vars(one).items())


def _equal(one: NDArray[np.generic] | None, other: NDArray[np.generic] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.tobytes() == other.tobytes()
