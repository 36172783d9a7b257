"""Scans in BU-4DFE's layout: the writer of what `afnetm.data.sources.bu4dfe` reads."""

import numpy as np

from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.formats.pictures import write_picture
from afnetm.data.formats.vrml import VrmlMesh, write_vrml
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import Scan
from afnetm.data.sources.bu4dfe import FOLDERS
from afnetm.errors import UserError

#: As many women, then men, as the dataset has; further subjects are men.
_WOMEN = 58
#: Frames from one intensity to the next.
STEP = 10


def bu4dfe_files(scan: Scan, *, number: int) -> dict[str, bytes]:
    """The files of `scan` as a frame, content by name relative to the dataset's folder.

    The scans of an expression are its sequence: intensity 1 is frame 10, intensity 4 is frame 40. The first 58 subjects
    are F001 to F058, the others M001 and so on.

    Args:
        scan: with the 83 landmarks, one of the six expressions, and an intensity.
        number: of its subject, from 0.

    Raises:
        UserError: it has no name in this layout, or other landmarks.
    """
    folders = {expression: folder for folder, expression in FOLDERS.items()}
    if scan.expression not in folders or not 0 <= number < _WOMEN + 999:
        raise UserError(f"scan {scan.id}: {scan.expression} of subject {number} has no name in BU-4DFE's layout")
    if scan.landmark_names != LANDMARKS_83:
        raise UserError(f"scan {scan.id}: {len(scan.landmark_names)} landmarks (allowed in BU-4DFE's layout: its 83)")
    subject = f"F{number + 1:03d}" if number < _WOMEN else f"M{number - _WOMEN + 1:03d}"
    frame = f"{STEP * scan.intensity:03d}"
    place = f"{subject}/{folders[scan.expression]}/{frame}"
    mesh = VrmlMesh(
        vertices=scan.vertices,
        faces=scan.faces,
        uv=scan.uv,
        uv_faces=scan.uv_faces,
        textures=(f"{frame}.jpg",),
    )
    return {
        f"BU4DFE/{place}.wrl": write_vrml(mesh),
        f"BU4DFE/{place}.jpg": write_picture(scan.texture, ".jpg"),
        f"BU4DFE_BND_V1.1/{place}.bnd": write_bnd(Bnd(indices=np.arange(83), points=scan.landmarks)),
    }
