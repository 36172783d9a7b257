"""Which picture a mesh is painted with: found however it is spelt, never outside, never one of several by chance."""

import io

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.formats.inside import DataFolder
from afnetm.data.sources.textured import read_textured
from afnetm.errors import UserError

POINTS = "v 0 0 0\nv 9 0 0\nv 9 9 1\nv 0 9 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
FACES = "f 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"
OBJ = f"mtllib a.mtl\n{POINTS}usemtl skin\n{FACES}"
MTL = "newmtl skin\nmap_Kd face.png\n"
WRL = """#VRML V2.0 utf8
Shape { appearance Appearance { texture ImageTexture { url "face.png" } } geometry IndexedFaceSet {
 coord Coordinate { point [0 0 0, 9 0 0, 9 9 0] } texCoord TextureCoordinate { point [0 0, 1 0, 1 1] }
 coordIndex [0 1 2 -1] } }
"""
FACE, EYES = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 200, np.uint8)


@pytest.fixture(name="scan")
def _scan(tmp_path):
    """A folder `scan` with pictures in a folder that has another one beside it."""
    folder = tmp_path / "data" / "scan"
    folder.mkdir(parents=True)
    for name, pixels in {"face.png": FACE, "eyes.png": EYES, "my face.png": FACE, "Übung.png": FACE}.items():
        Image.fromarray(pixels).save(folder / name)
    Image.fromarray(EYES).save(tmp_path / "secret.png")
    return folder


def read(scan, name, texture=None):
    return read_textured(DataFolder(scan.parent), f"scan/{name}", texture)


def read_obj(scan, mtl, obj=OBJ, texture=None):
    if mtl is not None:
        (scan / "a.mtl").write_bytes(mtl.encode() if isinstance(mtl, str) else mtl)
    (scan / "a.obj").write_bytes(obj.encode() if isinstance(obj, str) else obj)
    return read(scan, "a.obj", texture)


@pytest.mark.parametrize(
    "said",
    [
        "face.png",
        "FACE.PNG",
        ".\\face.png",
        "../scan/face.png",
        "C:\\Users\\me\\scans\\face.png",
        "\\\\server\\share\\face.png",
        "/home/me/scans/face.png",
        "my face.png",
        '"my face.png"',
        "my%20face.png",
        "face.png # of the left camera",
        "Übung.png",
    ],
)
def test_a_picture_is_found_however_it_is_spelt(said, scan):
    np.testing.assert_array_equal(read_obj(scan, MTL.replace("face.png", said)).texture, FACE)
    (scan / "a.wrl").write_text(WRL.replace("face.png", said.replace("\\", "\\\\").replace('"', '\\"')), "utf-8")
    np.testing.assert_array_equal(read(scan, "a.wrl").texture, FACE)


@pytest.mark.parametrize(
    "mtl",
    [
        MTL,
        MTL.replace("\n", "\r"),
        b"\xef\xbb\xbf" + MTL.encode(),
        MTL.encode("utf-16"),
        MTL.replace("face", "Übung").encode("cp1252"),
        "NEWMTL skin\nKd 1 1 1\nMAP_KD -blendu on\tface.png\n",
        "newmtl eyes\nmap_Kd eyes.png\nnewmtl skin\nmap_Ka eyes.png\nmap_Kd face.png\n",
        "newmtl skin\nmap_Ka face.png\n",
        "newmtl skin\nmap_Kd -s 1 1 1 -o 0 0 0 -mm 0 1 -imfchan l face.png\n",
        "newmtl skin\nmap_Kd \nmap_Kd face.png\n",
    ],
)
def test_a_library_may_be_written_in_many_ways(mtl, scan):
    np.testing.assert_array_equal(read_obj(scan, mtl).texture, FACE)


@pytest.mark.parametrize(
    "obj",
    [
        OBJ.replace("a.mtl", "lost.mtl a.mtl"),
        OBJ.replace("a.mtl", "C:\\scans\\a.mtl"),
        OBJ.replace("a.mtl", "lost.mtl\nmtllib a.mtl"),
        OBJ.replace("a.mtl", "a.mtl # all of them"),
        OBJ.replace("usemtl skin", "usemtl skin # of the face"),
        OBJ.replace("usemtl skin\n", ""),
        OBJ.replace("usemtl skin", "usemtl"),
    ],
)
def test_a_material_is_found_however_it_is_spelt(obj, scan):
    np.testing.assert_array_equal(read_obj(scan, MTL, obj).texture, FACE)


def test_a_library_in_another_folder_names_pictures_from_there(scan):
    (scan / "looks").mkdir()
    (scan / "looks" / "b.mtl").write_text(MTL.replace("face.png", "../face.png"))
    assert not read_obj(scan, None, OBJ.replace("a.mtl", "looks/b.mtl")).texture.any()


