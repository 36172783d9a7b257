"""Datasets, prepared on disk: the only thing that training reads.

A dataset is a folder: ``dataset.json`` (the dataset info), ``scans.csv`` (one row per scan: text, so that a person can
read and compare it), ``texture.npy``, ``depth.npy``, ``planes.npy`` and ``landmarks.npy`` (every scan's maps and posed
landmarks, memory-mapped) and ``rejected.csv`` (scans that could not be rendered, and why). `afnetm.data.preparing`
makes one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afnetm.data.dataset_files import (
    ATTRIBUTE,
    DETECTED_SHA256,
    INFO,
    MISFIT,
    REJECTED,
    TABLE,
    dataset_fingerprint,
    file_sha256,
    fingerprint_by_digests,
    landmark_counts,
    landmark_sets,
    read_info,
    read_maps,
    read_table,
    summary,
)
from afnetm.data.maps import WINDOW_MM, RenderedMaps, detected_sha256, maps_sha256, regions_in
from afnetm.data.scan import in_class_order
from afnetm.errors import UserError, suggestion

if TYPE_CHECKING:
    from torch import Tensor

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", re.ASCII)


class _Faces:
    """The common part of a dataset and a subset: everything that follows from `table` and `classes`."""

    table: pd.DataFrame
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def num_classes(self) -> int:
        """The number of `classes`."""
        return len(self.classes)

    @cached_property  # asked for each sample
    def labels(self) -> NDArray[np.int64]:
        """``(N,)``: each scan's expression as an index into `classes`; read-only."""
        labels = self.table["expression"].map(self.classes.index).to_numpy(np.int64, copy=True)
        labels.flags.writeable = False
        return labels

    @property
    def subjects(self) -> NDArray[np.str_]:
        """``(N,)``: each scan's subject; the groups of a subject-independent split."""
        return self.table["subject"].to_numpy(str)

    @property
    def attributes(self) -> list[str]:
        """Names of what is known of the scans beside their labels, in text: session, age, sex, say."""
        return [name.removeprefix(ATTRIBUTE) for name in self.table.columns if name.startswith(ATTRIBUTE)]

    def attribute(self, name: str) -> NDArray[np.str_]:
        """``(N,)``: an attribute of each scan, empty where it is unknown.

        Raises:
            UserError: there is no such attribute.
        """
        if name not in self.attributes:
            has = suggestion(name, self.attributes) if self.attributes else "it has none beside subject and expression"
            raise UserError(f"dataset has no column '{name}'; {has}")
        return self.table[f"{ATTRIBUTE}{name}"].to_numpy(str)


