"""Masks: where the planes that a method is given come from.

The landmarks of a scan move with its expression, so that masks drawn from its own annotated landmarks come close to
telling its class. Which masks a comparison may use is therefore said by name, and the default is one that no test
scan's landmarks reach.
"""

import hashlib
import math
import random
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import DETECTED_SHA256, REGRESSOR, is_generated, landmark_sets
from afnetm.data.face_models import INSTALL
from afnetm.data.maps import LANDMARK_ROWS, PLANES, REGIONS, WINDOW_MM, MaskSource
from afnetm.data.regions import LANDMARK_SETS, landmark_set, region_planes
from afnetm.errors import UserError
from afnetm.seeding import stream

if TYPE_CHECKING:
    from afnetm.data.landmark_regressor import LandmarkRegressor

#: An adult's face, mm: from cheekbone to cheekbone and from the hairline to the chin, in round numbers. It takes half
#: of the window, and 99.9 % of the salient regions of 480 synthetic scans are inside.
FACE_MM = (140.0, 190.0)
#: Sixteen plane waves make the random field: direction and phase, rad, drawn once and for all.
_DRAW = random.Random(0)
_WAVES = [(_DRAW.uniform(0, math.pi), _DRAW.uniform(0, 2 * math.pi)) for _ in range(16)]
#: Their length, mm: half of it, the width of a blob, is about that of an eye or half a mouth.
WAVELENGTH_MM = 50.0
_REGION_BITS = np.uint8(sum(PLANES[region] for region in REGIONS))


@dataclass(frozen=True, eq=False)
class Learnt:
    """Part of ``detected`` masks that is learnt of training scans: one of both, as landmarks were detected or not.

    Attributes:
        mean: ``(1, 1, S, S)`` uint8, planes for a scan in which no face is found.
        regressor: of landmarks.
    """

    mean: NDArray[np.uint8] | None
    regressor: "LandmarkRegressor | None"


def mask_planes(
    dataset: FaceDataset, rows: NDArray[np.int64], train: NDArray[np.intp], source: MaskSource
) -> NDArray[np.uint8]:
    """The region bits that a method is given of each scan, in place of those that are stored.

    Args:
        dataset: whose scans they are.
        rows: ``(N,)`` row numbers of its table.
        train: indices into `rows` of the scans that are trained on: all that ``mean`` and ``random`` look at.
        source: where the masks come from.

    Returns:
        ``(N, 1, S, S)`` uint8, or ``(1, 1, S, S)`` where they are the same for every scan; bits as in `PLANES`, never
        the ``valid`` bit.

    Raises:
        UserError: the dataset does not have what the source needs.
    """
    if source == "annotated":
        return np.asarray(dataset.planes[rows] & _REGION_BITS)
    if source == "other_expression":
        return np.asarray(dataset.planes[_others(dataset, rows)] & _REGION_BITS)
    if source == "detected":
        return _detected(dataset, rows, train)
    size = dataset.size
    if source == "ones":
        regions = np.ones((size, size), bool)
    elif source == "ellipse":
        regions = _ellipse(size)
    else:
        mean = mean_planes(dataset, rows[train])
        if source == "mean":
            return mean
        regions = _blobs(size, area=int((mean > 0).sum()))
    return np.where(regions, _REGION_BITS, np.uint8(0))[None, None]


def scan_landmarks(
    dataset: FaceDataset, rows: NDArray[np.int64], train: NDArray[np.intp], source: MaskSource
) -> NDArray[np.float32] | None:
    """The posed landmarks that a method is given of each scan, ``(N, 83, 3)`` mm; None where `source` has none."""
    if source == "annotated":
        return np.asarray(dataset.landmarks[rows])
    if source != "detected":
        return None
    if dataset.detected_landmarks is not None:
        return np.asarray(dataset.detected_landmarks[rows])
    return _regressed(dataset, rows.tobytes(), train.tobytes())[1]


