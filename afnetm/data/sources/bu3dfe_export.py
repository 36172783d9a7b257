"""Scans in BU-3DFE's layout: the writer of what `afnetm.data.sources.bu3dfe` reads."""

import numpy as np
from scipy.spatial import cKDTree

from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.formats.pictures import write_picture
from afnetm.data.formats.vrml import VrmlMesh, write_vrml
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import Scan
from afnetm.data.sources.bu3dfe import CODES, INTENSITIES
from afnetm.data.sources.nose_order import ORDERS, in_order
from afnetm.errors import UserError

#: As many women, then men, as the dataset has; further subjects are men.
_WOMEN = 56


def bu3dfe_files(
    scan: Scan, *, number: int, nose: str = next(iter(ORDERS)), mirrored: bool = False
) -> dict[str, bytes]:
    """The files of `scan`, content by name relative to the dataset's folder.

    Names need a sex and an ethnicity, which synthetic subjects have not: the first 56 are F0001 to F0056, the others
        M0001
    and so on, as many as in the dataset and in the same order; the ethnicity is ``XX``.

    Args:
        scan: with the 83 landmarks, an expression and an intensity of 1 to 4.
        number: of its subject, from 0.
        nose: one of `afnetm.data.sources.nose_order.ORDERS`, in which rows 36 to 47 are.
        mirrored: whether they begin with the nose's side next to rows 8 to 15.

    Raises:
        UserError: it has no name in this layout, or other landmarks.
    """
    codes = {expression: code for code, expression in CODES.items()}
    if scan.expression not in codes or scan.intensity not in INTENSITIES or not 0 <= number < _WOMEN + 9999:
        raise UserError(
            f"scan {scan.id}: {scan.expression} {scan.intensity} of subject {number} has no name in BU-3DFE's layout"
        )
    if scan.landmark_names != LANDMARKS_83:
        raise UserError(f"scan {scan.id}: {len(scan.landmark_names)} landmarks (allowed in BU-3DFE's layout: its 83)")
    subject = f"F{number + 1:04d}" if number < _WOMEN else f"M{number - _WOMEN + 1:04d}"
    name = f"{subject}_{codes[scan.expression]}{scan.intensity:02d}XX_F3D"
    mesh = VrmlMesh(
        vertices=scan.vertices,
        faces=scan.faces,
        uv=scan.uv,
        uv_faces=scan.uv_faces,
        textures=(f"{name}.bmp",),
    )
    landmarks = in_order(scan.landmarks, nose, mirrored=mirrored)
    nearest = np.asarray(cKDTree(scan.vertices).query(landmarks)[1], np.int64)
    return {
        f"{subject}/{name}.wrl": write_vrml(mesh),
        f"{subject}/{name}.bmp": write_picture(scan.texture, ".bmp"),
        f"{subject}/{name}.bnd": write_bnd(Bnd(indices=nearest, points=landmarks)),
    }