@dataclass(frozen=True, eq=False, kw_only=True)
class FaceDataset(_Faces):
    """A prepared dataset of ``N`` scans, ``S x S`` pixels each. The arrays are read-only maps of the file.

    Attributes:
        directory: where it is.
        name: what it was called when it was made.
        size: ``S``.
        fingerprint: SHA-256 over labels and maps, or what decides synthetic ones, the same under any name
            (`afnetm.data.dataset_files.dataset_fingerprint`).
        shareable: whether pictures and subjects' names may leave it.
        source: what its scans came from, a JSON object.
        table: a row a scan: id, subject, expression, intensity, source, regions (the names of those that it has, with
            spaces between), sha256, what was measured (`afnetm.data.dataset_files.MEASURES`; not in a dataset that an
            earlier program made), landmarks_found (1 or 0) where some were, and where known ``nuisance_*``, and
            ``attribute_*``, which are text (`attribute`).
        texture: ``(N, 3, S, S)`` uint8, as in `RenderedMaps`.
        depth: ``(N, 1, S, S)`` uint16.
        planes: ``(N, 1, S, S)`` uint8.
        landmarks: ``(N, 83, 3)`` float32.
        detected_planes: as `planes`, of landmarks that were detected in the scans; None where nothing looked for any.
        detected_landmarks: as `landmarks`, of those; None where nothing looked for any.
        pose: which landmarks the pose fit was given: ``"annotated"``, those that came with the scans and, where a scan
            came without, those found in it, or ``"detected"``.
        detector: what detected landmarks, or found those of scans that came without; empty where nothing did.
        rejected: how many scans could not be rendered and were left out.
        rendering: the version of the rendering that made the maps; 0 where none did.
    """

    directory: Path
    name: str
    size: int
    fingerprint: str
    shareable: bool
    source: dict[str, Any]
    table: pd.DataFrame
    texture: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    planes: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    detected_planes: NDArray[np.uint8] | None = None
    detected_landmarks: NDArray[np.float32] | None = None
    pose: str = "annotated"
    detector: str = ""
    rejected: int = 0
    rendering: int = 0

    def __getitem__(self, row: int) -> tuple[dict[str, "Tensor"], int]:
        """A scan as a torch map-style dataset gives a sample: what `afnetm.FaceBatch` is made of, and the label.

        Args:
            row: of the table; negative ones count from the end.

        Returns:
            Float32 tensors ``texture`` ``(3, S, S)``, ``depth`` and ``valid`` ``(1, S, S)``, ``masks`` ``(4, S, S)``,
            not augmented; and the index of the scan's expression in `classes`.
        """
        from afnetm.data.decoding import sample  # torch, which reading a dataset does without

        row = range(len(self))[row]
        return sample(self.texture[row], self.depth[row], self.planes[row]), int(self.labels[row])

    @cached_property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """The expressions that there are scans of: the six basic ones in their usual order, then others by name."""
        return in_class_order(self.table["expression"])

    @property
    def dataset(self) -> "FaceDataset":
        """This one, as a subset has the one that it is of."""
        return self

    @property
    def rows(self) -> NDArray[np.int64]:
        """``(N,)``: the row numbers of all scans."""
        return np.arange(len(self))

    @property
    def pixel_mm(self) -> float:
        """A pixel's width, mm."""
        return WINDOW_MM / self.size

    @property
    def made_by(self) -> dict[str, Any]:
        """Settings by which any other scan is made into maps like these, as a trained model keeps them.

        A `Making`'s fields, ``rendering``, and ``landmarks``: numbers of scans whose landmarks were ``given`` and
        ``found``, and ``sets``, the numbers of rows of their landmark sets.
        """
        detect = self.detected_planes is not None
        landmarks = {**landmark_counts(self.table), "sets": landmark_sets(self.table)}
        own = {"size": self.size, "pose": self.pose, "detect": detect, "rendering": self.rendering}
        return {**own, "landmarks": landmarks}

    def subset(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> "FaceSubset":
        """The scans at `rows`, in that order; nothing is copied."""
        return FaceSubset(self, self.rows[np.asarray(rows, dtype=np.int64)])


@dataclass(frozen=True, eq=False)
class FaceSubset(_Faces):
    """Some scans of a dataset, with the dataset's classes, whether or not there is a scan of each.

    Attributes:
        dataset: the whole.
        rows: ``(N,)`` row numbers of its table.
    """

    dataset: FaceDataset
    rows: NDArray[np.int64]

    def __getitem__(self, index: int) -> tuple[dict[str, "Tensor"], int]:
        """As `FaceDataset.__getitem__`."""
        return self.dataset[int(self.rows[index])]

    @cached_property
    def table(self) -> pd.DataFrame:  # type: ignore[override]
        """These rows of the dataset's table."""
        return self.dataset.table.iloc[self.rows]

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """The dataset's."""
        return self.dataset.classes

    @property
    def pixel_mm(self) -> float:
        """A pixel's width, mm."""
        return self.dataset.pixel_mm

    def subset(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> "FaceSubset":
        """The scans at `rows` of these."""
        return FaceSubset(self.dataset, self.rows[np.asarray(rows, dtype=np.int64)])


def dataset_directory(home: Path, name: str) -> Path:
    """Directory of the dataset called `name` under `home`, whether it exists or not.

    Raises:
        UserError: `name` is no plain name.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"dataset name {name!r}: letters, digits, '_', '-' and '.' (not leading) are allowed, up to 100"
        )
    return home / "datasets" / name


def open_dataset(directory: Path) -> FaceDataset:
    """The dataset in `directory`, its maps left on disk. Content is not verified (`check_dataset`), only its form.

    Raises:
        UserError: nothing there, not a dataset, of another format version, or incomplete.
    """
    content = read_info(directory)
    table = read_table(directory / TABLE)
    size = content["size"]
    arrays = read_maps(directory, scans=len(table), size=size, detected=DETECTED_SHA256 in table)
    if len(table) != content["scans"]:
        raise UserError(f"dataset {directory}: {TABLE} has {len(table)} scans ({INFO} says {content['scans']})")
    return FaceDataset(
        directory=directory,
        name=content["name"],
        size=size,
        fingerprint=content["fingerprint"],
        shareable=content["shareable"],
        source=content["source"],
        table=table,
        rejected=content["rejected"],
        pose=content["pose"],
        detector=content["detector"],
        rendering=content["rendering"],
        **arrays,
    )


def check_dataset(directory: Path, progress: Callable[[int, int], None] | None = None) -> FaceDataset:
    """The dataset in `directory` after everything in it was computed again and compared.

    Args:
        directory: the dataset's folder.
        progress: called with the number of scans done and in all.

    Raises:
        UserError: naming the first thing that is missing or altered.
    """
    dataset = open_dataset(directory)
    content = read_info(directory)
    for name in (TABLE, REJECTED):
        if not (directory / name).is_file() or file_sha256(directory / name) != content["files"].get(name):
            raise UserError(f"dataset {directory}: {name} was altered since it was made")
    check_maps(dataset, progress)
    found = summary(dataset.table) | {"rejected": len(pd.read_csv(directory / REJECTED))}
    for key, value in found.items():
        if content[key] != value:
            raise UserError(f"dataset {directory}: {key} in {INFO} is {content[key]!r}, but its scans give {value!r}")
    return dataset


def check_maps(dataset: FaceDataset, progress: Callable[[int, int], None] | None = None) -> None:
    """Makes sure of a dataset's maps, table and fingerprint, wherever they are, on disk or in memory.

    Args:
        dataset: opened, or sent from elsewhere.
        progress: called with the number of scans done and in all.

    Raises:
        UserError: naming the first thing that is altered.
    """
    said = f"dataset {dataset.directory}"
    rows = dataset.table[["id", "sha256", "regions"]].itertuples(index=False)
    scans = zip(rows, dataset.texture, dataset.depth, dataset.planes, dataset.landmarks, strict=True)
    for done, ((scan, expected, regions), *maps) in enumerate(scans, start=1):
        if maps_sha256(RenderedMaps(*maps)) != expected:
            raise UserError(f"{said}: the maps of scan {scan} were altered since they were made")
        there = regions_in(maps[2])
        if there != regions:
            raise UserError(
                f"{said}: the regions of scan {scan} in {TABLE} are {regions!r}, but its maps have {there!r}"
            )
        if progress:
            progress(done, len(dataset.table))
    if dataset.detected_planes is not None and dataset.detected_landmarks is not None:
        rows = dataset.table[["id", DETECTED_SHA256]].itertuples(index=False)
        for (scan, expected), *one in zip(rows, dataset.detected_planes, dataset.detected_landmarks, strict=True):
            if detected_sha256(*one) != expected:
                raise UserError(f"{said}: what was detected in scan {scan} was altered since it was made")
    found = dataset_fingerprint(
        dataset.table,
        size=dataset.size,
        rendering=dataset.rendering,
        pose=dataset.pose,
        detector=dataset.detector,
        source=dataset.source,
    )
    # By digests also those of synthetic scans that were corrupted, or made by an earlier version.
    if dataset.fingerprint not in (found, fingerprint_by_digests(dataset.table, size=dataset.size)):
        raise UserError(f"{said}: fingerprint in {INFO} is {dataset.fingerprint!r}, but its scans give {found!r}")


def dataset_info(dataset: FaceDataset) -> dict[str, Any]:
    """Summary of a dataset as a JSON object.

    Its name, scans, subjects, classes ({expression: scans}), size, fingerprint, shareable, pose, detector,
    regions ({region: scans that have it}) and rejected (scans left out); where some scans came without landmarks,
    landmarks ({given, found: scans}); where they are known, misfit_mm ({median, largest}) and nose, the order of the
    landmarks' rows that was found.
    """
    counts = summary(dataset.table)
    regions = counts.pop("regions")
    own = {key: getattr(dataset, key) for key in ("size", "fingerprint", "shareable", "pose", "detector")}
    found = {"name": dataset.name, **counts, **own, "regions": regions, "rejected": dataset.rejected}
    if (landmarks := landmark_counts(dataset.table))["found"]:
        found["landmarks"] = landmarks
    if MISFIT in dataset.table:
        misfits = dataset.table[MISFIT]
        found[MISFIT] = {"median": round(float(misfits.median()), 2), "largest": round(float(misfits.max()), 2)}
    if nose := dataset.source.get("nose"):
        found["nose"] = f"{nose['order']}, first side {nose['first_side']}"
    return found
