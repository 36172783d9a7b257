"""BU-3DFE: files in its layout to scans, with everything such a folder may have wrong with it."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from afnetm.data.formats.bnd import read_bnd, write_bnd
from afnetm.data.scan import EXPRESSIONS
from afnetm.data.sources.bu3dfe import Bu3dfeSource
from afnetm.data.sources.bu3dfe_export import bu3dfe_files
from afnetm.errors import UserError

STEM = "F0001/F0001_AN03XX_F3D"


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


@pytest.fixture(name="scan", scope="module")
def _scan(make_scan):
    return replace(make_scan(), expression="anger", intensity=3)


@pytest.fixture(name="folder")
def _folder(tmp_path, scan):
    write(tmp_path / "BU", bu3dfe_files(scan, number=0))
    return tmp_path / "BU"


def load(folder):
    return Bu3dfeSource(folder=folder).load("F0001_AN03XX")


def test_a_scan_is_read_as_it_was_written(folder, scan):
    found = load(folder)
    for name in ("vertices", "faces", "uv", "uv_faces", "texture", "landmarks"):
        np.testing.assert_array_equal(getattr(found, name), getattr(scan, name), err_msg=name)
    assert (found.subject, found.expression, found.intensity) == ("F0001", "anger", 3)
    assert found.source == f"{STEM}.wrl"


def test_names_give_labels_in_the_order_of_subjects_expressions_and_intensities(tmp_path):
    codes = ("AN", "DI", "FE", "HA", "SA", "SU")
    for subject in ("M0044", "F0001"):
        for code in codes:
            for level in range(1, 5):
                write(
                    tmp_path, {f"{subject}/{subject}_{code}0{level}WH_F3D.{end}": b"" for end in ("wrl", "bmp", "bnd")}
                )
    found = Bu3dfeSource(folder=tmp_path, intensities=(3, 4)).inspect()
    labels = [(scan.subject, scan.expression, scan.intensity) for scan in found.scans]
    assert labels == [(s, e, i) for s in ("F0001", "M0044") for e in EXPRESSIONS for i in (3, 4)]
    assert not found.missing
    assert found.absent == ["98 of the dataset's 100 subjects"]
    assert found.expressions == dict.fromkeys(EXPRESSIONS, 4)


def test_the_inspection_says_what_is_left_out_and_what_is_missing(folder):
    (folder / f"{STEM}.bnd").rename(folder / "F0001/F0001_AN03XX_F2D.bmp")
    write(folder, {"F0001/F0001_NE00XX_F3D.wrl": b"", "F0001/F0001_NE00XX_F3D.bnd": b"", "readme.txt": b""})
    write(folder, {"F0001/F0001_AN03XX_RAW.wrl": b"", "F0001/F0001_SU02XX_F3D.bnd": b""})
    found = Bu3dfeSource(folder=folder).inspect()
    assert found.missing == {"landmarks": 1}
    assert found.left_out == {
        "neutral scans": 1,
        "raw meshes, poses and 2D pictures": 2,
        "other files": 1,
        "pictures and landmarks without a mesh": 1,
    }
    assert found.absent == ["99 of the dataset's 100 subjects", "23 scans of the subjects that are here: F0001 23"]


def test_case_and_depth_of_folders_do_not_matter(folder, scan):
    deep = folder / "BU_3DFE/part 1"
    deep.mkdir(parents=True)
    for end in ("wrl", "bnd"):
        (folder / f"{STEM}.{end}").rename(deep / f"f0001_an03xx_f3d.{end.upper()}")
    (folder / f"{STEM}.bmp").rename(deep / "F0001_AN03XX_F3D.Bmp")  # the mesh names it in other letters
    np.testing.assert_array_equal(load(folder).texture, scan.texture)


def test_a_scan_that_is_there_twice_is_refused(folder):
    shutil.copytree(folder / "F0001", folder / "copy")
    with pytest.raises(UserError, match=r"F0001_AN03XX_F3D.bmp: it exists twice, also as F0001/F0001_AN03XX_F3D.bmp"):
        Bu3dfeSource(folder=folder).inspect()


def test_a_folder_without_any_scan_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no scan of BU-3DFE at intensities \[1, 2, 3, 4\]"):
        Bu3dfeSource(folder=tmp_path).inspect()


@pytest.mark.parametrize("url", ["../../secret.bmp", "file:///etc/passwd", "http://host/a.bmp"])
def test_a_texture_s_url_never_leads_out_of_the_folder(folder, url):
    (folder.parent / "secret.bmp").write_bytes((folder / f"{STEM}.bmp").read_bytes())
    mesh = (folder / f"{STEM}.wrl").read_text()
    (folder / f"{STEM}.wrl").write_text(mesh.replace("F0001_AN03XX_F3D.bmp", url))
    with pytest.raises(UserError, match=rf"{STEM}.wrl: its texture '?.*{url}'?: "):
        load(folder)


def test_an_absolute_path_of_another_machine_means_the_picture_beside_the_mesh(folder, scan):
    mesh = (folder / f"{STEM}.wrl").read_text()
    (folder / f"{STEM}.bmp").rename(folder / "F0001" / "other.bmp")
    for url in ("C:/BU_3DFE/F0001/other.bmp", "/home/me/other.bmp"):
        (folder / f"{STEM}.wrl").write_text(mesh.replace("F0001_AN03XX_F3D.bmp", url))
        np.testing.assert_array_equal(load(folder).texture, scan.texture)


def test_a_link_out_of_the_folder_is_not_followed(folder):
    outside = folder.parent / "outside.bnd"
    (folder / f"{STEM}.bnd").rename(outside)
    os.symlink(outside, folder / f"{STEM}.bnd")
    with pytest.raises(UserError, match="points outside the data folder"):
        load(folder)


def test_a_texture_of_another_name_is_found_by_the_mesh_s_own(folder, scan):
    mesh = (folder / f"{STEM}.wrl").read_text()
    (folder / f"{STEM}.wrl").write_text(mesh.replace("F0001_AN03XX_F3D.bmp", "gone.bmp"))
    np.testing.assert_array_equal(load(folder).texture, scan.texture)
    (folder / f"{STEM}.bmp").unlink()
    with pytest.raises(UserError, match="its texture is missing .*'gone.bmp'"):
        load(folder)


@pytest.mark.parametrize("spoil", ["vertex", "mesh"])
def test_landmarks_of_another_mesh_are_refused(folder, spoil):
    bnd = read_bnd((folder / f"{STEM}.bnd").read_bytes(), "bnd")
    if spoil == "vertex":
        bnd = replace(bnd, indices=np.where(bnd.indices == bnd.indices[5], 10**6, bnd.indices))
    else:
        bnd = replace(bnd, points=bnd.points + np.float32(40))
    (folder / f"{STEM}.bnd").write_bytes(write_bnd(bnd))
    with pytest.raises(UserError, match="vertex 1000000" if spoil == "vertex" else "69 mm from the vertices"):
        load(folder)


def test_another_folder_s_files_are_told_apart(folder):
    before = Bu3dfeSource(folder=folder).describe()
    assert Bu3dfeSource(folder=folder).describe() == before
    assert "F0001" not in str(before)
    (folder / f"{STEM}.bmp").write_bytes(b"longer or shorter")
    assert Bu3dfeSource(folder=folder).describe() != before


@pytest.mark.parametrize("intensities", [(), (0,), (5,), (3, 3)])
def test_intensities_that_do_not_exist_are_refused(tmp_path, intensities):
    with pytest.raises(UserError, match="intensities: .*allowed: one or more of 1, 2, 3, 4"):
        Bu3dfeSource(folder=tmp_path, intensities=intensities)
