"""OBJ, PLY and GLB: read as they are meant, or refused with one line; never outside, never beyond the file's size."""

import json
import re
import struct
import tracemalloc

import numpy as np
import pytest
import trimesh
from PIL import Image

from afnetm.data.formats.glb import read_glb
from afnetm.data.formats.obj import read_mtl, read_obj
from afnetm.data.formats.ply import read_ply
from afnetm.errors import UserError

READERS = {"obj": read_obj, "ply": read_ply, "text ply": read_ply, "glb": read_glb}

#: Two triangles, each corner at a place of its own on a picture that is red, green / blue, white from its top.
VERTICES = np.array([[0, 0, 0], [4, 0, 1], [4, 3, 2], [0, 3, 3]], np.float32)
UV = np.array([[0.1, 0.2], [0.9, 0.2], [0.9, 0.7], [0.1, 0.7]], np.float32)
FACES = np.array([[0, 1, 2], [0, 2, 3]])
PICTURE = Image.new("RGB", (2, 2))
PICTURE.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])

OBJ = b"""# a quad
mtllib quad.mtl
v 0 0 0
v 4.0 0 1e0
v +4 3. 2
v 0 30e-1 3 0.5 0.5 0.5
vt 0.1 0.2
vt .9 .2 0
vt 0.9 0.7
vt 0.1 0.7
vn 0 0 1
usemtl skin
s 1
f 1/1/1 2/2/1 3/3/1 4/4/1
"""
PLY = b"""ply
format ascii 1.0
comment TextureFile quad 1.png
element vertex 4
property float x
property float y
property float z
property uchar red
property float u
property float v
element face 2
property list uchar int vertex_indices
end_header
0 0 0 7 0.1 0.2
4 0 1 7 0.9 0.2
4 3 2 7 0.9 0.7
0 3 3 7 0.1 0.7
3 0 1 2
3 0 2 3
"""


def quad() -> trimesh.Trimesh:
    visual = trimesh.visual.TextureVisuals(uv=UV, image=PICTURE)
    return trimesh.Trimesh(VERTICES, FACES, visual=visual, process=False)


def glb_parts(content):
    """The JSON and the binary chunk."""
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def glb_file(tree, data=b""):
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


GLB = trimesh.Scene(quad()).export(file_type="glb")
FILES = {"obj": OBJ, "ply": quad().export(file_type="ply"), "text ply": PLY, "glb": GLB}


def corners(mesh):
    """What stands at each corner of each triangle, whatever the order of faces and of a face's corners."""
    points = np.concatenate([mesh.vertices, mesh.uv], 1).round(5)[mesh.faces]
    starts = np.lexsort(points.transpose(2, 0, 1)[::-1], axis=-1)[:, 0]
    turned = [np.roll(face, -start, axis=0).ravel().tolist() for face, start in zip(points, starts, strict=True)]
    return sorted(turned)


EXPECTED = corners(type("Quad", (), {"vertices": VERTICES, "uv": UV, "faces": FACES}))


def read(kind, content):
    return READERS[kind](content, f"faces/a.{kind[-3:]}")


@pytest.mark.parametrize("kind", FILES)
def test_a_quad_is_read_with_its_picture_the_right_way_up(kind):
    found = read(kind, FILES[kind])
    assert corners(found.mesh) == EXPECTED
    assert found.mesh.vertices.dtype == found.mesh.uv.dtype == np.float32
    assert found.mesh.faces.dtype == np.int32


def test_what_names_the_picture():
    obj = read("obj", OBJ)
    assert (obj.libraries, obj.materials) == (("quad.mtl",), ("skin",))
    assert read("text ply", PLY).pictures == ("quad 1.png",)
    (picture,) = read("glb", GLB).pictures
    assert picture.startswith(b"\x89PNG")
    library = b"newmtl skin\nKd 1 1 1\nmap_Kd -blendu on\tquad 1.png\r\nnewmtl eyes\nMAP_KD e.png\n"
    assert read_mtl(library, "quad.mtl") == {"skin": "quad 1.png", "eyes": "e.png"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"f 1/1/1 2/2/1 3/3/1 4/4/1", b"f -4/-4 -3/-3 -2/-2 -1/-1"),
        (b"f 1/1/1 2/2/1 3/3/1 4/4/1", b"g a\nf 1/1 2/2 3/3\nusemtl b\nf 1/1 3/3 4/4"),
        (b"f 1/1/1 2/2/1 3/3/1 4/4/1", b"f 1/1 2/2\\\n 3/3 4/4"),
        (b"\n", b"\r\n"),
    ],
)
def test_an_obj_may_be_written_in_many_ways(old, new):
    assert corners(read("obj", OBJ.replace(old, new)).mesh) == EXPECTED