@pytest.mark.parametrize(
    ("mtl", "obj", "expected"),
    [
        (
            MTL.replace("face.png", "../../secret.png"),
            OBJ,
            "scan/a.mtl: its texture scan/../../secret.png: points outside",
        ),
        (MTL.replace("face.png", "http://a/face.png"), OBJ, "http://a/face.png': not the name of a file in the data"),
        (MTL.replace("face.png", "..%2F..%2Fsecret.png"), OBJ, "points outside the data folder"),
        (MTL.replace("face.png", "/etc/passwd"), OBJ, "scan/a.mtl: its texture '/etc/passwd' is missing"),
        (MTL.replace("face.png", "a.obj"), OBJ, "scan/a.obj: not a readable picture"),
        (MTL.replace("face.png", "-s 2 2 2 face.png"), OBJ, "a.mtl, line 2: '-s 2 2 2 face.png' scales or shifts"),
        (MTL.replace("face.png", "-o on face.png"), OBJ, "scales or shifts its picture"),
        (MTL.replace("face.png", "-warp 3 face.png"), OBJ, "option '-warp' of a picture is not known"),
        ("map_Kd face.png\n", OBJ, "a.mtl, line 1: a picture outside of any material"),
        (None, OBJ, "its material library 'a.mtl' is missing, as is material 'skin' (needed"),
        (MTL.replace("skin", "eyes"), OBJ, "a.obj: it specifies no picture for material 'skin' (needed: one for all"),
        (MTL, OBJ.replace("mtllib a.mtl", ""), "a.obj: it specifies no picture for material 'skin'"),
        (
            MTL + "newmtl eyes\nKd 1 1 1\n",
            OBJ + "usemtl eyes\nf 2/2 3/3 4/4\n",
            "a.obj: it specifies one picture for material 'skin', none for material 'eyes'",
        ),
        (
            MTL + "newmtl eyes\nmap_Kd eyes.png\n",
            OBJ + "usemtl eyes\nf 2/2 3/3 4/4\n",
            "a.obj: it specifies one picture for material 'skin', another for material 'eyes'",
        ),
    ],
)
def test_what_is_wrong_with_a_picture_is_told(mtl, obj, expected, scan):
    with pytest.raises(UserError) as caught:
        read_obj(scan, mtl, obj)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_picture_that_is_given_is_that_of_all_materials(scan):
    both = OBJ.replace("a.mtl", "lost.mtl") + "usemtl eyes\nf 2/2 3/3 4/4\n"
    np.testing.assert_array_equal(read_obj(scan, None, both, texture="scan/eyes.png").texture, EYES)


def test_two_materials_may_have_the_same_picture(scan):
    mtl = MTL + "newmtl eyes\nmap_Kd ./FACE.png\n"
    np.testing.assert_array_equal(read_obj(scan, mtl, OBJ + "usemtl eyes\nf 2/2 3/3 4/4\n").texture, FACE)


def test_a_library_says_whether_a_picture_goes_on_beyond_its_edges(scan):
    assert read_obj(scan, MTL).wrap == ("repeat", "repeat")
    assert read_obj(scan, MTL.replace("face", "-clamp on face")).wrap == ("clamp", "clamp")
    (scan / "a.wrl").write_text(WRL.replace("url", "repeatS FALSE url"))
    assert read(scan, "a.wrl").wrap == ("clamp", "repeat")
    assert read(scan, "a.wrl", texture="scan/eyes.png").wrap == ("clamp", "repeat")


def test_a_glb_s_picture_is_in_it_or_beside_it(scan):
    mesh = trimesh.Trimesh([[0, 0, 0], [9, 0, 0], [9, 9, 0]], [[0, 1, 2]], process=False)
    mesh.visual = trimesh.visual.TextureVisuals(uv=[[0, 0], [1, 0], [1, 1]], image=Image.fromarray(EYES))
    content = trimesh.Scene(mesh).export(file_type="glb")
    (scan / "a.glb").write_bytes(content)
    np.testing.assert_array_equal(read(scan, "a.glb").texture, EYES)
    start = content.index(b'"images":[{')
    images = content[start : content.index(b"}]", start) + 2]
    beside = b'"images":[{"uri":"my%20face.png"}]'
    (scan / "a.glb").write_bytes(content.replace(images, beside + b" " * (len(images) - len(beside))))
    np.testing.assert_array_equal(read(scan, "a.glb").texture, FACE)
    np.testing.assert_array_equal(read(scan, "a.glb", texture="scan/eyes.png").texture, EYES)


def test_a_picture_of_another_format_is_never_opened(scan):
    buffer = io.BytesIO()
    Image.fromarray(FACE).save(buffer, "GIF")
    (scan / "face.png").write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match=r"scan/face.png: not a readable picture \(allowed: BMP, PNG, JPEG\)"):
        read_obj(scan, MTL)
