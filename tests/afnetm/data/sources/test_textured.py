"""Which picture a mesh is painted with: found however it is spelt, never outside, never one of several by chance."""

import io

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.formats.inside import DataFolder
from afnetm.data.sampling import sample
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
        (
            MTL.replace("skin", "eyes"),
            OBJ,
            "a.obj: it specifies no picture for material 'skin' (needed: for every face",
        ),
        (MTL, OBJ.replace("mtllib a.mtl", ""), "a.obj: it specifies no picture for material 'skin'"),
        (
            MTL + "newmtl eyes\nKd 1 1 1\n",
            OBJ + "usemtl eyes\nf 2/2 3/3 4/4\n",
            "a.obj: it specifies a picture for material 'skin', none for material 'eyes'",
        ),
        (
            MTL + "newmtl eyes\nmap_Kd eyes.png\n",
            OBJ.replace("vt 1 0", "vt 2 0") + "usemtl eyes\nf 2/2 3/3 4/4\n",
            "a.obj: texture coordinates of material 'skin' go beyond its picture's edge, where there are several",
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


@pytest.mark.parametrize("reduction", [1.0, 20.0])
def test_several_pictures_are_joined_without_mixing(scan, reduction):
    rng = np.random.default_rng(0)
    skin, eyes = (
        rng.integers(0, 256, (h, w, 3)).astype(np.uint8) // 9 + low for h, w, low in ((90, 70, 0), (40, 120, 200))
    )
    for name, pixels in {"skin.png": skin, "eyes.png": eyes}.items():
        Image.fromarray(pixels).save(scan / name)
    mtl = "newmtl skin\nmap_Kd skin.png\nnewmtl eyes\nmap_Kd eyes.png\nnewmtl lid\nmap_Kd -clamp on skin.png\n"
    obj = OBJ + "vt 2 3\nvt 3 3\nvt 3 4\nusemtl eyes\nf 1/5 2/6 3/7\nusemtl lid\nf 2/2 3/3 4/4\n"
    found = read_obj(scan, mtl, obj)
    weights = rng.dirichlet([1, 1, 1], size=(4, 50))
    places = np.einsum("fnc,fcd->fnd", weights, found.surface.uv[found.surface.uv_faces])
    own = np.array(
        [[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]], [[0, 0], [1, 0], [1, 1]], [[1, 0], [1, 1], [0, 1]]]
    )
    expected = np.einsum("fnc,fcd->fnd", weights, own)
    for face, picture in enumerate((skin, skin, eyes, skin)):
        seen = sample(found.texture, places[face].T, reduction=reduction)
        if reduction > 1:  # the pictures differ by more than what is in one of them
            assert np.ptp(seen) < 40
            assert abs(seen.mean() - picture.mean()) < 10
        else:
            np.testing.assert_allclose(seen, sample(picture, expected[face].T, reduction=1), atol=0.02)
    assert found.wrap == ("clamp", "clamp")


def test_colours_of_vertices_are_the_texture_where_there_is_none(scan):
    coloured = POINTS.replace("v 0 0 0", "v 0 0 0 1 0 0").replace("v 9 0 0", "v 9 0 0 0 1 0")
    coloured = coloured.replace("v 9 9 1", "v 9 9 1 0 0 1").replace("v 0 9 0", "v 0 9 0 .2 .4 .6")
    expected = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 102, 153]]
    assert read_obj(scan, None, coloured + FACES).texture.tolist() == expected
    assert read_obj(scan, None, coloured + "f 1 2 3\nf 1 3 4\n").texture.tolist() == expected
    np.testing.assert_array_equal(read_obj(scan, MTL, f"mtllib a.mtl\n{coloured}usemtl skin\n{FACES}").texture, FACE)
    np.testing.assert_array_equal(read_obj(scan, None, coloured + FACES, texture="scan/eyes.png").texture, EYES)
    assert read_obj(scan, MTL, f"mtllib a.mtl\n{coloured}usemtl skin\nf 1 2 3\nf 1 3 4\n").texture.tolist() == expected
    with pytest.raises(UserError, match="a face without texture coordinates, the first such of 1 among 2"):
        read_obj(scan, None, coloured + "f 1/1 2/2 3/3\nf 1 3 4\n")
    with pytest.raises(UserError, match="a.obj: it has no texture coordinates, which the picture scan/eyes.png needs"):
        read_obj(scan, None, coloured + "f 1 2 3\nf 1 3 4\n", texture="scan/eyes.png")


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