def test_references_back_count_from_where_they_stand():
    points = OBJ[: OBJ.index(b"f ")]
    later = b"f -4/-4 -3/-3 -2/-2 -1/-1\nv 9 9 9\nvt 0 0\nf 1/1 2/2 5/5\n"
    assert set(map(tuple, EXPECTED)) <= set(map(tuple, corners(read("obj", points + later).mesh)))


def test_a_ply_may_have_its_texture_coordinates_by_corner():
    content = PLY.replace(b"property float u\nproperty float v\n", b"")
    for row in (b" 0.1 0.2\n", b" 0.9 0.2\n", b" 0.9 0.7\n", b" 0.1 0.7\n"):
        content = content.replace(row, b"\n")
    content = content.replace(b"vertex_indices\n", b"vertex_indices\nproperty list uchar float texcoord\n")
    content = content.replace(b"3 0 1 2", b"3 0 1 2 6 .1 .2 .9 .2 .9 .7").replace(
        b"3 0 2 3", b"3 0 2 3 6 .1 .2 .9 .7 .1 .7"
    )
    assert corners(read("text ply", content).mesh) == EXPECTED


def test_a_ply_may_be_big_endian():
    little = FILES["ply"]
    start = little.index(b"end_header\n") + 11
    vertex = np.dtype([("xyz", "<f4", 3), ("uv", "<f8", 2)])
    face = np.dtype([("n", "u1"), ("i", "<i4", 3)])
    assert len(little) == start + 4 * vertex.itemsize + 2 * face.itemsize
    body = np.frombuffer(little, vertex, 4, start).astype(vertex.newbyteorder(">")).tobytes()
    body += np.frombuffer(little, face, 2, start + 4 * vertex.itemsize).astype(face.newbyteorder(">")).tobytes()
    assert corners(read("ply", little[:start].replace(b"little", b"big") + body).mesh) == EXPECTED


def test_nodes_of_a_glb_move_their_meshes_and_a_mirror_keeps_the_outside_out():
    tree, data = glb_parts(GLB)
    tree["nodes"] = [{"children": [1], "translation": [0, 0, 5]}, {"mesh": 0, "scale": [-2, 2, 2]}]
    tree["scenes"], tree["scene"] = [{"nodes": [0]}], 0
    mesh = read("glb", glb_file(tree, data)).mesh
    np.testing.assert_allclose(np.sort(mesh.vertices, 0), np.sort(VERTICES * (-2, 2, 2) + (0, 0, 5), 0))
    first, second, third = (mesh.vertices[mesh.faces][:, corner] for corner in range(3))
    assert (np.cross(second - first, third - first)[:, 2] > 0).all()


REFUSED = [
    ("obj", (b"f 1/1/1", b"f 1"), "line 14: 'f 1 2/2/1 3/3/1 4/4/1' is not understood; every corner needs"),
    ("obj", (b"4/4/1", b"4/5/1"), "line 14: there is no 'vt' number 5, only 4 of them"),
    ("obj", (b"4/4/1", b"-5/4/1"), "line 14: the face names a point before the first"),
    ("obj", (b"4/4/1", b" 4/4/1" * 300), "line 14: a face of more than 255 corners"),
    ("obj", (b"v 0 0 0", b"v 0 nan 0"), "line 3: 'v 0 nan 0' is not understood"),
    ("obj", (b"v 0 0 0", b"v 0 1e99 0"), "a coordinate is not a finite number"),
    ("obj", (b"vt 0.1 0.2", b"vt 3.1 0.2"), "texture coordinates reach from 0.1 to 3.1 (allowed: 0 to 1, one picture)"),
    ("obj", (b"f 1", b"# 1"), "there is no face in it"),
    ("text ply", (b"element vertex 4", b"element vertex 4000000000"), "are too few for 4000000000 of element 'vertex'"),
    ("text ply", (b"property float u\n", b""), "no texture coordinates"),
    ("text ply", (b"3 0 2 3", b"3 0 2 -3"), "ValueError: a face names a vertex below 0"),
    ("text ply", (b"3 0 2 3", b"3 0 2 7"), "damaged, or not PLY (IndexError"),
    ("text ply", (b"3 0 2 3", b"3 0 2.5 3"), "element 'face' has a number that is no integer"),
    ("text ply", (b"3 0 2 3", b"4 0 2 3 1"), "numbers after its header, which announces"),
    ("text ply", (b"3 0 1 2", b"1e400 0 1 2"), "a face with a list of inf numbers (allowed: 8)"),
    ("text ply", (b"4 0 1 7", b"4 x 1 7"), "line 15: 'x' is not of a number"),
    ("text ply", (b"list uchar", b"list uchr"), "line 12: 'property list uchr int vertex_indices' is not understood"),
    ("text ply", (b"element face", b"element strip"), "its elements are 'vertex', 'strip'"),
    ("ply", (b"element face 2", b"element face 3"), "bytes after its header are too few for 3 of element 'face'"),
    ("ply", (b"list uchar", b"list uint"), "bytes after its header are too few for 2 of element 'face'"),
    ("glb", (b"glTF\x02", b"glTF\x01"), "not GLB of version 2"),
    ("glb", (b"TEXCOORD_0", b"TEXCOORD_1"), "a part of it has no texture coordinates"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "expected"), REFUSED)
