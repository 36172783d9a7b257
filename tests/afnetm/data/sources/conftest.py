"""A synthetic face in every format, in a folder of one's own scans, and tables of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.formats.lm import NamedPoints, write_lm3
from afnetm.data.formats.vrml import VrmlMesh, write_vrml
from afnetm.data.landmarks import LANDMARKS_22
from afnetm.data.scan import Scan
from afnetm.data.sources.folder import FolderSource
from afnetm.data.synthetic import SyntheticSource

HEADER = "subject,expression,intensity,mesh,landmarks,texture\n"
Write = Callable[..., FolderSource]


@pytest.fixture(name="made", scope="module")
def _made() -> Scan:
    source = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True)
    return source.load(source.ids()[3])


@pytest.fixture(name="scans", scope="module")
def _scans(made: Scan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the synthetic face in every format."""
    folder = tmp_path_factory.mktemp("scans") / "deep"
    (folder / "pictures").mkdir(parents=True)
    faces, vertices, uv = trimesh.visual.texture.unmerge_faces(made.faces, made.uv_faces)
    visual = trimesh.visual.TextureVisuals(uv=made.uv[uv], image=Image.fromarray(made.texture))
    mesh = trimesh.Trimesh(made.vertices[vertices], faces, visual=visual, process=False)
    text, others = trimesh.exchange.obj.export_obj(mesh, return_texture=True, mtl_name="face.mtl")
    (folder / "face.obj").write_text(text)
    (folder / "face.mtl").write_bytes(others["face.mtl"].replace(b"material_0.png", b"pictures\\skin 1.png"))
    (folder / "pictures" / "skin 1.png").write_bytes(others["material_0.png"])
    (folder / "bare.obj").write_text(text.replace("mtllib", "#"))
    for name, encoding in (("face.ply", "binary"), ("text.ply", "ascii")):
        content = mesh.export(file_type="ply", encoding=encoding)
        named = content.replace(b"element", b"comment TextureFile pictures/skin 1.png\nelement", 1)
        (folder / name).write_bytes(named)
    (folder / "face.glb").write_bytes(trimesh.Scene(mesh).export(file_type="glb"))
    vrml = VrmlMesh(made.vertices, made.faces, made.uv, made.uv_faces, ("pictures/skin 1.png",))
    (folder / "face.wrl").write_bytes(write_vrml(vrml))
    (folder / "face.bnd").write_bytes(write_bnd(Bnd(np.zeros(83, np.int64), made.landmarks)))
    rows = [f"{x},{y},{z}\n" for x, y, z in made.landmarks.tolist()]
    (folder / "plain.csv").write_text("".join(rows))
    names = zip(made.landmark_names, rows, strict=True)
    (folder / "named.csv").write_text("Name, X, Y, Z\n" + "".join(f"{name},{row}" for name, row in reversed([*names])))
    few = NamedPoints(LANDMARKS_22[:2], made.landmarks[:2].astype(float))
    (folder / "two.lm3").write_bytes(write_lm3(few))
    return folder


@pytest.fixture(name="table")
def _table(scans: Path, tmp_path: Path) -> Write:
    """Writes a table's rows, outside the folder; gives the source."""

    def write(*rows: str, header: str = HEADER) -> FolderSource:
        (tmp_path / "scans.csv").write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return FolderSource(folder=scans, table=tmp_path / "scans.csv")

    return write
