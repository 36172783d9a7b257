"""One scan by its mesh's name: what lies beside it belongs to it, and what is doubtful is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from afnetm.data.formats.bnd import Bnd, write_bnd
from afnetm.data.landmarks import LANDMARKS_83
from afnetm.data.scan import Scan
from afnetm.data.sources.scan_files import read_scan
from afnetm.errors import UserError
from tests.afnetm.data.conftest import make_scan


@pytest.fixture(name="made")
def _made() -> Scan:
    return make_scan(step=5.0)


@pytest.fixture(name="mesh")
def _mesh(made: Scan, tmp_path: Path) -> Path:
    """An OBJ file that names no picture, with a picture and landmarks of its name."""
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in made.vertices.tolist()]
    lines += [f"vt {u:.9g} {v:.9g}" for u, v in made.uv.tolist()]
    corners = np.stack([made.faces, made.uv_faces], -1) + 1
    lines += ["f " + " ".join(f"{vertex}/{place}" for vertex, place in face) for face in corners.tolist()]
    (tmp_path / "Ada 1.obj").write_text("\n".join(lines))
    Image.fromarray(made.texture).save(tmp_path / "Ada 1.png")
    (tmp_path / "Ada 1.bnd").write_bytes(write_bnd(Bnd(np.zeros(83, np.int64), made.landmarks)))
    return tmp_path / "Ada 1.obj"


def test_what_has_the_mesh_s_name_beside_it_belongs_to_it(made: Scan, mesh: Path) -> None:
    scan = read_scan(mesh)
    assert (scan.id, scan.expression, scan.landmark_names) == ("Ada-1", "unknown", LANDMARKS_83)
    np.testing.assert_allclose(scan.vertices, made.vertices, rtol=1e-6)
    np.testing.assert_array_equal(scan.uv_faces, made.uv_faces)
    np.testing.assert_array_equal(scan.texture, made.texture)
    np.testing.assert_allclose(scan.landmarks, made.landmarks, atol=1e-3)


def test_files_elsewhere_are_named(made: Scan, mesh: Path) -> None:
    folder = mesh.parent / "elsewhere"
    folder.mkdir()
    moved = {kind: mesh.with_suffix(kind).rename(folder / f"of_ada{kind}") for kind in (".bnd", ".png")}
    scan = read_scan(mesh, landmarks=moved[".bnd"], texture=moved[".png"])
    np.testing.assert_array_equal(scan.texture, made.texture)
    np.testing.assert_allclose(scan.landmarks, made.landmarks, atol=1e-3)


def test_what_is_missing_or_doubtful_is_refused(mesh: Path) -> None:
    with pytest.raises(UserError, match=r"nobody\.obj: there is no such file"):
        read_scan(mesh.with_name("nobody.obj"))
    with pytest.raises(UserError, match=r"Ada 1\.bnd: a file of kind '\.bnd' \(allowed: \.obj"):
        read_scan(mesh.with_suffix(".bnd"))
    mesh.with_suffix(".csv").write_text("1,2,3\n")
    with pytest.raises(UserError, match=r"Ada 1\.bnd, Ada 1\.csv are beside it; name one with --landmarks"):
        read_scan(mesh)
    mesh.with_suffix(".csv").unlink()
    mesh.with_suffix(".png").unlink()
    with pytest.raises(UserError, match=r"^Ada 1\.obj: it specifies no picture"):
        read_scan(mesh)


def test_notes_of_the_mesh_s_name_are_not_read_as_landmarks(made: Scan, mesh: Path) -> None:
    notes = mesh.with_suffix(".txt")
    notes.write_text("Ada, second session, 3 lights\n")
    np.testing.assert_allclose(read_scan(mesh).landmarks, made.landmarks, atol=1e-3)  # those of the .bnd
    mesh.with_suffix(".bnd").unlink()
    assert not len(read_scan(mesh).landmarks)
    with pytest.raises(UserError, match=r"Ada 1\.txt, line 1: "):
        read_scan(mesh, landmarks=notes)  # asked for, it is read


def test_damaged_landmarks_of_the_mesh_s_name_are_refused_in_one_line(mesh: Path) -> None:
    mesh.with_suffix(".bnd").unlink()
    mesh.with_suffix(".txt").write_text("1 2 3\n4 5 6\n7 8")
    with pytest.raises(UserError, match=r"^Ada 1\.txt, line 3: 2 cells \(allowed: x, y, z in every row\)$"):
        read_scan(mesh)


def test_a_file_of_the_mesh_s_name_that_leads_away_is_refused_unread(
    mesh: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mesh.with_suffix(".bnd").unlink()
    away = tmp_path_factory.mktemp("away") / "notes.txt"
    away.write_text("a note")
    mesh.with_suffix(".txt").symlink_to(away)
    with pytest.raises(UserError, match=r"^Ada 1\.txt: points outside the data folder$"):
        read_scan(mesh)