def test_what_is_wrong_is_one_line_that_says_where(kind, change, expected):
    assert change[0] in FILES[kind]
    with pytest.raises(UserError) as caught:
        read(kind, FILES[kind].replace(*change))
    assert str(caught.value).startswith(f"faces/a.{kind[-3:]}")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def hostile(tree):
    """Changes to a GLB's JSON, each with what is said of it."""
    big = 2**31
    return [
        ({"buffers": [{"byteLength": 9, "uri": "file:///etc/passwd"}]}, "buffers.0.uri"),
        ({"accessors": [a | {"count": big} for a in tree["accessors"]]}, "times as large as the file"),
        ({"accessors": [a | {"count": -1} for a in tree["accessors"]]}, "accessors.0.count"),
        ({"accessors": [{k: v for k, v in a.items() if k != "bufferView"} for a in tree["accessors"]]}, "bufferView"),
        ({"bufferViews": [v | {"byteLength": big} for v in tree["bufferViews"]]}, "times as large as the file"),
        ({"bufferViews": [v | {"byteOffset": 900} for v in tree["bufferViews"]]}, "damaged, or not GLB"),
        ({"nodes": [{"mesh": 7}]}, "names what is not there"),
        ({"nodes": [{"mesh": 0, "children": [0]}]}, "no tree"),
        ({"nodes": [{"mesh": 0, "matrix": [1]}]}, "nodes.0.matrix"),
        ({"nodes": [{"mesh": 0}] * 300}, "nodes: List should have at most 256 items"),
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "needs the extension 'KHR_draco_mesh_compression'"),
        ({"materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 5}}}]}, "names what is not there"),
    ]


@pytest.mark.parametrize(("change", "expected"), hostile(glb_parts(GLB)[0]))
def test_a_hostile_glb_is_refused_before_anything_is_allocated(change, expected):
    tree, data = glb_parts(GLB)
    tracemalloc.start()
    with pytest.raises(UserError) as caught:
        read("glb", glb_file(tree | change, data))
    assert tracemalloc.get_traced_memory()[1] < 4e6
    tracemalloc.stop()
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_are_read_or_refused_with_one_line(kind, mutations):
    for content in mutations(FILES[kind], count=600, seed=0):
        try:
            mesh = read(kind, content).mesh
        except UserError as error:
            assert re.match(r"faces/a\.[^\n]+$", str(error))  # noqa: PT017
            continue
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices) == len(mesh.uv)
        assert np.isfinite(mesh.vertices).all()
        assert len(mesh.faces) < len(content)


@pytest.mark.parametrize("kind", ["obj", "text ply"])
def test_memory_is_a_few_times_the_file(kind):
    mesh = trimesh.creation.icosphere(subdivisions=5)
    mesh.visual = trimesh.visual.TextureVisuals(uv=(mesh.vertices[:, :2] + 1) / 2)
    content = mesh.export(file_type="obj") if kind == "obj" else mesh.export(file_type="ply", encoding="ascii")
    content = content.encode() if isinstance(content, str) else content
    tracemalloc.start()
    read(kind, content)
    assert tracemalloc.get_traced_memory()[1] < 15 * len(content)
    tracemalloc.stop()