def learnt_of(dataset: FaceDataset, rows: NDArray[np.int64], train: NDArray[np.intp]) -> Learnt:
    """The part of the training scans that decides how ``detected`` masks and landmarks of any other scan are made.

    Args:
        dataset: whose scans they are.
        rows: ``(N,)`` row numbers of its table.
        train: indices into `rows` of the scans that are trained on.
    """
    if dataset.detected_planes is None:
        return Learnt(None, _regressed(dataset, rows.tobytes(), train.tobytes())[2])
    return Learnt(_mean(dataset.detected_planes[rows[train]]), None)


def detected_by(
    learnt: "Learnt", dataset: FaceDataset, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Planes ``(N, 1, S, S)`` and posed landmarks ``(N, 83, 3)`` mm detected in scans that were not trained on.

    Raises:
        UserError: the dataset was prepared without detecting landmarks, with which the training scans were.
    """
    if learnt.regressor is not None:
        return _predicted(learnt.regressor, dataset, rows)
    if dataset.detected_planes is None or dataset.detected_landmarks is None:
        raise UserError(
            f"masks = 'detected': dataset '{dataset.name}' was prepared without detecting landmarks, and what is asked "
            f"was not trained with a regressor of them; detect them ({INSTALL})"
        )
    planes = np.array(dataset.detected_planes[rows])
    if learnt.mean is not None:
        planes[~planes.any((1, 2, 3))] = learnt.mean[0]
    return planes, np.asarray(dataset.detected_landmarks[rows])


def detector(dataset: FaceDataset) -> str:
    """Name and version of that by which ``detected`` masks of a dataset are decided.

    A digest of what it found follows, which a dataset's fingerprint does not cover; not for generated scans, in which
    it finds the same on every processor, up to rounding.
    """
    if dataset.detected_planes is None:
        from afnetm.data.landmark_regressor import REGRESSOR_VERSION

        return f"{REGRESSOR} {REGRESSOR_VERSION}"
    if is_generated(dataset.source):
        return dataset.detector
    found = hashlib.sha256("".join(dataset.table[DETECTED_SHA256]).encode()).hexdigest()
    return f"{dataset.detector}, {found[:20]}"


def _detected(dataset: FaceDataset, rows: NDArray[np.int64], train: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The planes detected in each scan; where no face was found, the mean of those of the training scans."""
    if dataset.detected_planes is None:
        return _regressed(dataset, rows.tobytes(), train.tobytes())[0]
    planes = np.array(dataset.detected_planes[rows])
    lacking = ~planes.any((1, 2, 3))
    if lacking.any():
        planes[lacking] = _mean(planes[train])[0]
    return planes


@lru_cache(maxsize=1)  # the methods of a fold come one after the other
def _regressed(
    dataset: FaceDataset, rows: bytes, train: bytes
) -> tuple[NDArray[np.uint8], NDArray[np.float32], "LandmarkRegressor"]:
    """Planes and landmarks of the scans at `rows`, predicted by a regressor of the annotated ones of those at `train`.

    The training scans' own are predicted by regressors that have not seen the subject, so that they err as the others'.
    """
    from afnetm.data.landmark_regressor import fit_landmarks, out_of_fold  # scikit-learn takes a second to import

    if not train:
        raise UserError(
            f"masks = 'detected': dataset '{dataset.name}' was prepared without detecting landmarks, and a regressor "
            f"is fitted to scans that are trained on, of which there are none here; detect them ({INSTALL})"
        )
    known = _landmark_set(dataset)
    every, index = np.frombuffer(rows, np.int64), np.frombuffer(train, np.intp)
    own, others = every[index], np.setdiff1d(np.arange(len(every)), index)
    maps = dataset.texture[own], dataset.depth[own], dataset.landmarks[own, : len(known)]
    landmarks = np.full((len(every), LANDMARK_ROWS, 3), np.nan, np.float32)
    landmarks[index, : len(known)] = out_of_fold(*maps, dataset.subjects[own])
    regressor = fit_landmarks(*maps)
    if len(others):
        landmarks[others] = _predicted(regressor, dataset, every[others])[1]
    return _drawn(landmarks, known, dataset.size), landmarks, regressor


def _predicted(
    regressor: "LandmarkRegressor", dataset: FaceDataset, rows: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Planes and landmarks of the scans at `rows`."""
    found = regressor.predict(dataset.texture[rows], dataset.depth[rows])
    landmarks = np.full((len(rows), LANDMARK_ROWS, 3), np.nan, np.float32)
    landmarks[:, : found.shape[1]] = found
    known = next(names for names in LANDMARK_SETS if len(names) == found.shape[1])
    return _drawn(landmarks, known, dataset.size), landmarks


def _drawn(landmarks: NDArray[np.float32], names: tuple[str, ...], size: int) -> NDArray[np.uint8]:
    """The planes ``(N, 1, S, S)`` of landmarks ``(N, 83, 3)``."""
    of = landmark_set(names)
    return np.stack([region_planes(one[: len(names)], of, size=size)[None] for one in landmarks])


def _landmark_set(dataset: FaceDataset) -> tuple[str, ...]:
    """The names of the landmark set that all scans of a dataset have."""
    counts = landmark_sets(dataset.table)
    names = [known for known in LANDMARK_SETS if [len(known)] == counts]
    if not names:
        have = ", ".join(map(str, counts)) or "no known number of"
        raise UserError(
            f"masks = 'detected': scans of dataset '{dataset.name}' have {have} landmarks, a "
            f"regressor needs the same set in all; prepare it with the face landmarker ({INSTALL})"
        )
    return names[0]


def mean_planes(dataset: FaceDataset, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The pixels that each region covers in at least half of those scans at `rows` that have the region.

    The maps are pose-normalised, so that regions lie over each other as the pose fit leaves them.

    Returns:
        ``(1, 1, S, S)`` uint8, bits as in `PLANES`.
    """
    return _mean(dataset.planes[rows])


def _mean(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mean = np.zeros((1, *planes.shape[1:]), np.uint8)
    for region in REGIONS:
        covered = (planes & PLANES[region]) > 0
        scans = covered.any((1, 2, 3)).sum()
        if scans:
            mean[0] |= (2 * covered.sum(0) >= scans) * np.uint8(PLANES[region])
    return mean


def _others(dataset: FaceDataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each scan at `rows` one of them of the same subject with another expression, the same one every time."""
    table = dataset.table.iloc[rows]
    found = np.empty(len(rows), np.int64)
    positions = np.arange(len(rows))
    subjects, expressions = table["subject"].to_numpy(str), table["expression"].to_numpy(str)
    for subject in np.unique(subjects):
        own = positions[subjects == subject]
        for at in own:
            others = own[expressions[own] != expressions[at]]
            if not len(others):
                raise UserError(
                    f"masks = 'other_expression': subject {subject} of dataset '{dataset.name}' has scans of "
                    f"{expressions[at]} alone; it needs two expressions of each subject"
                )
            found[at] = rows[stream(0, "masks", str(table["id"].iloc[at])).choice(others)]
    return found


def _blobs(size: int, *, area: int) -> NDArray[np.bool_]:
    """Blobs within the ellipse, `area` pixels in all: the highest ones of a smooth field.

    The field is a sum of plane waves of fixed directions and phases, so that no mask depends on chance or on the face.
    """
    x, y = _positions(size)
    field = np.zeros((size, size))
    for angle, phase in _WAVES:
        field += np.cos(2 * math.pi / WAVELENGTH_MM * (math.cos(angle) * x + math.sin(angle) * y) + phase)
    field[~_ellipse(size)] = -np.inf
    highest = np.argsort(-field, axis=None, kind="stable")[:area]
    blobs = np.zeros(size * size, bool)
    blobs[highest] = True
    return blobs.reshape(size, size)


def _positions(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixel centres ``(1, S)`` and ``(S, 1)``, mm from the middle of the window."""
    along = (np.arange(size) + 0.5 - size / 2) * WINDOW_MM / size
    return along[None, :], along[:, None]


def _ellipse(size: int) -> NDArray[np.bool_]:
    """``(S, S)``: an ellipse of `FACE_MM` in the middle of the window."""
    x, y = _positions(size)
    width, height = FACE_MM
    return np.asarray((2 * x / width) ** 2 + (2 * y / height) ** 2 <= 1)
