"""Scans to be viewed, as scenes: one in its own files, or some of a prepared dataset."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afnetm.data.contact_sheet import choose
from afnetm.data.dataset import FaceDataset
from afnetm.data.dataset_files import FOUND, LANDMARK_COUNT, MISFIT
from afnetm.data.landmarker import with_landmarks
from afnetm.data.maps import RenderedMaps
from afnetm.data.pose import fit_pose
from afnetm.data.rendering import render
from afnetm.data.scan import Scan
from afnetm.errors import UserError, suggestion
from benchmarks.viewing.pages import Page, view_page
from benchmarks.viewing.scenes import Scene, landmark_names, scene_of
from benchmarks.viewing.surfaces import relief_of, surface_of

_RELIEF = (
    "A prepared dataset keeps maps, not meshes: the surface is a relief of the depth map with the texture map on it."
)
_FACES = "This file holds {}: keep it as private as the scans themselves."


def scan_page(scan: Scan, *, size: int) -> Page:
    """A page on the scan in some files: its mesh, and the maps of `size` pixels that it becomes.

    Raises:
        UserError: it cannot be rendered.
    """
    return view_page(
        f"Scan {scan.id}",
        [scan_scene(scan, size=size)],
        lede="The mesh as its files have it, turned to the frontal pose, and the maps that methods are given.",
        privacy=_FACES.format("the face of this scan"),
    )


def dataset_page(dataset: FaceDataset, *, ids: Sequence[str], scans: int) -> Page:
    """A page on those scans of a dataset that have these `ids`, or if there are none on as many as `scans` says.

    Raises:
        UserError: there is no such scan, or `scans` is not positive.
    """
    if scans < 1:
        raise UserError(f"--scans: {scans} is not allowed; 1 or more")
    known = dataset.table["id"].tolist()
    for one in ids:
        if one not in known:
            raise UserError(f"--scan: '{one}' is not in dataset {dataset.name} ({suggestion(one, known)})")
    rows = [known.index(one) for one in ids] or choose(dataset.table, scans)
    faces = "the faces of a dataset that is not marked as shareable"
    return view_page(
        f"Dataset {dataset.name}",
        [_row_scene(dataset, row) for row in rows],
        lede=f"{len(rows)} of {len(dataset)} scans, {dataset.size} px. {_RELIEF}",
        privacy="The dataset is marked as shareable." if dataset.shareable else _FACES.format(faces),
    )


def scan_scene(scan: Scan, *, size: int) -> Scene:
    """The scene of a scan with its mesh; where it comes without landmarks, they are found in it.

    Raises:
        UserError: it cannot be rendered, or no landmarks are found.
    """
    scan = with_landmarks(scan)
    pose = fit_pose(scan)
    maps = render(scan, size=size, pose=pose)
    height, width = scan.texture.shape[:2] if scan.texture.ndim == 3 else (0, 0)
    facts = {
        "Vertices": f"{len(scan.vertices):,}",
        "Triangles": f"{len(scan.faces):,}",
        "Texture": f"{width} x {height} px" if width else "colours of the vertices",
        "Landmarks": _landmarks(scan.landmarks, found=scan.landmarks_found),
        "Pose fit": _misfit(pose.misfit),
        "Maps": f"{size} x {size} px",
    }
    return scene_of(surface_of(scan, pose), maps, title=scan.id, facts=facts, names=scan.landmark_names)


def _row_scene(dataset: FaceDataset, row: int) -> Scene:
    scan = dataset.table.iloc[row]
    maps = RenderedMaps(
        texture=dataset.texture[row],
        depth=dataset.depth[row],
        planes=dataset.planes[row],
        landmarks=dataset.landmarks[row],
    )
    present = np.flatnonzero(np.isfinite(maps.landmarks).all(1))
    count = int(scan[LANDMARK_COUNT]) if LANDMARK_COUNT in scan else int(present.max(initial=-1)) + 1
    facts = {
        "Expression": str(scan["expression"]),
        "Intensity": str(scan["intensity"] or "unknown"),
        "Regions": str(scan["regions"]).replace(" ", ", "),
        "Landmarks": _landmarks(maps.landmarks, found=bool(scan.get(FOUND, 0))),
    }
    if MISFIT in scan and pd.notna(scan[MISFIT]):
        facts["Pose fit"] = _misfit(float(scan[MISFIT]))
    return scene_of(
        relief_of(maps.texture, maps.depth), maps, title=str(scan["id"]), facts=facts, names=landmark_names(count)
    )


def _landmarks(landmarks: NDArray[np.float32], *, found: bool) -> str:
    return f"{int(np.isfinite(landmarks).all(1).sum())}, {'found in the scan' if found else 'given'}"


def _misfit(misfit: float) -> str:
    return f"{misfit:.1f} mm from an average face (root mean square)"
